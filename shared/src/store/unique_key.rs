//! The items that make an address, a username, a legacy id or a passkey belong to one user.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;
use serde::Deserialize;

use super::Store;
use super::item::{Key, NewItem, s};
use super::transaction::StoreError;
use super::version::{ItemKind, Stored};
use crate::model::{User, UserId};

/// A unique key, and its user.
#[derive(Deserialize)]
pub(super) struct UniqueKey {
    user_id: UserId,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    is_look: bool,
}

impl UniqueKey {
    /// Its user.
    pub(super) fn user(&self) -> UserId {
        self.user_id
    }

    /// For a username: whether the user's name only looks like this one.
    pub(super) fn is_look(&self) -> bool {
        self.is_look
    }

    /// Whether the key is taken.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now.as_second() < end)
    }
}

impl Stored for UniqueKey {
    const KIND: ItemKind = ItemKind::UniqueKey;
}

/// A unique key of that user, until the end of the account, if it has one.
pub(super) fn unique_key(key: Key, user: UserId, ends_at: Option<i64>) -> NewItem {
    let unique_key = NewItem::new(key, ItemKind::UniqueKey).with("user_id", s(user.to_string()));
    ends_at.into_iter().fold(unique_key, NewItem::expiring)
}

impl Store {
    /// As part of a transaction: the unique keys of a new user's name and its looks.
    pub(super) fn put_name(&self, user: &User) -> Result<Vec<TransactWriteItem>, StoreError> {
        let unique_keys = name_unique_keys(user).into_iter();
        unique_keys.map(|(_, unique_key)| self.put_unique_key(unique_key)).collect()
    }
}

/// The unique keys of a user's name and its looks, each with its item.
pub(super) fn name_unique_keys(user: &User) -> Vec<(Key, NewItem)> {
    let unique_key = |key: &str| unique_key(Key::username(key), user.id, user.ends_at);
    let looks = user.username_looks.iter().map(|look| {
        (Key::username(look), unique_key(look).with("is_look", AttributeValue::Bool(true)))
    });
    let own = (Key::username(&user.username_key), unique_key(&user.username_key));
    [own].into_iter().chain(looks).collect()
}

/// The keys of [`name_unique_keys`].
pub(super) fn name_keys(user: &User) -> Vec<Key> {
    let keys = [&user.username_key].into_iter().chain(&user.username_looks);
    keys.map(|key| Key::username(key)).collect()
}
