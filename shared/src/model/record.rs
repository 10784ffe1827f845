//! A user as a line of a file: what an import reads and an export writes.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::user::short_digest;
use super::{
    EmailStatus, Gender, Languages, Passkey, PasswordHash, RecoveryCode, Role, User, UserId,
};
use crate::webauthn::UserHandle;

/// A user outside of the table. Nothing in it is validated yet: [`Email`](super::Email) and
/// [`Username`](super::Username) are parsed by the import, so that one answer has all that is wrong with a record.
///
/// An attribute that is not known is an error: a misspelt `pasword` would be lost otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// The id that the user keeps. Without it, the import derives one, always the same for the same user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<UserId>,
    /// The primary key in the system that the user comes from. A JSON number counts as its decimal digits.
    #[serde(deserialize_with = "text_or_number", skip_serializing_if = "Option::is_none")]
    pub legacy_id: Option<String>,
    /// As the other system shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The first address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the user has proven the first address.
    pub is_verified: bool,
    /// A second address, which the user has proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_email: Option<String>,
    /// The hash of the password, in any form. One that no log-in could verify counts as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// The second factors. Only a user who has proven the first address can have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_factors: Option<FactorsRecord>,
    /// May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub first_name: String,
    /// May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    /// As far as the user says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The user's position in an organisation. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub position: String,
    /// The user's department in an organisation. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// `false` for a user who may not log in. `true` if a record does not say.
    pub is_active: bool,
    /// Why and until when staff banned the user. A banned user is not active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ban: Option<BanRecord>,
    /// The user's permissions.
    pub role: Role,
    /// Whether the user has put the account away.
    pub is_archived: bool,
    /// The preferred languages of mails to the user, as in `Accept-Language`.
    #[serde(skip_serializing_if = "Languages::is_empty")]
    pub locale: Languages,
    /// Whether mail to the first address arrives.
    #[serde(skip_serializing_if = "EmailStatus::is_ok")]
    pub email_status: EmailStatus,
    /// Whether mail to the second address arrives.
    #[serde(skip_serializing_if = "EmailStatus::is_ok")]
    pub secondary_email_status: EmailStatus,
    /// When an account ends whose address is never proven. `None` for one that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// When the account was made. Without it, the time of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// The last log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
}

/// The ban of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BanRecord {
    /// Why, for staff. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it ends; `None` for one that only staff lift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Since when. Without it, the time of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether the owner had deactivated the account before. Then the account stays so after the ban.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_inactive: bool,
}

/// The second factors of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactorsRecord {
    /// The authenticator app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<AppRecord>,
    /// The passkeys. They work only at the domain for which they were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
    /// Names the user to the authenticators of the passkeys: they give it back at each log-in, so it stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_handle: Option<UserHandle>,
    /// The recovery codes, hashed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<RecoveryCode>,
    /// Recovery codes that another system made, in clear. The import hashes them. An export never has any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plain_recovery_codes: Vec<PlainCode>,
}

/// A recovery code in clear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlainCode(pub String);

impl std::fmt::Debug for PlainCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainCode")
    }
}

/// The authenticator app of a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRecord {
    /// The secret in clear, in Base32, as the app has it.
    pub secret: String,
    /// When the user added the app. Without it, the time of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<Timestamp>,
    /// When its last code was accepted. Without it, when the user added the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// The time step of that code: none of this step or an earlier one is accepted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_step: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl std::fmt::Debug for AppRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppRecord")
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            id: None,
            legacy_id: None,
            username: None,
            email: None,
            is_verified: false,
            secondary_email: None,
            password: None,
            second_factors: None,
            first_name: String::new(),
            last_name: String::new(),
            gender: None,
            position: String::new(),
            department: String::new(),
            is_active: true,
            ban: None,
            role: Role::User,
            is_archived: false,
            locale: Languages::default(),
            email_status: EmailStatus::Ok,
            secondary_email_status: EmailStatus::Ok,
            ends_at: None,
            created_at: None,
            last_login: None,
        }
    }
}

