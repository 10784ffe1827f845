//! Reads of items, one or several.

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, TransactGetItem};

use super::Store;
use super::item::{Key, unbuildable};
use super::transaction::{ATTEMPTS, Item, StoreError, is_passing};

impl Store {
    pub(super) async fn get(&self, key: Key) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        Ok(request.set_key(Some(key.attributes())).send().await?.item)
    }

    /// The items of those keys that exist. When DynamoDB throttles, it leaves keys unprocessed: they are read again,
    /// after growing pauses.
    pub(super) async fn batch_get(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let keys = keys.into_iter().map(Key::attributes).collect();
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(unbuildable)?;
        let mut found = Vec::new();
        for attempt in 0..ATTEMPTS {
            let request = self.client.batch_get_item().request_items(&self.table, wanted);
            let mut answer = request.send().await?;
            found.extend(
                answer.responses.and_then(|mut all| all.remove(&self.table)).unwrap_or_default(),
            );
            match answer.unprocessed_keys.as_mut().and_then(|rest| rest.remove(&self.table)) {
                Some(rest) => wanted = rest,
                None => return Ok(found),
            }
            tokio::time::sleep(self.pause(attempt)).await;
        }
        Err(StoreError::Sdk("keys were left unprocessed".to_owned()))
    }

    /// The item of each key, all from one moment. [`Self::batch_get`] can see a transaction in part; this cannot.
    /// Costs twice as much.
    pub(super) async fn get_as_one<const N: usize>(
        &self,
        keys: [Key; N],
    ) -> Result<[Option<Item>; N], StoreError> {
        let gets = keys.into_iter().map(|key| {
            let get = Get::builder().table_name(&self.table).set_key(Some(key.attributes()));
            let get = get.build().map_err(unbuildable)?;
            Ok(TransactGetItem::builder().get(get).build())
        });
        let gets: Vec<_> = gets.collect::<Result<_, StoreError>>()?;
        for attempt in 0..ATTEMPTS {
            let request = self.client.transact_get_items();
            let answer = request.set_transact_items(Some(gets.clone())).send().await;
            let error = match answer {
                Ok(answer) => {
                    let mut found = answer.responses.unwrap_or_default().into_iter();
                    return Ok(std::array::from_fn(|_| found.next().and_then(|one| one.item)));
                }
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(TransactGetItemsError::TransactionCanceledException(canceled))
                    if is_passing(canceled) => {}
                _ => return Err(error.into()),
            }
            tokio::time::sleep(self.pause(attempt)).await;
        }
        Err(StoreError::Conflict)
    }
}

pub(super) fn take(found: &[Item], key: &Key) -> Option<Item> {
    let wanted = key.clone().attributes();
    found
        .iter()
        .find(|item| wanted.iter().all(|(name, value)| item.get(name) == Some(value)))
        .cloned()
}

/// The same, without a copy: for an item that is read once.
pub(super) fn remove(found: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let wanted = key.clone().attributes();
    let is_wanted = |item: &Item| wanted.iter().all(|(name, value)| item.get(name) == Some(value));
    found.iter().position(is_wanted).map(|at| found.swap_remove(at))
}
