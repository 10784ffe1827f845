//! Second factors: one item for each user who has one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};

use super::Store;
use super::ending::STANDS;
use super::item::{Key, NewItem, n, naming, unbuildable};
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult};
use super::version::{ItemKind, KNOWN_NAME, WITH_SECOND_FACTOR, read};
use crate::model::{Factors, Mail, NewEvent, Role, Session, User, UserId};

/// The condition that a user has no second factor, or only such as have ended. Goes with `:now`.
pub(super) const HAS_NONE: &str =
    "(attribute_not_exists(has_second_factor) OR second_factor_ends_at <= :now)";

/// A change of the second factors of a user, and all that is written with it.
#[derive(Clone, Debug)]
pub struct FactorsChange<'a> {
    /// The user as the caller knows the user.
    pub user: &'a User,
    /// The factors after the change, of the revision that was read.
    pub factors: &'a Factors,
    /// The session in which the user has proven a factor by it, with its new tokens.
    pub session: Option<&'a Session>,
    /// The notices.
    pub mails: &'a [Mail],
    /// The events.
    pub events: Vec<NewEvent>,
}

/// The result of a change of second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorsChanged {
    /// All of it is written.
    Done,
    /// Nothing is written: the factors have changed since they were read.
    Changed,
    /// Nothing is written: another user has the passkey.
    Taken,
    /// Nothing is written: the session has ended, or has other tokens by now, or the user is not active any more.
    Ended,
}

