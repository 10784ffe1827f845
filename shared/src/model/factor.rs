//! Second factors: the proofs of a user in addition to a password or a mail.
//!
//! A user who has a second factor proves it at each log-in, except on a trusted device. The user proves it again before
//! an operation for which a stolen session must not be enough.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::trusted_device::{MOST_TRUSTED, TrustedDevice};
use super::{Passkey, PasswordHash, PlainPassword, UserId, copied};
use crate::webauthn::{CredentialId, UserHandle};

/// How long a user has for the second step of a log-in.
pub const CHALLENGE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a user who must have a second factor has to add the first one, after the first step of a log-in.
pub const ENROLMENT_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How long a user has to enter the first code of a new authenticator app.
pub const SETUP_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How long a removal by staff waits before the second factors of a user end, so that the user can object.
pub const REMOVAL_WAIT: SignedDuration = SignedDuration::from_hours(72);
/// How many recovery codes a user gets.
pub const RECOVERY_CODES: usize = 10;
/// How many recovery codes of another system a user has at most.
pub const MOST_IMPORTED_CODES: usize = 30;
/// How many passkeys a user has at most.
pub const MOST_PASSKEYS: usize = 10;

/// The characters of a recovery code (Crockford's Base32): none of them looks like another one.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The number of characters that identify a code of the user. Latchkey stores them in clear.
const LABEL: usize = 4;
/// The number of characters of a whole code: the label, and 12 secret characters of 5 bits each.
const LENGTH: usize = 16;
/// The number of characters of a recovery code of another system. The eight digits of a code of django-allauth have 27
/// bits.
const IMPORTED_LENGTHS: std::ops::RangeInclusive<usize> = 8..=32;

/// The second factors of a user: one item of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// The user.
    pub user_id: UserId,
    /// The authenticator app, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<App>,
    /// The passkeys, in the order in which they were added. At most [`MOST_PASSKEYS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
    /// The name of the user for authenticators. It exists from the first passkey on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_handle: Option<UserHandle>,
    /// The recovery codes that were not used yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<RecoveryCode>,
    /// The devices that the user trusts, in the order in which the trusts began. At most [`MOST_TRUSTED`]. Some may have
    /// ended: see [`TrustedDevice::is_live`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_devices: Vec<TrustedDevice>,
    /// A random number, which each write changes. A write succeeds only if the item still has the revision of the read.
    /// 0 if there is no item.
    pub revision: u64,
    /// The passkey that was added since the read, if any. The write also adds its unique key.
    #[serde(skip)]
    pub added: Option<CredentialId>,
    /// The passkeys that were removed since the read. The write also deletes their unique keys.
    #[serde(skip)]
    pub dropped: Vec<CredentialId>,
}

/// An authenticator app: the secret that it shares with Latchkey (RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// The secret, encrypted: see [`Vault`](crate::crypto::Vault).
    pub secret: String,
    /// When the user added the app.
    pub added_at: Timestamp,
    /// The time step of the last accepted code. Latchkey accepts no code of this step or of an earlier one.
    pub last_step: u64,
    /// The time of the last accepted code.
    pub last_used_at: Timestamp,
}

/// A recovery code, as the table stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCode {
    /// The first characters of the code. Latchkey finds the code by them, so an attempt costs one hash. Empty for a
    /// code of another system: such a code is short, and a label would reveal a part of its few bits.
    pub label: String,
    /// The hash of the other characters. If another system made the codes of a user, all of them have the same salt, so
    /// an attempt costs one hash, too.
    pub hash: PasswordHash,
}

impl RecoveryCode {
    /// Whether the label has the right form.
    pub fn has_label(&self) -> bool {
        self.label.len() == LABEL && self.label.bytes().all(|byte| ALPHABET.contains(&byte))
    }

    /// Whether another system made the code.
    pub fn is_imported(&self) -> bool {
        self.label.is_empty()
    }
}

/// A recovery code of another system, in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedCode(String);

impl ImportedCode {
    /// Reads a code as django-allauth does: in upper or lower case, and without spaces and punctuation. `None` for a
    /// text that is too short or too long, or that has other characters.
    pub fn parse(typed: &str) -> Option<Self> {
        let kept = copied::typed(typed).filter(|c| !c.is_ascii_punctuation());
        let code: String = kept.take(IMPORTED_LENGTHS.end() + 1).collect();
        let is_code = IMPORTED_LENGTHS.contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_code.then(|| Self(code.to_ascii_lowercase()))
    }

    /// The text that Latchkey hashes.
    pub fn secret(&self) -> PlainPassword {
        PlainPassword::new(self.0.clone())
    }
}

impl std::fmt::Debug for ImportedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportedCode")
    }
}

/// A recovery code in clear.
#[derive(Clone)]
pub struct PlainRecoveryCode(String);

impl Factors {
    /// A user without any factor.
    pub fn none(user_id: UserId) -> Self {
        Self {
            user_id,
            app: None,
            passkeys: Vec::new(),
            user_handle: None,
            recovery_codes: Vec::new(),
            trusted_devices: Vec::new(),
            revision: 0,
            added: None,
            dropped: Vec::new(),
        }
    }

    /// The same item without any factor.
    #[must_use]
    pub fn emptied(self) -> Self {
        let dropped = self.passkeys.into_iter().map(|passkey| passkey.credential.id).collect();
        Self { revision: self.revision, dropped, ..Self::none(self.user_id) }
    }

