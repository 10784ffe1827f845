//! Accounts that end: by themselves, because their address was never proven, or because they were deleted.
//!
//! An account that has ended is absent to every read, and to every write that would keep it. Its items are deleted
//! after that, in any number of steps. The user item is the last one, because it leads to the others.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemError, DeleteItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem};
use futures::{StreamExt, TryStreamExt, stream};

use super::item::{Key, mails_pk, n, naming, s, sweep_pk};
use super::staff::ROLE;
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult, refused_update};
use super::unique_key::name_keys;
use super::{Due, Store};
use crate::model::{Actor, EventKind, Mail, NewEvent, User, UserId};

/// The condition that an account has not ended. Goes with `:now`.
pub(super) const STANDS: &str = "(attribute_not_exists(ends_at) OR ends_at > :now)";
/// The condition that a user is neither banned nor deleted. A ban that has ended counts as none. Goes with `:true` and
/// `:now`.
pub(super) const ACTIVE: &str =
    "(is_active = :true OR (ban.ends_at <= :now AND attribute_not_exists(ban.was_inactive)))";
/// The part of an update that removes the end of an account.
pub(super) const KEEP: &str = "REMOVE ends_at, sweep_pk, sweep_at";
/// How many items are deleted at the same time.
const AT_ONCE: usize = 16;
/// The end of an account that a request deleted.
const DELETED: i64 = 0;

impl Store {
    /// Whether the account has not ended.
    pub(super) fn stands(&self, user: &User) -> bool {
        !user.has_ended(self.clock.now())
    }

