//! Reads a record into a user, or finds its faults.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::Import;
use crate::crypto::Hasher;
use crate::error::Violation;
use crate::model::name::Name;
use crate::model::{
    Ban, Email, Factors, ImportedCode, LegacyId, Record, Role, User, UserId, Username,
};
use crate::operations::factor_records::{is_valid, plain_codes};

/// A record that fits its fields, and the user that it becomes.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Prepared {
    pub(super) user: User,
    pub(super) factors: Option<Factors>,
    /// Recovery codes that are not hashed yet.
    pub(super) plain_codes: Vec<ImportedCode>,
    /// A digest of the record.
    pub(super) record: String,
    pub(super) has_own_id: bool,
    pub(super) has_own_username: bool,
    /// Whether the user does not get the role of the record, because the run takes no staff.
    pub is_demoted: bool,
    /// Whether the record has a hash that no log-in could verify.
    pub has_lost_password: bool,
}

impl Prepared {
    /// The user's id.
    pub fn id(&self) -> UserId {
        self.user.id
    }

    /// Whether the user has no password.
    pub fn has_no_password(&self) -> bool {
        self.user.password.is_none()
    }

    /// Whether the user has a second factor.
    pub fn has_second_factor(&self) -> bool {
        self.user.has_second_factor
    }

    /// A digest of the record: two records with the same digest are the same.
    pub fn record(&self) -> &str {
        &self.record
    }

    /// The unique keys. Two records with the same key are in conflict, or are the same user.
    pub fn keys(&self) -> Vec<UniqueKey> {
        let User { id, username_key, username_looks, legacy_id, .. } = &self.user;
        let key = |field, text| UniqueKey { field, text };
        let second = self.user.secondary_email_key.iter();
        // A generated name is no unique key of the record: if it is taken, the import generates another one.
        let names = [username_key].into_iter().chain(username_looks);
        let names = names.filter(|_| self.has_own_username);
        let id = self.has_own_id.then(|| key("id", format!("id {id}")));
        let legacy_id = legacy_id.iter();
        let others = legacy_id.map(|id| key("legacy_id", format!("legacy_id {id}")));
        let email = key("email", format!("email {}", self.user.email_key));
        let second = second.map(|own| key("secondary_email", format!("email {own}")));
        let names = names.map(|name| key("username", format!("username {name}")));
        let passkeys = self.factors.iter().flat_map(|factors| &factors.passkeys);
        let passkeys = passkeys.map(|passkey| passkey.credential.id.digest());
        let passkeys = passkeys.map(|id| key("second_factors", format!("passkey {id}")));
        let all = id.into_iter().chain(others).chain([email]).chain(second).chain(names);
        all.chain(passkeys).collect()
    }
}

/// A unique key of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    /// The field that has it.
    pub field: &'static str,
    /// The kind of the key, and the key.
    pub text: String,
}

/// Why a record becomes no user: each fault as `field: code`, such as `email: unique`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected(pub(super) Vec<(&'static str, &'static str)>);

impl Rejected {
    /// The faults.
    pub fn codes(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(field, code)| format!("{field}: {code}"))
    }

    pub(super) fn add(&mut self, field: &'static str, code: &'static str) {
        self.0.push((field, code));
    }

    fn add_all(&mut self, field: &'static str, found: Vec<Violation>) {
        self.0.extend(found.into_iter().map(|violation| (field, violation.code())));
    }
}

