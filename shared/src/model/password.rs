//! Passwords: what a new one must be like, and the types that keep both forms out of logs.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use zeroize::Zeroizing;

use super::User;
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

    /// What keeps this from being the new password of that owner; all of it, in the order in which
    /// Django reports it.
    pub fn violations(&self, owner: Owner<'_>) -> Vec<Violation> {
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
        found.extend(owner.likeness(&self.0));
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

/// What is known of whoever a new password is for, and the password must not be like. What is empty
/// is like nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owner<'a> {
    /// The username.
    pub username: &'a str,
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The address.
    pub email: &'a str,
}

impl Owner<'_> {
    /// The first thing that the password is like, in Django's order: it tells no more than one.
    fn likeness(&self, password: &str) -> Option<Violation> {
        let attributes = [
            (self.username, Violation::PasswordLikeUsername),
            (self.first_name, Violation::PasswordLikeFirstName),
            (self.last_name, Violation::PasswordLikeLastName),
            (self.email, Violation::PasswordLikeEmail),
        ];
        let mut alike = attributes.into_iter().filter(|(value, _)| is_similar(password, value));
        alike.next().map(|(_, violation)| violation)
    }
}

impl<'a> From<&'a User> for Owner<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            username: &user.username,
            first_name: &user.first_name,
            last_name: &user.last_name,
            email: &user.email,
        }
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
        .split(|c: char| !is_in_word(c))
        .chain([value.as_str()])
        .filter(|part| !part.is_empty())
        .any(|part| {
            let part: Vec<char> = part.chars().collect();
            !exceeds_length_ratio(&password, &part) && quick_ratio_is_high(&password, &part)
        })
}

/// Python's `\w`. Unlike Rust's `is_alphanumeric`, it has no vowel signs.
fn is_in_word(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    c == '_' || matches!(c.general_category_group(), Letter | Number)
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
        let (username, email) = ("marmaladejar", "zebrafinch@example.com");
        PlainPassword::new(password).violations(Owner { username, email, ..Owner::default() })
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
    }

    /// Answers of the same, for first and last name.
    #[test]
    fn similarity_to_names_is_judged_as_django_does() {
        let (first, last) =
            (Some(Violation::PasswordLikeFirstName), Some(Violation::PasswordLikeLastName));
        for (password, [first_name, last_name], expected) in [
            ("Bartholomew", ["Bartholomew", "Featherstone-Haugh"], first),
            ("featherston9", ["Bartholomew", "Featherstone-Haugh"], last),
            ("haugh-featherstone", ["Bartholomew", "Featherstone-Haugh"], last),
            ("haugh123", ["Bartholomew", "Featherstone-Haugh"], last),
            ("kdjf84jfKKd", ["Bartholomew", "Featherstone-Haugh"], None),
            ("maryjane99", ["Mary Jane", ""], first),
            ("jane123", ["Mary Jane", ""], first),
            ("jane12345", ["Mary Jane", ""], None),
            ("o_brien_99", ["", "O_Brien"], last),
            ("brien99", ["", "O'Brien"], last),
            ("ÅNGSTRÖM12", ["", "Ångström"], last),
            ("ΟΔΥΣΣΕΥΣ1", ["Οδυσσευς", ""], first),
            ("İstanbul1", ["istanbul", ""], first),
            ("李雷李雷李雷99", ["李雷", ""], None),
            ("प्रिया123", ["प्रिया", ""], first),
            ("रिया12", ["प्रिया", ""], None),
            ("aaaakdjf84jfKKd", ["A", ""], None),
        ] {
            let owner = Owner { first_name, last_name, ..Owner::default() };
            assert_eq!(owner.likeness(password), expected, "{password}");
        }
    }

    /// Answers of the same.
    #[test]
    fn of_all_that_a_password_is_like_the_first_is_told_in_djangos_order() {
        let email = "annabella@example.com";
        for ([username, first_name, last_name], expected) in [
            (["annabella", "Annabella", "Annabella"], Violation::PasswordLikeUsername),
            (["m1", "Annabella", "Annabella"], Violation::PasswordLikeFirstName),
            (["m1", "", "Annabella"], Violation::PasswordLikeLastName),
            (["m1", "", ""], Violation::PasswordLikeEmail),
        ] {
            let owner = Owner { username, first_name, last_name, email };
            assert_eq!(PlainPassword::new("annabella1").violations(owner), [expected]);
        }
    }

    #[test]
    fn neither_form_shows_in_debug_output() {
        assert_eq!(format!("{:?}", PlainPassword::new("kdjf84jf")), "PlainPassword");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$")), "PasswordHash");
    }
}
