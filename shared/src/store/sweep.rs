//! Items that the clean-up removes or picks up. An index holds only these.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::item::{Key, n, s, sweep_pk};
use super::transaction::{Item, StoreError, refused_update};

/// A due item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due(Key);

impl Due {
    /// Whether it is an account, which is more than one item: see [`Store::close_user`].
    pub fn is_account(&self) -> bool {
        self.0.sk == "USER"
    }

    pub(super) fn key(&self) -> &Key {
        &self.0
    }
}

/// The result for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Swept {
    /// An expired one-time code was deleted.
    Code,
    /// An expired session was deleted.
    Session,
    /// The id of an expired token was deleted.
    TokenId,
    /// A sign-up that was pending, and has ended, is deleted.
    SignUp,
    /// A decoy was deleted.
    Decoy,
    /// An account that has ended was deleted with all its items.
    Account,
    /// A stuck mail is in the stream again.
    Mail,
    /// A session was refreshed in the meantime. The clean-up looks at it again when it can have expired.
    Postponed,
    /// Another process was first.
    Nothing,
}

impl Store {
    /// The due items in that part of the index, oldest first, at most `limit`.
    pub async fn due(&self, shard: u8, limit: i32, now: Timestamp) -> Result<Vec<Due>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("sweep")
            .key_condition_expression("sweep_pk = :shard AND sweep_at <= :now")
            .expression_attribute_values(":shard", s(sweep_pk(shard)))
            .expression_attribute_values(":now", n(now.as_second()))
            .limit(limit)
            .send()
            .await?;
        Ok(answer.items.unwrap_or_default().into_iter().filter_map(due).collect())
    }

    /// How many of the items that the sweep looks at within a day are mails: written, and neither sent nor given up. At
    /// most `limit` items are read.
    pub async fn waiting_mails(
        &self,
        shard: u8,
        limit: i32,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let due = self.due(shard, limit, now + SignedDuration::from_hours(24)).await?;
        Ok(due.iter().filter(|Due(key)| key.sk == "MAIL").count())
    }

    /// Removes the item, which is no account, if it has expired, or picks it up. Safe to do twice, also at the same time.
    pub async fn sweep(&self, due: Due, now: Timestamp) -> Result<Swept, StoreError> {
        let Due(key) = due;
        if key.sk == "MAIL" {
            let requeued = self.requeue_mail(key, now).await?;
            return Ok(if requeued { Swept::Mail } else { Swept::Nothing });
        }
        let removed = match key.sk.split('#').next() {
            Some("OTP") => Swept::Code,
            Some("SESSION") => Swept::Session,
            Some("PENDING") => Swept::SignUp,
            Some("DECOY") => Swept::Decoy,
            _ => Swept::TokenId,
        };
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.clone().attributes()))
            .condition_expression("expires_at <= :now")
            .expression_attribute_values(":now", n(now.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else { return Ok(removed) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(kept)) => {
                self.postpone(key, kept.item.as_ref()).await
            }
            _ => Err(error.into()),
        }
    }

    /// Moves an item that has not expired to the place in the index at which a later sweep finds it.
    async fn postpone(&self, key: Key, kept: Option<&Item>) -> Result<Swept, StoreError> {
        let Some(expires_at) = kept.and_then(|item| item.get("expires_at")) else {
            return Ok(Swept::Nothing);
        };
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET sweep_at = :at")
            .condition_expression("attribute_exists(pk) AND expires_at = :at")
            .expression_attribute_values(":at", expires_at.clone())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Swept::Postponed),
            Err(error) => refused_update(error).map(|_| Swept::Nothing),
        }
    }
}

fn due(mut item: Item) -> Option<Due> {
    let mut text = |name: &str| match item.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    Some(Due(Key { pk: text("pk")?, sk: text("sk")? }))
}
