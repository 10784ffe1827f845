//! How many mails the whole site has sent to new addresses, for all functions together.
//!
//! Each hour has one item. DynamoDB takes 1,000 writes a second to one item. A limit that is reached is only read.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::Timestamp;
use serde::Deserialize;

use super::item::{Key, n, s};
use super::read::take;
use super::transaction::StoreError;
use super::version::{ItemKind, KNOWN, KNOWN_NAME, Stored, known, read};
use super::{Guesser, Store};
use crate::model::Tally;

/// An hour, in seconds.
const HOUR: i64 = 3_600;

/// The item of an hour.
#[derive(Default, Deserialize)]
struct NewAddresses {
    mails: u32,
}

impl Stored for NewAddresses {
    const KIND: ItemKind = ItemKind::NewAddresses;
}

/// When the hour of that moment ends, in epoch seconds.
pub(crate) fn end_of_hour(now: Timestamp) -> i64 {
    (now.as_second().div_euclid(HOUR) + 1) * HOUR
}

impl Store {
    /// The tally of each guesser, and how many mails the site has sent to new addresses in this hour, in one call.
    pub async fn tallies_and_new_addresses(
        &self,
        guessers: &[Guesser],
        now: Timestamp,
    ) -> Result<(Vec<Tally>, u32), StoreError> {
        let hour = Key::new_addresses(end_of_hour(now));
        let keys: Vec<Key> = guessers.iter().map(Guesser::key).collect();
        let found = self.batch_get(keys.iter().cloned().chain([hour.clone()]).collect()).await?;
        let tallies = keys.iter().map(|key| match take(&found, key) {
            Some(item) => read::<Tally>(item),
            None => Ok(Tally::default()),
        });
        let mails = take(&found, &hour).map(read::<NewAddresses>).transpose()?;
        Ok((tallies.collect::<Result<_, _>>()?, mails.unwrap_or_default().mails))
    }

    /// Counts that many mails in this hour. `false` if there would then be more than `most`: nothing is counted. Calls
    /// at the same time cannot exceed `most` together.
    pub async fn count_new_addresses(
        &self,
        mails: u32,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(room) = most.checked_sub(mails) else { return Ok(false) };
        let ends_at = end_of_hour(now);
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::new_addresses(ends_at).attributes()))
            .update_expression(
                "SET #kind = :kind, #version = :known, expires_at = :end ADD mails :mails",
            )
            .condition_expression(format!(
                "{KNOWN} AND (attribute_not_exists(mails) OR mails <= :room)"
            ))
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":kind", s(ItemKind::NewAddresses.name()))
            .expression_attribute_values(":known", known(ItemKind::NewAddresses))
            .expression_attribute_values(":end", n(ends_at))
            .expression_attribute_values(":mails", n(mails))
            .expression_attribute_values(":room", n(room))
            .send()
            .await;
        let Err(error) = answer else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_ends_with_the_hour_of_the_clock() {
        let end = |second| end_of_hour(Timestamp::from_second(second).unwrap());
        assert_eq!([end(0), end(3_599), end(3_600)], [3_600, 3_600, 7_200]);
    }
}