impl Store {
    /// The second factors of a user.
    pub async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        let found = self.get(Key::factors(user)).await?;
        Ok(found.map(read).transpose()?.unwrap_or_else(|| Factors::none(user)))
    }

    /// The second factors of at most 100 users, of those who have some.
    pub async fn factors_of(
        &self,
        users: Vec<UserId>,
    ) -> Result<HashMap<UserId, Factors>, StoreError> {
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.batch_get(users.into_iter().map(Key::factors).collect()).await?;
        let factors = found.into_iter().map(read::<Factors>);
        factors.map(|factors| factors.map(|factors| (factors.user_id, factors))).collect()
    }

    /// Writes a change of second factors, all or nothing. A proof of a factor keeps the factors, even if staff have
    /// asked for their removal.
    pub async fn change_factors(
        &self,
        change: FactorsChange<'_>,
    ) -> Result<FactorsChanged, StoreError> {
        let FactorsChange { user, factors, session, mails, events } = change;
        let mut transaction = self.put_factors(factors)?;
        transaction.extend(Part::Site, self.note_secured(user.role, factors)?);
        transaction.add(Part::User, self.user_with(user, factors)?);
        transaction.extend(Part::Session, session.map(|it| self.raise(it)).transpose()?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        for event in events {
            self.record(&mut transaction, event)?;
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => FactorsChanged::Done,
            TransactionResult::Refused(refused)
                if refused.has(Part::User) || refused.has(Part::Session) =>
            {
                FactorsChanged::Ended
            }
            TransactionResult::Refused(refused) if refused.has(Part::Passkey) => {
                FactorsChanged::Taken
            }
            TransactionResult::Refused(_) => FactorsChanged::Changed,
        })
    }

    /// Writes that the user has proven the password once more in that session. `false` if the session has ended, or has
    /// other tokens by now.
    pub async fn raise_session(&self, user: &User, session: &Session) -> Result<bool, StoreError> {
        let transaction = Transaction::default()
            .with(Part::User, self.same_epoch(user)?)
            .with(Part::Session, self.raise(session)?);
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// Whether a superuser has, or ever had, a second factor. Nothing removes that note.
    pub async fn has_secured_superuser(&self) -> Result<bool, StoreError> {
        Ok(self.get(Key::secured_superuser()).await?.is_some())
    }

    /// As part of a transaction that writes the factors or the role of a user: notes that a superuser has a second factor,
    /// if the user is one and has one.
    pub(super) fn note_secured(
        &self,
        role: Role,
        factors: &Factors,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let is_noted = role == Role::Superuser && factors.is_required();
        is_noted.then(|| self.put_secured_note()).transpose()
    }

    /// As part of a transaction: the note that a superuser has a second factor.
    pub(super) fn put_secured_note(&self) -> Result<TransactWriteItem, StoreError> {
        let item = NewItem::new(Key::secured_superuser(), ItemKind::Site).attributes();
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: the factors after a change, if they are still those of the revision that was read.
    /// Deletes the item if no factor is left. Includes the unique keys of passkeys.
    pub(super) fn put_factors(&self, factors: &Factors) -> Result<Transaction, StoreError> {
        let mut transaction = self.passkey_keys(factors)?;
        transaction.add(Part::Factors, self.factors_item(factors)?);
        Ok(transaction)
    }

    pub(super) fn factors_item(&self, factors: &Factors) -> Result<TransactWriteItem, StoreError> {
        let (key, before) = (Key::factors(factors.user_id), factors.revision);
        let (condition, values) = if before == 0 {
            ("attribute_not_exists(pk)", None)
        } else {
            ("revision = :revision", Some((":revision", n(before))))
        };
        if !factors.is_required() {
            return self.delete_if(key, condition, values);
        }
        // Random, so that an item that was deleted and made anew has no revision from before.
        let revision = u64::from_le_bytes(self.random.bytes()).max(1);
        let factors = Factors { revision, ..factors.clone() };
        let item = NewItem::new(key, ItemKind::Factors).with_data(&factors)?;
        let values: Option<Item> = values.map(|(name, value)| [(name.to_owned(), value)].into());
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: writes into the user item whether a log-in needs a second factor. If the item has that
    /// value already, only the condition on the user's sessions is left.
    fn user_with(&self, user: &User, factors: &Factors) -> Result<TransactWriteItem, StoreError> {
        let is_required = factors.is_required();
        if user.has_second_factor == is_required && user.second_factor_ends_at.is_none() {
            return self.same_epoch(user);
        }
        let mut condition =
            format!("epoch = :epoch AND is_active = :true AND is_verified = :true AND {STANDS}");
        let mut values = vec![
            (":epoch", n(user.epoch)),
            (":true", AttributeValue::Bool(true)),
            (":now", n(self.clock.now().as_second())),
            (":version", n(version(is_required))),
        ];
        let update = if is_required {
            values.push((":required", AttributeValue::Bool(true)));
            if !user.has_second_factor {
                // Another request may have added a factor since the user was read.
                condition = format!("{condition} AND {HAS_NONE}");
            }
            "SET has_second_factor = :required, #version = :version REMOVE second_factor_ends_at"
        } else {
            "SET #version = :version REMOVE has_second_factor, second_factor_ends_at"
        };
        Ok(naming(self.update_if(Key::user(user.id), update, &condition, values)?, KNOWN_NAME))
    }

    /// As part of a transaction: succeeds only if the user is active and no operation has ended all sessions.
    pub(super) fn same_epoch(&self, user: &User) -> Result<TransactWriteItem, StoreError> {
        let values = [(":epoch", n(user.epoch)), (":true", AttributeValue::Bool(true))];
        self.check(Key::user(user.id), "epoch = :epoch AND is_active = :true", values)
    }

    /// As part of a transaction: writes what the user has proven in a session, and its new tokens.
    fn raise(&self, session: &Session) -> Result<TransactWriteItem, StoreError> {
        let mut values = vec![
            (":generation", n(session.generation)),
            (":before", n(session.generation.saturating_sub(1))),
            (":rotated_at", serde_dynamo::to_attribute_value(session.rotated_at)?),
            (":auth_time", serde_dynamo::to_attribute_value(session.auth_time)?),
            (":factors", serde_dynamo::to_attribute_value(&session.factors)?),
            (":now", n(self.clock.now().as_second())),
        ];
        let mut update = "SET generation = :generation, rotated_at = :rotated_at, \
                          auth_time = :auth_time, factors = :factors"
            .to_owned();
        if let Some(moment) = session.second_factor_at {
            update.push_str(", second_factor_at = :second");
            values.push((":second", serde_dynamo::to_attribute_value(moment)?));
        }
        let condition = "generation = :before AND expires_at > :now";
        self.update_if(Key::session(session.user_id, session.id), &update, condition, values)
    }
}

/// The version of a user item with a second factor, or without one.
pub(super) fn version(has_second_factor: bool) -> u32 {
    if has_second_factor { WITH_SECOND_FACTOR } else { ItemKind::User.version() }
}
