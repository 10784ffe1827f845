//! Which picture a user has.

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::Store;
use super::ending::STANDS;
use super::item::{Key, n, s};
use super::transaction::{StoreError, refused_update};
use crate::model::UserId;

/// The attribute.
const PICTURE: &str = "profile_picture";

/// The key of an object that the user may never refer to (any more).
const BARRED: &str = "barred_picture";

/// The result of a write of a user's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureSaved {
    /// It is as it was to be.
    Done {
        /// The key of the one before. Of several at once, each has another one.
        before: Option<String>,
    },
    /// There is no such user, or the key was barred.
    Refused,
}

impl Store {
    /// Makes the user refer to the picture of that key, unless the key was barred.
    pub async fn set_picture(&self, user: UserId, key: &str) -> Result<PictureSaved, StoreError> {
        let is_free = format!(" AND (attribute_not_exists({BARRED}) OR {BARRED} <> :key)");
        self.change_picture(user, "SET #picture = :key", &is_free, Some(key)).await
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

    /// Makes the user refer to no picture.
    pub async fn remove_picture(&self, user: UserId) -> Result<PictureSaved, StoreError> {
        self.change_picture(user, "REMOVE #picture", "", None).await
    }

    async fn change_picture(
        &self,
        user: UserId,
        change: &str,
        condition: &str,
        key: Option<&str>,
    ) -> Result<PictureSaved, StoreError> {
        let now = (":now".to_owned(), n(self.clock.now().as_second()));
        let key = key.map(|key| (":key".to_owned(), s(key)));
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression(change)
            .condition_expression(format!("attribute_exists(pk) AND {STANDS}{condition}"))
            .expression_attribute_names("#picture", PICTURE)
            .set_expression_attribute_values(Some(key.into_iter().chain([now]).collect()))
            .return_values(ReturnValue::UpdatedOld)
            .send()
            .await;
        match answer {
            Ok(done) => {
                let before = done.attributes.and_then(|mut before| before.remove(PICTURE));
                let before = before.and_then(|before| before.as_s().ok().cloned());
                Ok(PictureSaved::Done { before })
            }
            Err(error) => refused_update(error).map(|_| PictureSaved::Refused),
        }
    }
}
