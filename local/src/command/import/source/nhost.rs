//! `auth.users` of Nhost, which is the table of hasura-auth.

use super::fields::{Layout, Target};
use super::table::TableFormat;

const LAYOUT: Layout = &[
    (Target::LegacyId, &["id"]),
    (Target::Email, &["email"]),
    (Target::Password, &["password_hash"]),
    (Target::IsVerified, &["email_verified"]),
    (Target::IsDisabled, &["disabled"]),
    (Target::Name, &["display_name"]),
    (Target::Locale, &["locale"]),
    (Target::CreatedAt, &["created_at"]),
    (Target::LastLogin, &["last_seen"]),
];

#[derive(Debug)]
pub(super) struct Nhost;

impl TableFormat for Nhost {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn required(&self) -> &'static [Target] {
        &[Target::LegacyId, Target::Email, Target::Password, Target::IsVerified]
    }
}
