//! One-time codes. They are stored beside the address that they prove, so that a code and its address are enough to
//! find them.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::Store;
use super::item::{Key, NewItem, n};
use super::transaction::{StoreError, refused_update};
use super::version::{ItemKind, KNOWN, KNOWN_NAME, known, read};
use crate::model::OneTimeCode;
use crate::model::Purpose;
use crate::model::otp::MAX_TRIES;

/// The result of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is counted: compare now.
    Counted(OneTimeCode),
    /// There is no code for that address.
    Missing,
    /// It has expired: do not compare.
    Expired,
    /// It was tried too often: do not compare.
    Exhausted,
}

impl Store {
    /// Writes the code unless one is alive, and returns the live one. So a second request neither makes a second live
    /// code nor gives new tries.
    pub async fn live_code(
        &self,
        email_key: &str,
        purpose: Purpose,
        code: OneTimeCode,
        now: Timestamp,
    ) -> Result<OneTimeCode, StoreError> {
        let item = NewItem::new(Key::code(email_key, purpose), ItemKind::Code);
        let item = item.with_data(&code)?.swept(code.expires_at, self.shards);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression(
                "attribute_not_exists(pk) OR expires_at <= :now OR user_id <> :user",
            )
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":user", super::item::s(code.user_id.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else { return Ok(code) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(alive)) => {
                read(alive.item.clone().unwrap_or_default())
            }
            _ => Err(error.into()),
        }
    }

    /// Counts a try before any comparison. Of any number of tries at once, at most [`MAX_TRIES`] are counted.
    pub async fn try_code(
        &self,
        email_key: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Tried, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::code(email_key, purpose).attributes()))
            .update_expression("SET tries = tries + :one")
            .condition_expression(format!("expires_at > :now AND tries < :most AND {KNOWN}"))
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":known", known(ItemKind::Code))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":most", n(MAX_TRIES))
            .expression_attribute_values(":now", n(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let refused = match answer {
            Ok(counted) => {
                return Ok(Tried::Counted(read(counted.attributes.unwrap_or_default())?));
            }
            Err(error) => refused_update(error)?,
        };
        let code: Option<OneTimeCode> = refused.map(read).transpose()?;
        Ok(match code {
            None => Tried::Missing,
            Some(code) if code.expires_at <= now.as_second() => Tried::Expired,
            Some(_) => Tried::Exhausted,
        })
    }
}
