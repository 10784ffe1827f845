//! The answers of DynamoDB, sorted into outcomes and failures.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, TransactWriteItem, Update};

use super::Store;
use crate::aws::why;
use crate::error::AuthError;

pub(super) type Item = HashMap<String, AttributeValue>;

/// The table did not answer, or not in a way that makes sense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An error of DynamoDB or of the connection, after the SDK's own retries.
    #[error("DynamoDB: {0}")]
    Sdk(String),
    /// An item that is not as this release writes it.
    #[error("an item cannot be read: {0}")]
    Item(#[from] serde_dynamo::Error),
    /// An item of a newer shape than this release knows.
    #[error(
        "an item of the kind {kind} has version {}, and this release knows {known}: a newer release has \
         written it, deploy that one again",
        found.map_or_else(|| "?".to_owned(), |found| found.to_string())
    )]
    Version {
        /// The kind of the item.
        kind: &'static str,
        /// Its version, if it is a number.
        found: Option<u32>,
        /// The newest that can be read.
        known: u32,
    },
    /// Others wrote to the same items, again and again.
    #[error("the same items are written to by too many at once")]
    Conflict,
}

impl<E> From<SdkError<E>> for StoreError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        Self::Sdk(why(&error))
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// The role of an item in a transaction. The code finds a refusal by this name, never by a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The user item.
    User,
    /// Another user, on whose role the transaction depends.
    Staff,
    /// The unique key of an address.
    Email,
    /// The unique key of a second address that a user comes with.
    SecondaryEmail,
    /// The unique keys of a name.
    Username,
    /// The unique key of a legacy id.
    LegacyId,
    /// A token or a code that is used up.
    Proof,
    Session,
    /// The second factors of the user.
    Factors,
    /// The unique key of a passkey.
    Passkey,
    /// A note about the whole site.
    Site,
    Mail,
    /// The slots of mails.
    Quota,
    /// A sign-up that has no account yet.
    Pending,
    /// An event of the audit trail.
    Audit,
    /// The tallies of limits.
    Guesses,
}

/// The items of a transaction, each with its name.
#[derive(Default)]
pub(super) struct Transaction {
    items: Vec<TransactWriteItem>,
    parts: Vec<Part>,
}

impl Transaction {
    pub(super) fn add(&mut self, part: Part, item: TransactWriteItem) {
        self.items.push(item);
        self.parts.push(part);
    }

    pub(super) fn with(mut self, part: Part, item: TransactWriteItem) -> Self {
        self.add(part, item);
        self
    }

    pub(super) fn extend(
        &mut self,
        part: Part,
        items: impl IntoIterator<Item = TransactWriteItem>,
    ) {
        for item in items {
            self.add(part, item);
        }
    }

    /// Changes the update of the item of that name.
    pub(super) fn change_update(
        &mut self,
        part: Part,
        change: impl FnOnce(&mut Update) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let items = self.items.iter_mut().zip(&self.parts);
        let mut updates =
            items.filter(|(_, own)| **own == part).filter_map(|(it, _)| it.update.as_mut());
        updates.next().map_or(Ok(()), change)
    }

    pub(super) fn append(&mut self, other: Self) {
        self.items.extend(other.items);
        self.parts.extend(other.parts);
    }
}

/// The result of a transaction.
pub(super) enum TransactionResult {
    Done,
    Refused(RefusedParts),
}

/// The parts of a transaction whose conditions failed: at least one.
pub(super) struct RefusedParts(Vec<Part>);

impl RefusedParts {
    pub(super) fn has(&self, part: Part) -> bool {
        self.0.contains(&part)
    }
}

/// How often a call is tried if it meets another transaction, or is throttled in part.
pub(super) const ATTEMPTS: u32 = 8;

impl Store {
    /// Writes all items or none. Tries again when another transaction was at the same items: that
    /// says nothing about the conditions.
    pub(super) async fn transact(
        &self,
        transaction: Transaction,
    ) -> Result<TransactionResult, StoreError> {
        let Transaction { items, parts } = transaction;
        for attempt in 0..ATTEMPTS {
            let request =
                self.client.transact_write_items().set_transact_items(Some(items.clone()));
            let answer = match &self.meter {
                None => request.send().await,
                Some(meter) => {
                    let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
                    let answer = answer.send().await;
                    let consumed = answer.as_ref().map(TransactWriteItemsOutput::consumed_capacity);
                    meter.add(consumed.unwrap_or_default());
                    answer
                }
            };
            match classify(answer, &parts)? {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(self.pause(attempt)).await,
            }
        }
        Err(StoreError::Conflict)
    }

    /// A random time below a maximum that doubles with each attempt, so that two writers that met seldom meet again
    /// (full jitter).
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let most = 10_000_u64 << attempt;
        Duration::from_micros(1_000 + u64::from_le_bytes(self.random.bytes()) % most)
    }
}

/// The transient reasons. They say nothing about the conditions.
const PASSING: [&str; 4] =
    ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// `None` if all reasons are transient.
fn classify(
    answer: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>,
    parts: &[Part],
) -> Result<Option<TransactionResult>, StoreError> {
    let Err(error) = answer else { return Ok(Some(TransactionResult::Done)) };
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return Err(error.into());
    };
    let codes: Vec<&str> = codes(canceled).collect();
    if codes.contains(&"ConditionalCheckFailed") {
        let refused =
            codes.iter().zip(parts).filter(|(code, _)| **code == "ConditionalCheckFailed");
        Ok(Some(TransactionResult::Refused(RefusedParts(refused.map(|(_, part)| *part).collect()))))
    } else if is_passing(canceled) {
        Ok(None)
    } else {
        Err(error.into())
    }
}

/// Whether only transient reasons canceled a transaction.
pub(super) fn is_passing(canceled: &TransactionCanceledException) -> bool {
    codes(canceled).all(|code| PASSING.contains(&code))
}

fn codes(canceled: &TransactionCanceledException) -> impl Iterator<Item = &str> {
    canceled.cancellation_reasons().iter().filter_map(|reason| reason.code())
}

/// If the condition of an update failed, the present item (`None` if it does not exist). Any other failure stays an
/// error.
pub(super) fn refused_update(error: SdkError<UpdateItemError>) -> Result<Option<Item>, StoreError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Ok(failed.item.clone()),
        _ => Err(error.into()),
    }
}
