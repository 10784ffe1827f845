//! `auth.users` of Supabase.

use super::fields::{Layout, Target};
use super::table::TableFormat;

/// Users write `raw_user_meta_data` themselves. So nothing in it is a proof.
const LAYOUT: Layout = &[
    (Target::LegacyId, &["id"]),
    (Target::Email, &["email"]),
    (Target::Password, &["encrypted_password"]),
    (Target::IsVerified, &["email_confirmed_at"]),
    (Target::Username, &["raw_user_meta_data.username"]),
    (Target::FirstName, &["raw_user_meta_data.first_name", "raw_user_meta_data.given_name"]),
    (Target::LastName, &["raw_user_meta_data.last_name", "raw_user_meta_data.family_name"]),
    (Target::Name, &["raw_user_meta_data.full_name", "raw_user_meta_data.name"]),
    (Target::Locale, &["raw_user_meta_data.locale"]),
    (Target::BanEndsAt, &["banned_until"]),
    (Target::BanReason, &["banned_reason"]),
    (Target::DeletedAt, &["deleted_at"]),
    (Target::CreatedAt, &["created_at"]),
    (Target::LastLogin, &["last_sign_in_at"]),
];

#[derive(Debug)]
pub(super) struct Supabase;

impl TableFormat for Supabase {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn required(&self) -> &'static [Target] {
        &[Target::LegacyId, Target::Email, Target::Password, Target::IsVerified]
    }
}
