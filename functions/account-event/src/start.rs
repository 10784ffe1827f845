//! The cold start.

use accounts::clock::Clock;
use accounts::config::{ConfigError, Settings};
use accounts::random::Random;
use accounts::store::Store;
use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;

use crate::{EventBus, Events, handle};

/// The function: the events of a table, on their way to a bus.
#[derive(Clone, Debug)]
pub struct Publisher {
    events: Events,
    bus: EventBus,
}

impl Publisher {
    /// A publisher of these events on that bus.
    pub fn new(events: Events, bus: EventBus) -> Self {
        Self { events, bus }
    }

    /// Answers a batch of the stream, as [`handle`] does.
    pub async fn answer(&self, batch: Event) -> DynamoDbEventResponse {
        Box::pin(handle(&self.events, &self.bus, batch)).await
    }
}

/// The publisher by the settings. It needs no secret.
///
/// # Errors
/// For a malformed setting: then the function must not start.
pub fn connect(settings: &Settings) -> Result<Publisher, ConfigError> {
    let sdk = accounts::aws::sdk_config(settings)?;
    let store = Store::connect(&sdk, settings.table()?, Random::System, Clock::System);
    let bus = EventBus::connect(&sdk, settings.event_bus()?);
    Ok(Publisher::new(Events::new(settings.events()?, store), bus))
}
