//! Keys, and the attributes that every item has beside its data.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | user | `USER#<id>` | `USER` |
//! | session | `USER#<id>` | `SESSION#<sid>` |
//! | second factors | `USER#<id>` | `FACTORS` |
//! | unique key of an address | `EMAIL#<key>` | `GUARD` |
//! | one-time code for an address | `EMAIL#<key>` | `OTP#<purpose>` |
//! | mails with links of the last hour to an address | `EMAIL#<key>` | `MAILS` |
//! | the part of them that strangers caused | `EMAIL#<key>` | `MAILS#STRANGERS` |
//! | mails with links of the last hour to the address of an unverified account | `EMAIL#<key>` | `MAILS#UNPROVEN` |
//! | notices of a kind of the last hour to an address | `EMAIL#<key>` | `MAILS#<KIND>` |
//! | notices of sign-ups of the last day to an address | `EMAIL#<key>` | `MAILS#SIGN_UPS` |
//! | mails of the last hour that a user caused to addresses of others | `USER#<id>` | `MAILS` |
//! | unique key of a username, and of each name that it looks like | `USERNAME#<key>` | `GUARD` |
//! | unique key of a legacy id | `LEGACY#<id>` | `GUARD` |
//! | failed log-ins of an account, a network, a device or a session | `GUESSES#<digest>` | `<SCOPE>` |
//! | number of mails to new addresses in an hour | `NEW_ADDRESSES#<end of the hour>` | `HOUR` |
//! | unique key of a passkey | `PASSKEY#<digest of its id>` | `GUARD` |
//! | challenge to an authenticator | `CHALLENGE#<challenge>` | `CHALLENGE` |
//! | id of a used token | `JTI#<jti>` | `JTI` |
//! | mail | `MAIL#<id>` | `MAIL` |
//! | pending sign-up | `PENDING#<digest of the address>` | `PENDING#<id>` |
//! | decoy | `DECOY#<id>` | `DECOY` |
//! | event of the audit trail, of a user | `AUDIT#<user id>` | `<event id>` |
//! | the same event, of the one who caused it | `AUDIT#BY#<actor>` | `<event id>` |
//! | event of no user | `AUDIT#SITE` | `<event id>` |
//! | end of sessions, for the feed | `REVOCATIONS` | `<id>` |
//! | note that a superuser has, or had, a second factor | `SITE` | `SECURED_SUPERUSER` |
//!
//! `expires_at` is the table's TTL. `sweep_pk` and `sweep_at` put an item into the index `sweep`,
//! which `token-cleanup` reads. `list_pk` puts a user into the indexes `list` and `names`, and a mail into
//! `list`, beside the other mails of its user.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use serde::Serialize;

use super::transaction::{Item, StoreError};
use super::version::ItemKind;
use super::{Shards, Store};
use crate::model::Purpose;
use crate::model::{EventId, MailId, Scope, SessionId, Trail, UserId};
use crate::webauthn::{Challenge, CredentialId};