impl Import {
    /// Reads the record into a user. Finds all faults that it can find without the table.
    ///
    /// Imported names stay as they are: the rules for new usernames do not apply, and nothing is mailed.
    ///
    /// # Errors
    /// The faults.
    pub fn prepare(&self, record: &Record) -> Result<Prepared, Rejected> {
        let accounts = &self.accounts;
        let now = accounts.clock.now();
        let mut faults = Rejected::default();
        let (id, legacy_id) = ids(record, &mut faults);
        let email = given(record.email.as_deref()).ok_or_else(|| vec![Violation::Required]);
        let email =
            email.and_then(Email::parse).map_err(|found| faults.add_all("email", found)).ok();
        let second = given(record.secondary_email.as_deref()).map(Email::parse).transpose();
        let second =
            second.map_err(|found| faults.add_all("secondary_email", found)).ok().flatten();
        let username = given(record.username.as_deref()).map(Username::parse).transpose();
        let username = username.map_err(|found| faults.add_all("username", found)).ok().flatten();
        let mut name = |field, text: &str, parse: fn(&str) -> Result<Name, Vec<Violation>>| {
            let parsed = parse(text).map_err(|found| faults.add_all(field, found)).ok();
            parsed.map(|name| name.as_str().to_owned()).unwrap_or_default()
        };
        let first_name = name("first_name", &record.first_name, Name::parse);
        let last_name = name("last_name", &record.last_name, Name::parse);
        let position = name("position", &record.position, Name::parse_label);
        let department = name("department", &record.department, Name::parse_label);
        let ban = record.ban.as_ref().map(|ban| Ban {
            reason: name("ban", &ban.reason, Name::parse_reason),
            ends_at: ban.ends_at.map(Timestamp::as_second),
            at: ban.at.unwrap_or(now),
            was_inactive: ban.was_inactive,
        });
        if !record.is_verified && record.ends_at.is_some_and(|end| end <= now) {
            faults.add("ends_at", "expired");
        }
        if let Some(factors) = &record.second_factors {
            if !record.is_verified {
                faults.add("second_factors", "not_verified");
            } else if !is_valid(factors) {
                faults.add("second_factors", "invalid");
            }
        }
        let (Some(email), []) = (email, &*faults.0) else { return Err(faults) };

        let created_at = record.created_at.unwrap_or(now);
        let has_own_id = id.is_some();
        let id = id.unwrap_or_else(|| self.derived(legacy_id.as_ref(), &email, record.created_at));
        let made = || Username::made_from(&email, &accounts.policy.reserved_usernames);
        let has_own_username = username.is_some();
        let username = username.unwrap_or_else(made);
        let password = record.password.clone().filter(|hash| !hash.expose().is_empty());
        let usable = password.clone().filter(Hasher::can_verify);
        let is_demoted = record.role.is_staff() && !self.is_with_staff;
        let second = second.filter(|second| second.key() != email.key());
        let factors = record.second_factors.as_ref();
        let plain_codes = factors.map(plain_codes).unwrap_or_default();
        let factors = factors.map(|it| accounts.factors_of(it, id));
        let user = User {
            has_second_factor: factors.is_some(),
            legacy_id: legacy_id.map(|id| id.as_str().to_owned()),
            first_name,
            last_name,
            gender: record.gender,
            position,
            department,
            is_active: record.is_active && ban.is_none(),
            ban,
            role: if is_demoted { Role::User } else { record.role },
            is_verified: record.is_verified,
            is_archived: record.is_archived,
            secondary_email_key: second.as_ref().map(|email| email.key().to_owned()),
            secondary_email_status: record.secondary_email_status,
            secondary_email: second.map(|email| email.address().to_owned()),
            locale: record.locale.clone(),
            email_status: record.email_status,
            ends_at: record.ends_at.filter(|_| !record.is_verified).map(Timestamp::as_second),
            last_login: record.last_login,
            ..User::new(id, &username, &email, usable.clone(), created_at)
        };
        let user = User { had_ban: false, ..user.at(now) };
        let has_lost_password = usable.is_none() && password.is_some();
        let record = record.digest();
        Ok(Prepared {
            user,
            factors,
            plain_codes,
            record,
            has_own_id,
            has_own_username,
            is_demoted,
            has_lost_password,
        })
    }

    /// The id of a user whose record has none: always the same for the same user, so that a second import finds the
    /// user of the first one, whatever has changed since. The id reveals nothing about the address.
    fn derived(
        &self,
        legacy_id: Option<&LegacyId>,
        email: &Email,
        created_at: Option<Timestamp>,
    ) -> UserId {
        let parts = match legacy_id {
            Some(id) => ["imported user", "legacy_id", id.as_str()],
            None => ["imported user", "email", email.key()],
        };
        let digest = self.accounts.proofs.blinds().of(&parts);
        let digest = URL_SAFE_NO_PAD.decode(digest).unwrap_or_default();
        let mut random = [0; 10];
        random.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
        let created_at = created_at.unwrap_or(Timestamp::UNIX_EPOCH).as_millisecond();
        let created_at = u64::try_from(created_at).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(created_at, &random).into_uuid().into()
    }
}

/// The id and the legacy id. A legacy id that has the form of an id counts as the id.
fn ids(record: &Record, faults: &mut Rejected) -> (Option<UserId>, Option<LegacyId>) {
    let Some(typed) = given(record.legacy_id.as_deref()) else { return (record.id, None) };
    if let Ok(id) = typed.trim().parse() {
        if record.id.is_some_and(|own| own != id) {
            faults.add("legacy_id", "invalid");
        }
        return (Some(id), None);
    }
    let parsed = LegacyId::parse(typed);
    if parsed.is_none() {
        faults.add("legacy_id", "invalid");
    }
    (record.id, parsed)
}

/// A text that is not empty.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}
