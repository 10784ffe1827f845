//! Publishes the changes of accounts as events.
//!
//! The table's stream calls it with new events of the audit trail. The transaction of a change writes them, so no event
//! is lost, and none is invented. A target that does not answer is tried again until the stream forgets the record,
//! and the events behind it in the shard wait. Mails have a reader of their own, so they do not wait.

mod bus;
mod start;

use std::future::Future;

use accounts::model::{AccountEvent, EventOptions};
use accounts::store::{Store, StoreError, event_in};
use accounts::telemetry::catch_panic;
use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};

pub use bus::EventBus;
pub use start::{Publisher, connect};

/// The receiver of events.
pub trait Target: Sync {
    /// Sends the events, which belong to different users. The error is the position of the first event that the target
    /// did not take; it may have taken later ones.
    fn send(&self, events: &[AccountEvent]) -> impl Future<Output = Result<(), usize>> + Send;

    /// How many events one call takes.
    fn most_at_once(&self) -> usize;
}

/// The source of the user's data in events.
#[derive(Clone, Debug)]
pub struct Events {
    options: EventOptions,
    /// Where the users are. It is read only if the options want personal data.
    store: Store,
}

impl Events {
    /// Events by those options, of the users in that table.
    pub fn new(options: EventOptions, store: Store) -> Self {
        Self { options, store }
    }

    /// The event of a record of the stream, if it is one.
    async fn read(&self, record: &EventRecord) -> Result<Option<AccountEvent>, StoreError> {
        let Some(event) = event_in(record.change.new_image.clone())? else { return Ok(None) };
        let Some(event) = AccountEvent::of(&event, self.options) else { return Ok(None) };
        if !self.options.personal_data {
            return Ok(Some(event));
        }
        let user = self.store.user(event.data.user_id).await?;
        Ok(Some(event.about(user.as_ref())))
    }
}

/// An event, and the number of its record in the stream.
type NumberedEvent = (Option<String>, AccountEvent);

/// Sends the events of a batch to the target, those of one user one after the other. After the first failure it sends
/// no more and reports that record: then the stream delivers this record and those behind it again.
pub async fn handle(events: &Events, target: &impl Target, batch: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    if let Err(failed) = send_all(events, target, &batch.records).await {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = failed;
        response.batch_item_failures.push(failure);
    }
    response
}

/// The error is the number of the first record whose event was not sent.
async fn send_all(
    events: &Events,
    target: &impl Target,
    records: &[EventRecord],
) -> Result<(), Option<String>> {
    let mut turn: Vec<NumberedEvent> = Vec::new();
    for record in records {
        let number = record.change.sequence_number.clone();
        let read = catch_panic(events.read(record)).await;
        let read = read.map(|read| read.map_err(|error| error.to_string()));
        let event = match read.unwrap_or_else(|| Err("it panicked".to_owned())) {
            Ok(None) => continue,
            Ok(Some(event)) => event,
            Err(error) => {
                tracing::error!(
                    event = "event_not_sent",
                    record = %record.event_id,
                    error,
                    "an event cannot be read"
                );
                // The events before it are not lost: they are sent first.
                send(target, &mut turn).await?;
                return Err(number);
            }
        };
        let is_next_turn = turn.len() >= target.most_at_once()
            || turn.iter().any(|(_, before)| before.data.user_id == event.data.user_id);
        if is_next_turn {
            send(target, &mut turn).await?;
        }
        turn.push((number, event));
    }
    send(target, &mut turn).await
}

/// Sends the events, and forgets them.
async fn send(target: &impl Target, turn: &mut Vec<NumberedEvent>) -> Result<(), Option<String>> {
    let (numbers, events): (Vec<_>, Vec<_>) = std::mem::take(turn).into_iter().unzip();
    if events.is_empty() {
        return Ok(());
    }
    target.send(&events).await.map_err(|position| numbers.get(position).cloned().flatten())
}
