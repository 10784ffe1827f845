//! Which picture a user has.

use aws_sdk_dynamodb::types::ReturnValue;

use super::Store;
use super::ending::STANDS;
use super::item::{Key, n, s};
use super::outcome::{StoreError, refused_update};
use crate::model::UserId;

/// The attribute.
const PICTURE: &str = "profile_picture";

/// What became of a user's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pictured {
    /// It is as it was to be.
    Done {
        /// The key of the one before. Of several at once, each has another one.
        before: Option<String>,
    },
    /// There is no such user.
    NoUser,
}

impl Store {
    /// Makes the user refer to the picture of that key.
    pub async fn set_picture(&self, user: UserId, key: &str) -> Result<Pictured, StoreError> {
        self.change_picture(user, "SET #picture = :key", Some(key)).await
    }

    /// Makes the user refer to no picture.
    pub async fn remove_picture(&self, user: UserId) -> Result<Pictured, StoreError> {
        self.change_picture(user, "REMOVE #picture", None).await
    }

    async fn change_picture(
        &self,
        user: UserId,
        change: &str,
        key: Option<&str>,
    ) -> Result<Pictured, StoreError> {
        let now = (":now".to_owned(), n(self.clock.now().as_second()));
        let key = key.map(|key| (":key".to_owned(), s(key)));
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression(change)
            .condition_expression(format!("attribute_exists(pk) AND {STANDS}"))
            .expression_attribute_names("#picture", PICTURE)
            .set_expression_attribute_values(Some(key.into_iter().chain([now]).collect()))
            .return_values(ReturnValue::UpdatedOld)
            .send()
            .await;
        match answer {
            Ok(done) => {
                let before = done.attributes.and_then(|mut before| before.remove(PICTURE));
                let before = before.and_then(|before| before.as_s().ok().cloned());
                Ok(Pictured::Done { before })
            }
            Err(error) => refused_update(error).map(|_| Pictured::NoUser),
        }
    }
}