    /// As part of a transaction that removes the end of an account: removes the end from the unique keys of its
    /// address and its name. Without effect for an account that stays already.
    pub(super) fn keep_unique_keys(&self, user: &User) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction::default();
        if user.ends_at.is_some() {
            let email = self.keep_unique_key(Key::email(&user.email_key), user.id)?;
            transaction.add(Part::Email, email);
            transaction.extend(Part::Username, self.keep_name(user)?);
        }
        Ok(transaction)
    }

    /// As part of a transaction: removes the end from the unique keys of a user's name and its looks.
    pub(super) fn keep_name(&self, user: &User) -> Result<Vec<TransactWriteItem>, StoreError> {
        let keys = name_keys(user).into_iter();
        keys.map(|key| self.keep_unique_key(key, user.id)).collect()
    }

    /// As part of a transaction: removes the end from a unique key of the user.
    pub(super) fn keep_unique_key(
        &self,
        unique_key: Key,
        user: UserId,
    ) -> Result<TransactWriteItem, StoreError> {
        let owner = [(":user", s(user.to_string()))];
        self.update_if(unique_key, "REMOVE expires_at", "user_id = :user", owner)
    }

    /// Ends the account at once, frees its name, its legacy id, its addresses and the addresses that are reserved for
    /// it, and writes the mails, all or nothing. A member of staff can leave only under the condition of
    /// [`Store::archive`]. `false` when the account changed in the meantime. [`Store::erase_user`] deletes its items;
    /// until that is done, [`Store::due`] returns the account.
    pub async fn end_user(
        &self,
        user: &User,
        stays: Option<&User>,
        mails: &[Mail],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.ending(user)?;
        transaction.extend(Part::Staff, stays.map(|staff| self.stays(staff)).transpose()?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        self.record(&mut transaction, NewEvent::of(EventKind::Deleted, user.id))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// As part of a transaction: ends the account, and frees its name and its addresses.
    pub(super) fn ending(&self, user: &User) -> Result<Transaction, StoreError> {
        let key = Key::user(user.id);
        let mut values = vec![
            (":email", s(&user.email_key)),
            (":username", s(&user.username_key)),
            (":false", AttributeValue::Bool(false)),
            (":at_once", n(DELETED)),
            (":one", n(1)),
            (":shard", s(sweep_pk(key.shard(self.shards)))),
            (":now", n(self.clock.now().as_second())),
            (":role", s(user.role.name())),
        ];
        let mut condition = vec![format!(
            "email_key = :email AND username_key = :username AND #role = :role AND {STANDS}"
        )];
        // The caller deletes this second address and this picture, too. So they must not have changed.
        for (attribute, placeholder, known_as) in [
            ("secondary_email_key", ":secondary", &user.secondary_email_key),
            ("profile_picture", ":picture", &user.profile_picture),
        ] {
            condition.push(match known_as {
                Some(_) => format!("{attribute} = {placeholder}"),
                None => format!("attribute_not_exists({attribute})"),
            });
            values.extend(known_as.iter().map(|value| (placeholder, s(value))));
        }
        let end = "SET ends_at = :at_once, is_verified = :false, is_active = :false, \
                   sweep_pk = :shard, sweep_at = :now ADD epoch :one";
        let end = naming(self.update_if(key, end, &condition.join(" AND "), values)?, ROLE);
        let mut transaction = Transaction::default().with(Part::User, end);
        for key in name_keys(user) {
            transaction.add(Part::Username, self.drop_unique_key(user, key)?);
        }
        for key in user.email_keys() {
            transaction.add(Part::Email, self.drop_unique_key(user, Key::email(key))?);
        }
        transaction.extend(Part::Email, self.drop_kept(user)?);
        if let Some(id) = &user.legacy_id {
            transaction.add(Part::LegacyId, self.drop_unique_key(user, Key::legacy_id(id))?);
        }
        Ok(transaction)
    }

    /// Closes an account that has ended, so that no late proof can keep it, and returns it; `None` when its address
    /// was proven in the meantime, or when the account is deleted already. Writes the event of it, unless the account
    /// was deleted before by a request, which has written it. Safe to do twice.
    pub async fn close_user(&self, due: &Due) -> Result<Option<User>, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(due.key().clone().attributes()))
            .update_expression("SET is_active = :false ADD epoch :one")
            .condition_expression("ends_at <= :now AND is_verified = :false")
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", n(self.clock.now().as_second()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let user = match answer {
            Ok(closed) => self.read_user(closed.attributes.unwrap_or_default())?,
            Err(error) => return refused_update(error).map(|_| None),
        };
        if user.ends_at.is_some_and(|ends_at| ends_at > DELETED) {
            self.record_end(due, &user).await?;
        }
        Ok(Some(user))
    }

    /// Writes the event of an account that ended by itself. The same transaction sets the end that a deletion by a
    /// request sets, so that a second run does not write the event again.
    async fn record_end(&self, due: &Due, user: &User) -> Result<(), StoreError> {
        let (update, condition) = ("SET ends_at = :at_once", "ends_at > :at_once");
        let values = [(":at_once", n(DELETED))];
        let mark = self.update_if(due.key().clone(), update, condition, values)?;
        let mut transaction = Transaction::default().with(Part::User, mark);
        let event = NewEvent::of(EventKind::Deleted, user.id).by(Actor::System);
        self.record(&mut transaction, event)?;
        self.transact(transaction).await.map(drop)
    }

    /// Deletes all items of an account that has ended, the user item last: sessions, mails, codes, the slots of mails
    /// to its addresses, and its remaining unique keys. Safe to do twice.
    pub async fn erase_user(&self, user: &User) -> Result<(), StoreError> {
        let key = Key::user(user.id);
        let (own, mails) = tokio::try_join!(self.items_of(&key), self.mails_of(user.id))?;
        if own.iter().any(|(key, _)| *key == Key::factors(user.id)) {
            // First, because the factors lead to them.
            for key in self.passkeys_of(user.id).await? {
                self.delete_left(key, Some(user.id)).await?;
            }
        }
        let own = own.into_iter().filter(|(key, _)| key.sk != "USER");
        let mut left: Vec<Left> = own.chain(mails).collect();
        for email in user.email_keys() {
            let mut beside = self.items_of(&Key::email(email)).await?;
            // The address may belong to another user by now, and with it the items without a user.
            let is_taken = beside.iter().any(|(key, owner)| {
                key.sk == "GUARD" && owner.is_some_and(|owner| owner != user.id)
            });
            beside.retain(|(_, owner)| owner.map_or(!is_taken, |owner| owner == user.id));
            left.extend(beside);
        }
        let legacy_id = user.legacy_id.iter().map(|id| Key::legacy_id(id));
        left.extend(name_keys(user).into_iter().chain(legacy_id).map(|key| (key, Some(user.id))));
        stream::iter(left)
            .map(|(key, owner)| self.delete_left(key, owner))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let request = self.client.delete_item().table_name(&self.table);
        let answer = request
            .set_key(Some(key.attributes()))
            .condition_expression("ends_at <= :now AND is_verified = :false")
            .expression_attribute_values(":now", n(self.clock.now().as_second()))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .send()
            .await;
        deleted(answer)
    }

    /// All items in the partition of the key.
    async fn items_of(&self, key: &Key) -> Result<Vec<Left>, StoreError> {
        let items = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(&key.pk))
            .projection_expression("pk, sk, user_id")
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await?;
        Ok(items.into_iter().filter_map(left).collect())
    }

    /// The mails to the user, sent or due. The index follows the table by some milliseconds.
    async fn mails_of(&self, user: UserId) -> Result<Vec<Left>, StoreError> {
        let items = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("list")
            .key_condition_expression("list_pk = :mails")
            .expression_attribute_values(":mails", s(mails_pk(user)))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await?;
        Ok(items.into_iter().filter_map(left).collect())
    }

    async fn delete_left(&self, key: Key, owner: Option<UserId>) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.table);
        let request = match owner {
            Some(owner) => request
                .condition_expression("user_id = :user")
                .expression_attribute_values(":user", s(owner.to_string())),
            None => request,
        };
        deleted(request.set_key(Some(key.attributes())).send().await)
    }
}

/// An item of an ended account: its key, and its user, if it names one.
type Left = (Key, Option<UserId>);

fn left(mut item: Item) -> Option<Left> {
    let mut text = |name: &str| match item.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    let key = Key { pk: text("pk")?, sk: text("sk")? };
    Some((key, text("user_id").and_then(|user| user.parse().ok())))
}

/// A failed condition is no error: the item belongs to another user, or does not exist any more.
fn deleted(answer: Result<DeleteItemOutput, SdkError<DeleteItemError>>) -> Result<(), StoreError> {
    let Err(error) = answer else { return Ok(()) };
    match error.as_service_error() {
        Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
        _ => Err(error.into()),
    }
}
