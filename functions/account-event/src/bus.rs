//! The event bus: the only code that names the SDK of `EventBridge`.

use accounts::aws::why;
use accounts::model::AccountEvent;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;

use crate::Target;

/// The source of all events, for the patterns of rules.
const SOURCE: &str = "latchkey";
/// The most events of one call of `PutEvents`.
const MOST: usize = 10;

/// An event bus of `EventBridge`.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// The bus of that name or ARN, in the AWS that `sdk` leads to.
    pub fn connect(sdk: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(sdk), name: name.into() }
    }

    fn entry(&self, event: &AccountEvent) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.event_type.name())
            .time(DateTime::from_millis(event.timestamp.as_millisecond()))
            // The type has only texts, so the serializer does not fail.
            .detail(serde_json::to_string(event).unwrap_or_default())
            .build()
    }
}

impl Target for EventBus {
    async fn send(&self, events: &[AccountEvent]) -> Result<(), usize> {
        let entries = events.iter().map(|event| self.entry(event)).collect();
        let answer = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| {
            let error = why(&error);
            tracing::error!(event = "event_not_sent", error, "the event bus does not answer");
            0_usize
        })?;
        let mut entries = answer.entries().iter();
        let Some(position) = entries.position(|entry| entry.error_code().is_some()) else {
            return Ok(());
        };
        let refused = &answer.entries()[position];
        tracing::error!(
            event = "event_not_sent",
            id = %events[position].id,
            error = refused.error_code().unwrap_or_default(),
            reason = refused.error_message().unwrap_or_default(),
            "the event bus refused an event"
        );
        Err(position)
    }

    fn most_at_once(&self) -> usize {
        MOST
    }
}
