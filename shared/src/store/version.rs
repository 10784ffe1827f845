//! The kinds of items, and the versions of their shapes: the one place where an item is read.
//!
//! `docs/architecture.md` says when to raise a version, and which steps that needs.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use super::item::n;
use super::passkeys::StoredChallenge;
use super::transaction::{Item, StoreError};
use crate::model::{Factors, Mail, OneTimeCode, PendingSignUp, Session, User};

/// A kind of items. Ids of tokens, notes and decoys count only by their existence, in every version. So their other
/// attributes are never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    User,
    Session,
    UniqueKey,
    Code,
    MailQuota,
    Guesses,
    NewAddresses,
    TokenId,
    Mail,
    Pending,
    Decoy,
    Audit,
    Revocation,
    Factors,
    Challenge,
    Site,
}

impl ItemKind {
    /// Its name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::UniqueKey => "guard",
            Self::Code => "otp",
            Self::MailQuota => "bookings",
            Self::Guesses => "guesses",
            Self::NewAddresses => "new_addresses",
            Self::TokenId => "jti",
            Self::Mail => "mail",
            Self::Pending => "pending",
            Self::Decoy => "decoy",
            Self::Audit => "audit",
            Self::Revocation => "revocation",
            Self::Factors => "factors",
            Self::Challenge => "challenge",
            Self::Site => "site",
        }
    }

    /// The newest version of its shape that this release knows. A user with a second factor has a version of its own:
    /// a release that does not know second factors does not let such a user in, and reads all others.
    pub(super) fn newest(self) -> u32 {
        if self == Self::User { WITH_SECOND_FACTOR } else { self.version() }
    }

    /// The version of its shape that this release writes.
    pub(super) fn version(self) -> u32 {
        match self {
            // Since 2, an account may have an end (`User::ends_at`), and may come from an import (`User::imported`).
            Self::User | Self::Session => 2,
            Self::UniqueKey
            | Self::Code
            | Self::MailQuota
            | Self::Guesses
            | Self::NewAddresses
            | Self::TokenId
            | Self::Mail
            // Holds a user: raise it together with that kind.
            | Self::Pending
            | Self::Decoy
            | Self::Audit
            | Self::Revocation
            | Self::Factors
            | Self::Challenge
            | Self::Site => 1,
        }
    }
}

/// The version of a user with a second factor.
pub(super) const WITH_SECOND_FACTOR: u32 = 3;

/// The type that an item is read as.
pub(super) trait Stored: DeserializeOwned {
    /// Its kind.
    const KIND: ItemKind;

    /// Upgrades an item of an older version (0 = no version attribute) to the present one. The default does nothing:
    /// that is enough if all new attributes have a default.
    fn migrate(item: Item, _from: u32) -> Item {
        item
    }
}

impl Stored for User {
    const KIND: ItemKind = ItemKind::User;
}

impl Stored for Session {
    const KIND: ItemKind = ItemKind::Session;

    /// Version 2 has `auth_time`. Until then, the only proof was the log-in that opened the session.
    fn migrate(mut item: Item, _from: u32) -> Item {
        if let Some(created_at) = item.get("created_at").cloned() {
            item.entry("auth_time".to_owned()).or_insert(created_at);
        }
        item
    }
}

impl Stored for Factors {
    const KIND: ItemKind = ItemKind::Factors;
}

impl Stored for StoredChallenge {
    const KIND: ItemKind = ItemKind::Challenge;
}

impl Stored for OneTimeCode {
    const KIND: ItemKind = ItemKind::Code;
}

impl Stored for PendingSignUp {
    const KIND: ItemKind = ItemKind::Pending;
}

impl Stored for Mail {
    const KIND: ItemKind = ItemKind::Mail;
}

/// Reads an item. Every item that a read or a write returns must go through here.
///
/// # Errors
/// [`StoreError::Version`] for an item of a newer version than this release knows. Its meaning is unknown, so no
/// decision may depend on it.
pub(super) fn read<T: Stored>(item: Item) -> Result<T, StoreError> {
    let (known, found) = (T::KIND.newest(), version(&item));
    let item = match found {
        Some(found) if found < T::KIND.version() => T::migrate(item, found),
        Some(found) if found <= known => item,
        _ => return Err(StoreError::Version { kind: T::KIND.name(), found, known }),
    };
    // `from_item` would build the map of the attributes once more.
    Ok(serde_dynamo::from_attribute_value(AttributeValue::M(item))?)
}

/// `None` for a malformed one.
fn version(item: &Item) -> Option<u32> {
    match item.get("version") {
        None => Some(0),
        Some(AttributeValue::N(number)) => number.parse().ok(),
        Some(_) => None,
    }
}

/// The condition that this release can read the version of an item, for a write that returns the item. Otherwise the
/// write would change an item that this release does not know. Goes with [`KNOWN_NAME`] and [`known`].
pub(super) const KNOWN: &str = "(attribute_not_exists(#version) OR #version <= :known)";
/// The name in [`KNOWN`].
pub(super) const KNOWN_NAME: (&str, &str) = ("#version", "version");

/// The value in [`KNOWN`].
pub(super) fn known(kind: ItemKind) -> AttributeValue {
    n(kind.newest())
}
