//! Which picture a user has.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::Store;
use super::ending::STANDS;
use super::item::{Key, n, naming, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult, refused_update};
use crate::model::{EventKind, NewEvent, User, UserId};

/// The attribute.
const PICTURE: &str = "profile_picture";

/// The key of an object that the user may never refer to (any more).
const BARRED: &str = "barred_picture";

/// How many writes at the same time succeed for sure.
const MOST_AT_ONCE: usize = 50;

/// The result of a write of a user's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureSaved {
    /// The change is written.
    Done {
        /// The key of the picture before. Several writes at the same time get different ones.
        before: Option<String>,
    },
    /// There is no such user, or the key was barred.
    Refused,
}

impl Store {
    /// Makes the user refer to the picture of that key, unless the key was barred.
    pub async fn set_picture(&self, user: &User, key: &str) -> Result<PictureSaved, StoreError> {
        self.change_picture(user, Some(key)).await
    }

    /// Ensures that the user never refers to the picture of that key, even if a write of it is still under way.
    /// `false` when the user refers to it already: then nothing changes.
    pub async fn bar_picture(&self, user: UserId, key: &str) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression(format!("SET {BARRED} = :key"))
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#picture) OR #picture <> :key)",
            )
            .expression_attribute_names("#picture", PICTURE)
            .expression_attribute_values(":key", s(key))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            // Without a user, no item can refer to it.
            Err(error) => refused_update(error).map(|user| user.is_none()),
        }
    }

    /// Makes the user refer to no picture. Without a picture, nothing is written.
    pub async fn remove_picture(&self, user: &User) -> Result<PictureSaved, StoreError> {
        if user.profile_picture.is_none() {
            return Ok(PictureSaved::Done { before: None });
        }
        self.change_picture(user, None).await
    }

    /// The write has the picture that it replaces as a condition, because a transaction does not return it. If another
    /// request has replaced it in the meantime, the method reads the user again.
    async fn change_picture(
        &self,
        user: &User,
        key: Option<&str>,
    ) -> Result<PictureSaved, StoreError> {
        let is_free = format!(" AND (attribute_not_exists({BARRED}) OR {BARRED} <> :key)");
        let mut before = user.profile_picture.clone();
        for _ in 0..MOST_AT_ONCE {
            let mut condition = format!("attribute_exists(pk) AND {STANDS}");
            let mut values = vec![(":now", n(self.clock.now().as_second()))];
            condition.push_str(match &before {
                Some(before) => {
                    values.push((":before", s(before)));
                    " AND #picture = :before"
                }
                None => " AND attribute_not_exists(#picture)",
            });
            let update = match key {
                Some(key) => {
                    values.push((":key", s(key)));
                    condition.push_str(&is_free);
                    "SET #picture = :key"
                }
                None => "REMOVE #picture",
            };
            let change = self.update_if(Key::user(user.id), update, &condition, values)?;
            let change = naming(change, ("#picture", PICTURE));
            let mut transaction = Transaction::default().with(Part::User, change);
            self.record(&mut transaction, NewEvent::of(EventKind::ProfileChanged, user.id))?;
            if let TransactionResult::Done = self.transact(transaction).await? {
                return Ok(PictureSaved::Done { before });
            }
            let Some(item) = self.get(Key::user(user.id)).await? else {
                return Ok(PictureSaved::Refused);
            };
            let is_barred = key.is_some()
                && item.get(BARRED).and_then(|it| it.as_s().ok()).map(String::as_str) == key;
            let present = self.read_user(item)?;
            if is_barred || !self.stands(&present) {
                return Ok(PictureSaved::Refused);
            }
            if present.profile_picture.as_deref() == key {
                return Ok(PictureSaved::Done { before: None });
            }
            before = present.profile_picture;
        }
        Err(StoreError::Conflict)
    }
}
