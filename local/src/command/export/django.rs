//! A fixture that Django loads: `manage.py loaddata users.json`.

use accounts::Accounts;
use accounts::model::{Record, Role};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::{Counts, Output};
use crate::command::Failure;

/// A password that no log-in matches (`django.contrib.auth.hashers.UNUSABLE_PASSWORD_PREFIX`).
const UNUSABLE: &str = "!";

/// A fixture.
#[derive(Clone, Debug)]
pub(super) struct Django {
    /// Such as `auth.user`.
    pub(super) user_model: String,
    /// Whether the rows of django-graphql-auth are in it, too.
    pub(super) has_status: bool,
}

impl Django {
    /// Writes all users. A user keeps the primary key of the old system if that was an integer; the others are numbered
    /// above the highest of these.
    pub(super) async fn write(
        &self,
        accounts: &Accounts,
        operator: &str,
        mut output: Output,
    ) -> Result<Counts, Failure> {
        let mut highest = 0;
        let mut users = accounts.export(operator).await?;
        while let Some(record) = users.next().await? {
            highest = highest.max(old_key(&record).unwrap_or_default());
        }
        let mut counts = Counts::default();
        let mut users = accounts.all_records();
        while let Some(record) = users.next().await? {
            let key = old_key(&record).filter(|key| *key <= highest).unwrap_or_else(|| {
                highest += 1;
                highest
            });
            let password = password(&record);
            counts.users += 1;
            counts.lost_passwords += u64::from(record.password.is_some() && password.is_none());
            output.write(if counts.users == 1 { "[\n" } else { ",\n" })?;
            output.write(&self.user(key, &record, password.as_deref()).to_string())?;
            if self.has_status {
                output.write(",\n")?;
                output.write(&status(key, &record).to_string())?;
            }
        }
        output.write(if counts.users == 0 { "[]\n" } else { "\n]\n" })?;
        output.finish()?;
        Ok(counts)
    }

    fn user(&self, key: i64, record: &Record, password: Option<&str>) -> Value {
        json!({
            "model": self.user_model,
            "pk": key,
            "fields": {
                "password": password.unwrap_or(UNUSABLE),
                "last_login": record.last_login,
                "is_superuser": record.role == Role::Superuser,
                "username": record.username,
                "first_name": record.first_name,
                "last_name": record.last_name,
                "email": record.email,
                "is_staff": record.role.is_staff(),
                "is_active": record.is_active,
                "date_joined": record.created_at,
                "groups": [],
                "user_permissions": [],
            },
        })
    }
}

fn status(key: i64, record: &Record) -> Value {
    json!({
        "model": "graphql_auth.userstatus",
        "pk": key,
        "fields": {
            "user": key,
            "verified": record.is_verified,
            "archived": record.is_archived,
            "secondary_email": record.secondary_email,
        },
    })
}

/// The primary key of the old system, if it was a positive integer, as Django writes it.
fn old_key(record: &Record) -> Option<i64> {
    let text = record.legacy_id.as_deref()?;
    let key: i64 = text.parse().ok()?;
    // Keys are unique by their text, so `042` must not become the 42 of another user.
    (key > 0 && key.to_string() == text).then_some(key)
}

/// The hash in Django's form. `None` if Django has no such form.
fn password(record: &Record) -> Option<String> {
    let hash = record.password.as_ref()?.expose();
    let Some(phc) = hash.strip_prefix('$') else {
        return hash.contains('$').then(|| hash.to_owned());
    };
    let mut parts = phc.split('$');
    let (name, parameters) = (parts.next()?, parts.next()?);
    let parameter = |name: &str| {
        let mut all = parameters.split(',').filter_map(|parameter| parameter.split_once('='));
        all.find_map(|(key, value)| (key == name).then_some(value))
    };
    match name {
        "argon2id" | "argon2i" | "argon2d" => Some(format!("argon2{hash}")),
        "2a" | "2b" | "2y" => Some(format!("bcrypt${hash}")),
        "pbkdf2-sha256" => {
            let (salt, derived) = salted(parts.next()?, parts.next()?, 32)?;
            Some(format!("pbkdf2_sha256${}${salt}${derived}", parameter("i")?))
        }
        "scrypt" => {
            let (salt, derived) = salted(parts.next()?, parts.next()?, 64)?;
            let n = 1_u64.checked_shl(parameter("ln")?.parse().ok()?)?;
            Some(format!("scrypt${n}${salt}${}${}${derived}", parameter("r")?, parameter("p")?))
        }
        _ => None,
    }
}

/// The salt and the hash of a PHC string, in Django's form. `None` unless the salt is printable ASCII and the hash has
/// `bytes` bytes.
fn salted(salt: &str, derived: &str, bytes: usize) -> Option<(String, String)> {
    let salt = String::from_utf8(STANDARD_NO_PAD.decode(salt).ok()?).ok()?;
    let derived = STANDARD_NO_PAD.decode(derived).ok()?;
    let is_plain = salt.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'$');
    (is_plain && derived.len() == bytes).then(|| (salt, STANDARD.encode(derived)))
}

#[cfg(test)]
mod tests {
    use accounts::model::PasswordHash;

    use super::*;

    #[test]
    fn only_a_positive_integer_in_its_own_spelling_is_a_primary_key() {
        let key =
            |text: &str| old_key(&Record { legacy_id: Some(text.to_owned()), ..Record::default() });
        assert_eq!(key("42"), Some(42));
        for other in ["042", "+42", "0", "-1", "9223372036854775808", "a42", "4 2"] {
            assert_eq!(key(other), None, "{other}");
        }
    }

    #[test]
    fn hashes_have_the_forms_of_django_if_there_is_one() {
        let converted = |hash: &str| {
            password(&Record { password: Some(PasswordHash::new(hash)), ..Record::default() })
        };
        for (hash, expected) in [
            (
                "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
                Some("argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"),
            ),
            (
                "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
                Some("argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"),
            ),
            ("$2b$10$xClBscBx0q6S8Ay5PomVnO", Some("bcrypt$$2b$10$xClBscBx0q6S8Ay5PomVnO")),
            ("pbkdf2_sha256$1$salt$aGFzaA==", Some("pbkdf2_sha256$1$salt$aGFzaA==")),
            (
                "$pbkdf2-sha256$i=600000,l=32$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                Some("pbkdf2_sha256$600000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ),
            (
                "$scrypt$ln=14,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                Some(
                    "scrypt$16384$salt$8$1$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
                ),
            ),
            // Django derives 64 bytes.
            ("$scrypt$ln=14,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", None),
            // A salt of bytes that are no text.
            (
                "$scrypt$ln=14,r=8,p=1$gICAgA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                None,
            ),
            ("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=AAAA$AAAA$AAAA", None),
            ("0504168347d455f3fd984e1ad4f6e482:02ef59ad", None),
        ] {
            assert_eq!(converted(hash).as_deref(), expected, "{hash}");
        }
    }
}