/// The partition of the ends of sessions.
pub(super) const REVOCATIONS: &str = "REVOCATIONS";

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(super) fn user(id: UserId) -> Self {
        Self::new(format!("USER#{id}"), "USER")
    }

    pub(super) fn session(user: UserId, id: SessionId) -> Self {
        Self::new(format!("USER#{user}"), format!("SESSION#{id}"))
    }

    pub(super) fn factors(user: UserId) -> Self {
        Self::new(format!("USER#{user}"), "FACTORS")
    }

    pub(super) fn email(key: &str) -> Self {
        Self::new(format!("EMAIL#{key}"), "GUARD")
    }

    pub(super) fn code(email_key: &str, purpose: Purpose) -> Self {
        Self::new(format!("EMAIL#{email_key}"), format!("OTP#{purpose}"))
    }

    pub(super) fn mails_to(email_key: &str) -> Self {
        Self::new(format!("EMAIL#{email_key}"), "MAILS")
    }

    pub(super) fn mails_to_of(email_key: &str, kind: &str) -> Self {
        Self::new(format!("EMAIL#{email_key}"), format!("MAILS#{kind}"))
    }

    pub(super) fn mails_of(user: UserId) -> Self {
        Self::new(format!("USER#{user}"), "MAILS")
    }

    pub(super) fn username(key: &str) -> Self {
        Self::new(format!("USERNAME#{key}"), "GUARD")
    }

    pub(super) fn legacy_id(id: &str) -> Self {
        Self::new(format!("LEGACY#{id}"), "GUARD")
    }

    pub(super) fn passkey(id: &CredentialId) -> Self {
        Self::new(format!("PASSKEY#{}", id.digest()), "GUARD")
    }

    pub(super) fn challenge(challenge: &Challenge) -> Self {
        Self::new(format!("CHALLENGE#{challenge}"), "CHALLENGE")
    }

    pub(super) fn guesses(digest: &str, scope: Scope) -> Self {
        Self::new(format!("GUESSES#{digest}"), scope.name())
    }

    /// By the end of the hour, in epoch seconds.
    pub(super) fn new_addresses(ends_at: i64) -> Self {
        Self::new(format!("NEW_ADDRESSES#{ends_at}"), "HOUR")
    }

    pub(super) fn jti(jti: &str) -> Self {
        Self::new(format!("JTI#{jti}"), "JTI")
    }

    pub(super) fn mail(id: MailId) -> Self {
        Self::new(format!("MAIL#{id}"), "MAIL")
    }

    pub(super) fn pending(email_digest: &str, id: UserId) -> Self {
        Self::new(pending_pk(email_digest), format!("PENDING#{id}"))
    }

    pub(super) fn decoy(id: MailId) -> Self {
        Self::new(format!("DECOY#{id}"), "DECOY")
    }

    pub(super) fn event(trail: Trail<'_>, id: EventId) -> Self {
        Self::new(Self::trail(trail), id.to_string())
    }

    pub(super) fn revocation(id: EventId) -> Self {
        Self::new(REVOCATIONS.to_owned(), id.to_string())
    }

    pub(super) fn secured_superuser() -> Self {
        Self::new("SITE".to_owned(), "SECURED_SUPERUSER")
    }

    /// The partition of a trail.
    pub(super) fn trail(trail: Trail<'_>) -> String {
        match trail {
            Trail::Of(user) => format!("AUDIT#{user}"),
            Trail::By(actor) => format!("AUDIT#BY#{actor}"),
            Trail::OfNoUser => "AUDIT#SITE".to_owned(),
        }
    }

    pub(super) fn attributes(self) -> Item {
        Item::from([("pk".to_owned(), s(self.pk)), ("sk".to_owned(), s(self.sk))])
    }

    /// The part of the sweep index that the item belongs to: spread, because one partition of an
    /// index takes 1,000 writes a second.
    pub(super) fn shard(&self, shards: Shards) -> u8 {
        let hash = self
            .pk
            .bytes()
            .chain(self.sk.bytes())
            .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
        shards.of_hash(u8::try_from(hash.wrapping_mul(0x9E37_79B1) >> 24).unwrap_or_default())
    }
}

pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{number}"))
}

/// An item under construction: its key, its kind, and the version of its shape.
#[derive(Clone)]
pub(super) struct NewItem {
    key: Key,
    attributes: Item,
}

impl NewItem {
    pub(super) fn new(key: Key, kind: ItemKind) -> Self {
        let (kind, version) = (s(kind.name()), n(kind.version()));
        let attributes = Item::from([("kind".to_owned(), kind), ("version".to_owned(), version)]);
        Self { key, attributes }
    }

    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    pub(super) fn with_data(mut self, data: &impl Serialize) -> Result<Self, StoreError> {
        self.attributes.extend(serde_dynamo::to_item::<_, Item>(data)?);
        Ok(self)
    }

    /// Lets DynamoDB delete the item after that second.
    pub(super) fn expiring(self, at: i64) -> Self {
        self.with("expires_at", n(at))
    }

    /// Lets `token-cleanup` see the item from that second on.
    pub(super) fn swept(self, at: i64, shards: Shards) -> Self {
        let shard = sweep_pk(self.key.shard(shards));
        self.with("sweep_pk", s(shard)).with("sweep_at", n(at))
    }

