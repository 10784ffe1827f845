//! Users of another system: written as they were there, and removed again if their users have not used them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

use super::Store;
use super::item::Key;
use super::read::take;
use super::transaction::{Item, Part, StoreError, TransactionResult};
use super::unique_key::{UniqueKey, name_keys, unique_key};
use super::version::read;
use crate::model::{Factors, NewEvent, User};

/// The attributes of a user item that may be missing. All others are always there.
const OPTIONAL: [&str; 28] = [
    "legacy_id",
    "username_looks",
    "password",
    "gender",
    "position",
    "department",
    "ban",
    "secondary_email",
    "secondary_email_key",
    "pending_email",
    "pending_secondary_email",
    "former_emails",
    "profile_picture",
    "locale",
    "email_status",
    "secondary_email_status",
    "registration_sent",
    "reset_sent",
    "mail_not_sent",
    "password_failures",
    "known_password_failures",
    "compared_password",
    "has_second_factor",
    "second_factor_ends_at",
    "ends_at",
    "last_login",
    "imported",
    "is_unused",
];

/// Which unique keys of a new user are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a unique key")]
pub struct TakenKeys {
    /// The id.
    pub id: bool,
    /// The first address.
    pub email: bool,
    /// The second address.
    pub secondary_email: bool,
    /// The username, or a name that it looks like.
    pub username: bool,
    /// The legacy id.
    pub legacy_id: bool,
    /// A passkey.
    pub passkey: bool,
}

impl TakenKeys {
    /// Whether no key is taken.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Adds up the capacity that the transactions of a store consume.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// The units since the start.
    pub fn units(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, consumed: &[ConsumedCapacity]) {
        let units: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        // Transactions consume whole units.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few units")]
        self.0.fetch_add(units.ceil() as u64, Ordering::Relaxed);
    }
}

impl Store {
    /// The same table, whose transactions report the capacity that they consume to that meter.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Writes an imported user with the second factors, all unique keys and the event, all or nothing. If a key is taken,
    /// nothing is written.
    pub async fn import_user(
        &self,
        user: &User,
        factors: Option<&Factors>,
        event: NewEvent,
    ) -> Result<TakenKeys, StoreError> {
        let mut transaction = self.creation(user, &[], None, event)?;
        if let Some(factors) = factors {
            transaction.add(Part::Factors, self.factors_item(factors)?);
            transaction.extend(Part::Site, self.note_secured(user.role, factors)?);
            for passkey in &factors.passkeys {
                let key = unique_key(Key::passkey(&passkey.credential.id), user.id, None);
                transaction.add(Part::Passkey, self.put_unique_key(key)?);
            }
        }
        if let Some(key) = &user.secondary_email_key {
            let second = unique_key(Key::email(key), user.id, None);
            transaction.add(Part::SecondaryEmail, self.put_unique_key(second)?);
        }
        if let Some(id) = &user.legacy_id {
            let legacy_id = unique_key(Key::legacy_id(id), user.id, None);
            transaction.add(Part::LegacyId, self.put_unique_key(legacy_id)?);
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => TakenKeys::default(),
            TransactionResult::Refused(refused) => TakenKeys {
                id: refused.has(Part::User),
                email: refused.has(Part::Email),
                secondary_email: refused.has(Part::SecondaryEmail),
                username: refused.has(Part::Username),
                legacy_id: refused.has(Part::LegacyId),
                passkey: refused.has(Part::Passkey),
            },
        })
    }

    /// Which keys [`Store::import_user`] would find taken. Nothing is written.
    pub async fn taken_keys(
        &self,
        user: &User,
        factors: Option<&Factors>,
    ) -> Result<TakenKeys, StoreError> {
        let id = Key::user(user.id);
        let email = Key::email(&user.email_key);
        let second = user.secondary_email_key.as_deref().map(Key::email);
        let names = name_keys(user);
        let legacy_id = user.legacy_id.as_deref().map(Key::legacy_id);
        let passkeys = factors.into_iter().flat_map(|factors| &factors.passkeys);
        let passkeys: Vec<Key> = passkeys.map(|it| Key::passkey(&it.credential.id)).collect();
        let keys = [&id, &email].into_iter().chain(&second).chain(&names).chain(&legacy_id);
        let keys = keys.chain(&passkeys);
        let found = self.batch_get(keys.cloned().collect()).await?;
        let now = self.clock.now();
        let holds = |key: &Key| match take(&found, key).map(read::<UniqueKey>).transpose()? {
            Some(unique_key) => Ok::<_, StoreError>(unique_key.holds(now)),
            None => Ok(false),
        };
        let any = |keys: &[Key]| {
            keys.iter().try_fold(false, |is_taken, key| Ok::<_, StoreError>(is_taken | holds(key)?))
        };
        Ok(TakenKeys {
            id: take(&found, &id).is_some(),
            email: holds(&email)?,
            secondary_email: any(second.as_slice())?,
            username: any(&names)?,
            legacy_id: any(legacy_id.as_slice())?,
            passkey: any(&passkeys)?,
        })
    }

    /// Ends an imported account for good, and frees its unique keys. `false` if an attribute of the account has changed
    /// since the caller read it, for example by a log-in. [`Store::erase_user`] deletes its items.
    pub async fn end_import(&self, user: &User, event: NewEvent) -> Result<bool, StoreError> {
        let mut transaction = self.ending(user)?;
        transaction.change_update(Part::User, |update| {
            let known: Item = serde_dynamo::to_item(user)?;
            let names = update.expression_attribute_names.get_or_insert_default();
            let values = update.expression_attribute_values.get_or_insert_default();
            let missing = OPTIONAL.iter().filter(|name| !known.contains_key(**name));
            let missing: Vec<&str> = missing.copied().collect();
            for (n, (name, value)) in known.into_iter().enumerate() {
                names.insert(format!("#known{n}"), name);
                values.insert(format!(":known{n}"), value);
                update.condition_expression = update
                    .condition_expression
                    .take()
                    .map(|condition| format!("{condition} AND #known{n} = :known{n}"));
            }
            for (n, name) in missing.into_iter().enumerate() {
                names.insert(format!("#missing{n}"), name.to_owned());
                update.condition_expression = update
                    .condition_expression
                    .take()
                    .map(|condition| format!("{condition} AND attribute_not_exists(#missing{n})"));
            }
            Ok(())
        })?;
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A new attribute that may be missing belongs to [`OPTIONAL`].
    #[test]
    fn a_list_names_the_attributes_that_a_user_item_may_lack() {
        let source = include_str!("../model/user/mod.rs");
        let (_, rest) = source.split_once("pub struct User {").unwrap();
        let (fields, _) = rest.split_once("\n}\n").unwrap();
        let optional = fields.split("skip_serializing_if").skip(1);
        let names =
            optional.map(|rest| rest.split_once("pub ").unwrap().1.split_once(':').unwrap().0);
        assert_eq!(names.collect::<BTreeSet<_>>(), OPTIONAL.into_iter().collect());
    }
}