impl Record {
    /// The record of a user in an export, without the second factors, which are another item.
    pub fn of(user: &User) -> Self {
        let ban = user.ban.as_ref().map(|ban| BanRecord {
            reason: ban.reason.clone(),
            ends_at: ban.ends_at.and_then(moment),
            at: Some(ban.at),
            was_inactive: ban.was_inactive,
        });
        Self {
            id: Some(user.id),
            legacy_id: user.legacy_id.clone(),
            username: Some(user.username.clone()),
            email: Some(user.email.clone()),
            is_verified: user.is_verified,
            secondary_email: user.secondary_email.clone(),
            password: user.password.clone(),
            second_factors: None,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            gender: user.gender,
            position: user.position.clone(),
            department: user.department.clone(),
            is_active: user.is_active,
            ban,
            role: user.role,
            is_archived: user.is_archived,
            locale: user.locale.clone(),
            email_status: user.email_status,
            secondary_email_status: user.secondary_email_status,
            ends_at: user.ends_at.and_then(moment),
            created_at: Some(user.created_at),
            last_login: user.last_login,
        }
    }

    /// A digest of all of it, except recovery codes in clear: the table has the digest, and a short code could be guessed
    /// from it.
    pub(crate) fn digest(&self) -> String {
        let mut record = self.clone();
        if let Some(factors) = &mut record.second_factors {
            factors.plain_recovery_codes.clear();
        }
        // Records have no maps with other keys than texts, so that each has a JSON form.
        short_digest(&serde_json::to_string(&record).unwrap_or_default())
    }
}

fn moment(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Unsigned(u64),
        Signed(i64),
        Text(String),
    }
    Ok(Option::<Id>::deserialize(deserializer)?.map(|id| match id {
        Id::Unsigned(number) => number.to_string(),
        Id::Signed(number) => number.to_string(),
        Id::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Record, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_legacy_id_is_a_text_or_a_whole_number() {
        let id = |json: &str| read(json).map(|record| record.legacy_id);
        assert_eq!(id(r#"{"legacy_id": 42}"#).unwrap().as_deref(), Some("42"));
        assert_eq!(id(r#"{"legacy_id": "042"}"#).unwrap().as_deref(), Some("042"));
        assert_eq!(id(r#"{"legacy_id": -1}"#).unwrap().as_deref(), Some("-1"));
        assert_eq!(id(r#"{"legacy_id": null}"#).unwrap(), None);
        assert_eq!(id("{}").unwrap(), None);
        for bad in [r#"{"legacy_id": 1.5}"#, r#"{"legacy_id": [1]}"#, r#"{"legacy_id": true}"#] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_attribute_is_an_error_and_a_missing_one_has_its_default() {
        assert!(read(r#"{"pasword": "x"}"#).is_err());
        assert_eq!(read("{}").unwrap(), Record::default());
        assert!(Record::default().is_active);
    }

    #[test]
    fn no_debug_output_has_the_hash() {
        let record = Record { password: Some(PasswordHash::new("$2b$10$x")), ..Record::default() };
        assert!(!format!("{record:?}").contains("$2b$"));
        let app: AppRecord = serde_json::from_str(r#"{"secret": "GEZDGNBV"}"#).unwrap();
        let factors = r#"{"plain_recovery_codes": ["GEZDGNBV"]}"#;
        let factors: FactorsRecord = serde_json::from_str(factors).unwrap();
        assert!(!format!("{app:?}{factors:?}").contains("GEZD"));
    }

    #[test]
    fn the_digest_of_a_record_reveals_no_recovery_code() {
        let with = |codes: &str| {
            let codes = format!(r#"{{"second_factors": {{"plain_recovery_codes": [{codes}]}}}}"#);
            read(&codes).unwrap().digest()
        };
        assert_eq!(with(r#""12345678""#), with(r#""87654321", "11111111""#));
    }
}