    /// Puts the item into the index by its user.
    pub(super) fn of_user(self, user: UserId) -> Self {
        self.with("list_pk", s(mails_pk(user)))
    }

    /// Puts a user into the lists of users.
    pub(super) fn listed(self, user: UserId, shards: Shards) -> Self {
        self.with("list_pk", s(list_pk(shards.of_user(user))))
    }

    pub(super) fn attributes(self) -> Item {
        let mut attributes = self.attributes;
        attributes.extend(self.key.attributes());
        attributes
    }
}

/// The part of the lists of users with that number.
pub(super) fn list_pk(part: u8) -> String {
    format!("USERS#{part}")
}

/// The mails of that user, in the index `list`.
pub(super) fn mails_pk(user: UserId) -> String {
    format!("MAILS#{user}")
}

/// The partition of the pending sign-ups of the address with that digest.
pub(super) fn pending_pk(email_digest: &str) -> String {
    format!("PENDING#{email_digest}")
}

/// The partition of the sweep index with that number.
pub(super) fn sweep_pk(shard: u8) -> String {
    format!("SWEEP#{shard}")
}

impl Store {
    /// As part of a transaction: puts the item, which must not be there yet.
    pub(super) fn put_new(&self, item: NewItem) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: puts a unique key, which must be free: no account has it, the account that had it
    /// has ended, or it is reserved for its former user.
    pub(super) fn put_unique_key(
        &self,
        unique_key: NewItem,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = unique_key.attributes();
        let owner = item.get("user_id").cloned().unwrap_or(AttributeValue::Null(true));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(
                "attribute_not_exists(pk) OR expires_at <= :now OR \
                 (attribute_exists(expires_at) AND user_id = :user)",
            )
            .expression_attribute_values(":now", n(self.clock.now().as_second()))
            .expression_attribute_values(":user", owner)
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: puts a unique key that no other user has.
    pub(super) fn put_unique_key_of(
        &self,
        unique_key: NewItem,
    ) -> Result<TransactWriteItem, StoreError> {
        self.put_if_owned(unique_key, "attribute_not_exists(pk) OR user_id = :user")
    }

    /// As part of a transaction: puts a unique key that the user has already.
    pub(super) fn put_held(&self, unique_key: NewItem) -> Result<TransactWriteItem, StoreError> {
        self.put_if_owned(unique_key, "user_id = :user")
    }

    fn put_if_owned(
        &self,
        unique_key: NewItem,
        condition: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = unique_key.attributes();
        let owner = item.get("user_id").cloned().unwrap_or(AttributeValue::Null(true));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(":user", owner)
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: succeeds only if the condition holds for an item, which does not change.
    pub(super) fn check(
        &self,
        key: Key,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_values(some_values(values))
            .build();
        Ok(TransactWriteItem::builder().condition_check(check.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: changes the item if the condition holds.
    pub(super) fn update_if(
        &self,
        key: Key,
        update: &str,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_values(some_values(values))
            .build();
        Ok(TransactWriteItem::builder().update(update.map_err(unbuildable)?).build())
    }

    /// As part of a transaction: deletes the item, whether it is there or not.
    pub(super) fn delete(&self, key: Key) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key.attributes()));
        let delete = delete.build().map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// As part of a transaction: deletes the item if the condition holds.
    pub(super) fn delete_if(
        &self,
        key: Key,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_values(some_values(values))
            .build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(unbuildable)?).build())
    }
}

/// The same part of a transaction, in which an attribute has one more name, because its own is a reserved word.
pub(super) fn naming(
    mut part: TransactWriteItem,
    (placeholder, name): (&str, &str),
) -> TransactWriteItem {
    let names = match (&mut part.update, &mut part.condition_check) {
        (Some(update), _) => &mut update.expression_attribute_names,
        (None, Some(check)) => &mut check.expression_attribute_names,
        (None, None) => return part,
    };
    names.get_or_insert_default().insert(placeholder.to_owned(), name.to_owned());
    part
}

fn some_values(values: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Option<Item> {
    let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    (!values.is_empty()).then_some(values)
}

/// The SDK's builders fail when a required part is missing; none is, above.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(super) fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Sdk(error.to_string())
}
