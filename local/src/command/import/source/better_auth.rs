//! The tables `user` and `account` of better-auth, joined.

use accounts::model::{Record, Role};
use serde_json::{Map, Value};

use super::fields::{Layout, Target};
use super::table::TableFormat;
use crate::command::import::Reject;

/// Each column has two spellings: that of better-auth's schema, and that of a database whose columns have underscores.
const LAYOUT: Layout = &[
    (Target::LegacyId, &["id"]),
    (Target::Email, &["email"]),
    (Target::Password, &["password"]),
    (Target::IsVerified, &["emailVerified", "email_verified"]),
    // The form that the user has typed comes first. It differs only in case.
    (Target::Username, &["displayUsername", "display_username", "username"]),
    (Target::Name, &["name"]),
    (Target::IsBanned, &["banned"]),
    (Target::BanReason, &["banReason", "ban_reason"]),
    (Target::BanEndsAt, &["banExpires", "ban_expires"]),
    (Target::CreatedAt, &["createdAt", "created_at"]),
];

#[derive(Debug)]
pub(super) struct BetterAuth;

impl TableFormat for BetterAuth {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn required(&self) -> &'static [Target] {
        &[Target::LegacyId, Target::Email, Target::Password, Target::IsVerified]
    }

    /// The plugin `admin` has one role for staff: `admin`. A user may have several roles, separated by commas.
    fn finish(&self, row: &Map<String, Value>, record: &mut Record) -> Result<(), Reject> {
        let roles = row.get("role").and_then(Value::as_str).unwrap_or_default();
        if roles.split(',').any(|role| role.trim() == "admin") {
            record.role = record.role.max(Role::Staff);
        }
        Ok(())
    }
}
