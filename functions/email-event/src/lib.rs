//! Sends the due mails of the table, and records later events of SES about them.
//!
//! The table's stream calls it with mails that are due. Each record is processed on its own, and a failure is
//! reported. Then Lambda delivers the batch again, from the first reported record on, and the records behind it in
//! the shard wait. So a mail that fails again and again is reported only twice: after that the outbox keeps it, and
//! `token-cleanup` makes it due again.

mod feedback;
mod start;

use accounts::error::Unavailable;
use accounts::mail::Outbox;
use accounts::model::MailId;
use accounts::telemetry::catch_panic;
use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

pub use feedback::{Feedback, note};
pub use start::connect;

/// How many mails are sent at the same time.
const AT_ONCE: usize = 5;

/// Answers an event of the function: [`handle`] takes records of the table's stream, and [`note`] takes events of SES
/// about a mail.
///
/// # Errors
/// For an event of another kind, and if an event of SES cannot be recorded: then it must be delivered again.
pub async fn answer(outbox: &Outbox, event: Value) -> Result<Value, Unavailable> {
    if event.get("Records").is_some() {
        return Ok(serde_json::to_value(handle(outbox, serde_json::from_value(event)?).await)?);
    }
    note(outbox, serde_json::from_value(event)?).await?;
    Ok(Value::Null)
}

/// Sends the mails of a batch, each for itself, and reports by sequence number which records must be tried again.
/// Mails to one user that follow each other in a batch are sent one after the other, in the order of the batch. The
/// stream keeps the order of writes to one item only, and two mails are two items. So this may not be the order in
/// which they were written.
pub async fn handle(outbox: &Outbox, event: Event) -> DynamoDbEventResponse {
    let turns = event.records.chunk_by(|one, next| user(one) == user(next));
    let turns: Vec<_> = turns.map(<[EventRecord]>::to_vec).collect();
    let failures =
        stream::iter(turns).map(|records| deliver_in_turn(outbox, records)).buffered(AT_ONCE);
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failures.concat().await;
    response
}

async fn deliver_in_turn(
    outbox: &Outbox,
    records: Vec<EventRecord>,
) -> Vec<DynamoDbBatchItemFailure> {
    let mut failures = Vec::new();
    for record in records {
        failures.extend(deliver(outbox, &record).await.err());
    }
    failures
}

/// The user of the mail. It is needed for the order only.
fn user(record: &EventRecord) -> Option<&serde_dynamo::AttributeValue> {
    record.change.new_image.get("user_id")
}

async fn deliver(outbox: &Outbox, record: &EventRecord) -> Result<(), DynamoDbBatchItemFailure> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(event = %record.event_id, %error, "a mail was not sent");
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier.clone_from(&record.change.sequence_number);
        failure
    };
    let id = mail_id(record).map_err(|error| failed(&error))?;
    match catch_panic(outbox.deliver(id)).await {
        Some(delivered) => delivered.map(drop).map_err(|error| failed(&error)),
        None => Err(failed(&"it panicked")),
    }
}

/// Besides the order, only the key of a record is used, because the table has the present state of the mail.
fn mail_id(record: &EventRecord) -> Result<MailId, NotAMail> {
    #[derive(Deserialize)]
    struct Key {
        pk: String,
    }
    let key: Key = serde_dynamo::from_item(record.change.keys.clone()).map_err(|_| NotAMail)?;
    key.pk.strip_prefix("MAIL#").and_then(|id| id.parse().ok()).ok_or(NotAMail)
}

/// The stream's filter passes mails only. Another item is a mistake that an operator must see.
#[derive(Debug, thiserror::Error)]
#[error("the record is not that of a mail")]
struct NotAMail;
