//! Passwords: what a new one must be like, and the types that keep both forms out of logs.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Violation;

/// The fewest code points of a new password (NIST SP 800-63B; Django's default).
pub const MIN_LENGTH: usize = 8;
/// The most code points of any password: a bound on the work that a stranger can ask for.
pub const MAX_LENGTH: usize = 256;

/// Django's `UserAttributeSimilarityValidator.max_similarity`, in tenths.
const MAX_SIMILARITY_TENTHS: usize = 7;

/// A password as it was typed: never trimmed, folded or cut.
#[derive(Clone)]
pub struct PlainPassword(Zeroizing<String>);

impl PlainPassword {
    /// Takes a password as it was typed.
    pub fn new(typed: impl Into<String>) -> Self {
        Self(Zeroizing::new(typed.into()))
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is longer than any password can be: not worth a hash.
    pub fn is_absurd(&self) -> bool {
        self.0.len() > 4 * MAX_LENGTH || self.0.chars().count() > MAX_LENGTH
    }

    /// The bytes to hash.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What keeps this from being the new password of a user with that name and address; all of it,
    /// in the order in which Django reports it.
    pub fn violations(&self, username: Option<&str>, address: Option<&str>) -> Vec<Violation> {
        if self.is_empty() {
            return vec![Violation::Required];
        }
        let mut found = Vec::new();
        if self.is_absurd() {
            found.push(Violation::TooLong { limit: MAX_LENGTH, actual: self.0.chars().count() });
            return found;
        }
        if self.0.contains('\0') {
            found.push(Violation::NullCharacter);
        }
        if username.is_some_and(|name| is_similar(&self.0, name)) {
            found.push(Violation::PasswordLikeUsername);
        } else if address.is_some_and(|address| is_similar(&self.0, address)) {
            found.push(Violation::PasswordLikeEmail);
        }
        if self.0.chars().count() < MIN_LENGTH {
            found.push(Violation::PasswordTooShort);
        }
        if COMMON.contains(self.0.to_lowercase().trim()) {
            found.push(Violation::PasswordTooCommon);
        }
        if self.0.chars().all(char::is_numeric) {
            found.push(Violation::PasswordNumeric);
        }
        found
    }
}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword")
    }
}

/// A password as it is stored: a PHC string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a string that a hasher made.
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The string to verify against.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// The 19,726 common passwords that Django ships (compiled by Royce Williams), unpacked at the
/// first use: a cold start does not pay for them.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut text = String::new();
    let packed: &[u8] = include_bytes!("common-passwords.txt.gz");
    if let Err(error) = flate2::read::GzDecoder::new(packed).read_to_string(&mut text) {
        // Embedded at build time and read whole by a test: this cannot happen to a shipped binary.
        tracing::error!(%error, "the list of common passwords is damaged");
    }
    String::leak(text).lines().collect()
});

/// Django's similarity: the password against the value and each of its words.
fn is_similar(password: &str, value: &str) -> bool {
    let password: Vec<char> = password.to_lowercase().chars().collect();
    let value = value.to_lowercase();
    value
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .chain([value.as_str()])
        .filter(|part| !part.is_empty())
        .any(|part| {
            let part: Vec<char> = part.chars().collect();
            !exceeds_length_ratio(&password, &part) && quick_ratio_is_high(&password, &part)
        })
}

/// A long password is not similar to a short word, whatever its letters (Django, CVE-2021-45115).
fn exceeds_length_ratio(password: &[char], part: &[char]) -> bool {
    password.len() >= 10 * part.len() && 20 * part.len() < MAX_SIMILARITY_TENTHS * password.len()
}

/// `difflib.SequenceMatcher.quick_ratio() >= 0.7`: twice the letters in common, by all letters.
fn quick_ratio_is_high(a: &[char], b: &[char]) -> bool {
    let mut rest = b.to_vec();
    let in_common = a
        .iter()
        .filter(|c| match rest.iter().position(|other| other == *c) {
            Some(at) => {
                rest.swap_remove(at);
                true
            }
            None => false,
        })
        .count();
    20 * in_common >= MAX_SIMILARITY_TENTHS * (a.len() + b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(password: &str) -> Vec<Violation> {
        PlainPassword::new(password)
            .violations(Some("marmaladejar"), Some("zebrafinch@example.com"))
    }

    #[test]
    fn seven_code_points_are_too_short_and_eight_are_enough() {
        assert_eq!(violations("kdj84fü"), [Violation::PasswordTooShort]);
        assert_eq!(violations("kdj84füp"), []);
    }

    #[test]
    fn long_passphrases_spaces_and_any_script_are_accepted() {
        let long: String = ('!'..='~').cycle().take(256).collect();
        for good in ["correct horse battery staple", " kdjf84jfKKd ", "пароль-и-ещё", &long]
        {
            assert_eq!(violations(good), [], "{good}");
        }
    }

    #[test]
    fn more_than_256_code_points_are_refused_at_once() {
        assert_eq!(violations(&"é".repeat(257)), [Violation::TooLong { limit: 256, actual: 257 }]);
    }

    #[test]
    fn a_password_can_fail_several_rules_at_once() {
        assert_eq!(
            violations("123"),
            [Violation::PasswordTooShort, Violation::PasswordTooCommon, Violation::PasswordNumeric]
        );
    }

    #[test]
    fn the_list_of_common_passwords_is_whole_and_ignores_case() {
        assert!(COMMON.len() > 10_000, "{}", COMMON.len());
        assert_eq!(violations("PassWord1"), [Violation::PasswordTooCommon]);
    }

    /// Answers of Django 3.2.25's `UserAttributeSimilarityValidator`.
    #[test]
    fn similarity_is_judged_as_django_does() {
        assert_eq!(violations("marmaladejar1"), [Violation::PasswordLikeUsername]);
        assert_eq!(violations("1rajedalamram"), [Violation::PasswordLikeUsername]);
        assert_eq!(violations("zebrafinch9"), [Violation::PasswordLikeEmail]);
        assert_eq!(violations("zebrafinch-and-more-things"), []);
        let with_short_name = PlainPassword::new("a".repeat(4) + "kdjf84jfKKd");
        assert_eq!(with_short_name.violations(Some("a"), None), []);
    }

    #[test]
    fn neither_form_shows_in_debug_output() {
        assert_eq!(format!("{:?}", PlainPassword::new("kdjf84jf")), "PlainPassword");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$")), "PasswordHash");
    }
}