    /// The passkey with that credential.
    pub fn passkey(&self, id: &CredentialId) -> Option<&Passkey> {
        self.passkeys.iter().find(|passkey| passkey.credential.id == *id)
    }

    /// Adds a passkey. `handle` is the handle of the user.
    pub fn add_passkey(&mut self, passkey: Passkey, handle: UserHandle) {
        self.added = Some(passkey.credential.id.clone());
        self.passkeys.push(passkey);
        self.user_handle = Some(handle);
    }

    /// Removes a passkey. `None` if the user does not have it.
    pub fn remove_passkey(&mut self, id: &CredentialId) -> Option<Passkey> {
        let at = self.passkeys.iter().position(|passkey| passkey.credential.id == *id)?;
        self.dropped.push(id.clone());
        Some(self.passkeys.remove(at))
    }

    /// Trusts a device. The oldest trust ends if there are too many.
    pub fn trust(&mut self, device: TrustedDevice) {
        while self.trusted_devices.len() >= MOST_TRUSTED {
            self.trusted_devices.remove(0);
        }
        self.trusted_devices.push(device);
    }

    /// Ends the trust in the devices for which `is_ended` is true. `false` if there is no such device.
    pub fn distrust(&mut self, is_ended: impl Fn(&TrustedDevice) -> bool) -> bool {
        let before = self.trusted_devices.len();
        self.trusted_devices.retain(|device| !is_ended(device));
        self.trusted_devices.len() < before
    }

    /// Whether a log-in needs a second factor. Recovery codes alone are not a factor.
    pub fn is_required(&self) -> bool {
        self.app.is_some() || !self.passkeys.is_empty()
    }

    /// Whether an app or a passkey was added after that epoch second.
    pub fn has_newer_than(&self, second: i64) -> bool {
        let apps = self.app.iter().map(|app| app.added_at);
        let passkeys = self.passkeys.iter().map(|passkey| passkey.added_at);
        apps.chain(passkeys).any(|added_at| added_at.as_second() > second)
    }
}

impl PlainRecoveryCode {
    /// The code of these random bytes.
    pub fn of(random: [u8; LENGTH]) -> Self {
        // 256 is a multiple of 32: each character is as probable as the others.
        Self(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
    }

    /// Reads a code as a user types it: in upper or lower case, with or without hyphens, with letters that look like
    /// digits, or with the digits of another script. `None` if it cannot be a recovery code.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = String::new();
        for character in copied::typed(typed) {
            code.push(match character.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other if other.is_ascii() && ALPHABET.contains(&(other as u8)) => other,
                _ => return None,
            });
            if code.len() > LENGTH {
                return None;
            }
        }
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// The characters that identify the code.
    pub fn label(&self) -> &str {
        &self.0[..LABEL]
    }

    /// The secret characters, which Latchkey hashes.
    pub fn secret(&self) -> PlainPassword {
        PlainPassword::new(self.0[LABEL..].to_owned())
    }

    /// The code to show: in groups of four.
    pub fn expose(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> =
            characters.chunks(4).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }
}

impl std::fmt::Debug for PlainRecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainRecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let code = PlainRecoveryCode::of([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(code.expose(), "0123-4567-89ab-cdef");
        for typed in [
            "0123-4567-89ab-cdef",
            " O123 4567 89AB CDEF ",
            "o1234567-89abcdef",
            "0L23456789abcdef",
            "\u{2066}۰۱۲۳\u{2010}۴۵۶۷\u{2010}۸۹ab\u{2010}cdef\u{2069}",
        ] {
            let read = PlainRecoveryCode::parse(typed).map(|code| code.expose());
            assert_eq!(read.as_deref(), Some("0123-4567-89ab-cdef"), "{typed}");
        }
        for typed in
            ["", "0123", "0123-4567-89ab-cdeu", "0123-4567-89ab-cdef-0", "0123-4567-89ab-cdé"]
        {
            assert!(PlainRecoveryCode::parse(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn a_recovery_code_has_a_label_and_sixty_secret_bits() {
        let code = PlainRecoveryCode::of([31; 16]);
        assert_eq!((code.label(), code.secret().expose()), ("zzzz", "zzzzzzzzzzzz".as_bytes()));
        assert_eq!(5 * (LENGTH - LABEL), 60);
    }

    #[test]
    fn a_code_of_another_system_is_read_as_people_type_it() {
        let parse = |typed: &str| ImportedCode::parse(typed).map(|code| code.0);
        for typed in ["mfrggzdf", " MFRG-GZDF ", "mfrg.gzdf", "\u{2066}mfrg\u{2010}gzdf\u{2069}"] {
            assert_eq!(parse(typed).as_deref(), Some("mfrggzdf"), "{typed}");
        }
        assert_eq!(parse("۰۱۲۳ ۴۵۶۷").as_deref(), Some("01234567"));
        let (most, more) = ("a".repeat(32), "a".repeat(33));
        assert_eq!(parse(&most), Some(most.clone()));
        for typed in ["", "1234567", "123-4567", &more, "mfrggzdé"] {
            assert_eq!(parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn debug_output_does_not_show_a_code() {
        let imported = ImportedCode::parse("mfrggzdf").unwrap();
        assert_eq!(format!("{imported:?}"), "ImportedCode");
        assert_eq!(format!("{:?}", PlainRecoveryCode::of([0; 16])), "PlainRecoveryCode");
    }
}
