//! Passwords: the rules of a new one, and the types that keep both forms out of logs.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use zeroize::Zeroizing;

use super::User;
use crate::error::Violation;

/// The fewest code points that a site can ask for in a new password (NIST SP 800-63B; Django's default).
pub const MIN_LENGTH: usize = 8;
/// The most that a site can ask for: a longer passphrase would lock out users of password managers.
pub const MAX_MIN_LENGTH: usize = 64;
/// The most code points of any password: a bound on the work that a stranger can ask for.
pub const MAX_LENGTH: usize = 256;

/// Django's `UserAttributeSimilarityValidator.max_similarity`, in tenths.
const MAX_SIMILARITY_TENTHS: usize = 7;

/// The most bytes of an input: more than any password of [`MAX_LENGTH`] code points has before it is normalised.
const MAX_BYTES: usize = 16 * MAX_LENGTH;

/// A password as it was typed: never trimmed, folded or cut.
///
/// The same password can have other code points on another keyboard: é is one code point or two. So a new password is
/// validated and hashed in its normalised form (NIST SP 800-63B, 3.1.1.2).
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
        self.0.len() > MAX_BYTES || (is_too_long(&self.0) && is_too_long(&self.normalised().0))
    }

    /// The password in the form that is hashed: NFKC.
    pub(crate) fn normalised(&self) -> Self {
        Self(Zeroizing::new(self.0.nfkc().collect()))
    }

    /// The bytes, in the form of this value: as typed, or normalised.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// All violations of this text as the new password of that owner, in Django's order. The rules hold for new
    /// passwords only: an older password may break them.
    pub fn violations(&self, owner: Owner<'_>, rules: &PasswordRules) -> Vec<Violation> {
        if self.0.len() > MAX_BYTES {
            return vec![Violation::TooLong { limit: MAX_LENGTH, actual: self.0.chars().count() }];
        }
        let normalised = self.normalised().0;
        let password = normalised.as_str();
        if is_blank(password) {
            return vec![Violation::Required];
        }
        let mut found = Vec::new();
        if is_too_long(password) {
            found.push(Violation::TooLong { limit: MAX_LENGTH, actual: password.chars().count() });
            return found;
        }
        if password.contains('\0') {
            found.push(Violation::NullCharacter);
        }
        let like_site = || rules.site_names.iter().any(|name| is_similar(password, name));
        let likeness = owner.likeness(password);
        found.extend(likeness.or_else(|| like_site().then_some(Violation::PasswordLikeSite)));
        if password.chars().count() < rules.min_length {
            found.push(Violation::PasswordTooShort { limit: rules.min_length });
        }
        if COMMON.contains(password.to_lowercase().trim()) {
            found.push(Violation::PasswordTooCommon);
        }
        if password.chars().all(char::is_numeric) {
            found.push(Violation::PasswordNumeric);
        }
        found
    }
}

fn is_too_long(password: &str) -> bool {
    password.chars().count() > MAX_LENGTH
}

/// Whether a password has nothing in it that can be seen: it is empty, or of white space and invisible characters.
fn is_blank(password: &str) -> bool {
    use GeneralCategory::{Control, Format};
    password.chars().all(|c| {
        c.is_whitespace()
            || c.general_category_group() == GeneralCategoryGroup::Separator
            // U+0000 has a violation of its own.
            || (c != '\0' && matches!(c.general_category(), Control | Format))
    })
}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword")
    }
}

/// What a site asks of a new password.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// The fewest code points, from [`MIN_LENGTH`] to [`MAX_MIN_LENGTH`].
    pub min_length: usize,
    /// What an attacker tries first at this site: the names of the product and of the site, and the hosts of its
    /// URLs.
    pub site_names: Vec<String>,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self { min_length: MIN_LENGTH, site_names: Vec::new() }
    }
}

/// The texts about a user that a new password must not be like. An empty text is like no password.
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
    /// The first text that the password is like, in Django's order. Django reports only one.
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

/// Django's similarity: the password against the value and each of its words. The password is normalised already.
fn is_similar(password: &str, value: &str) -> bool {
    let password: Vec<char> = password.to_lowercase().chars().collect();
    let value = value.nfkc().collect::<String>().to_lowercase();
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

/// A long password is never similar to a short word (Django, CVE-2021-45115).
fn exceeds_length_ratio(password: &[char], part: &[char]) -> bool {
    password.len() >= 10 * part.len() && 20 * part.len() < MAX_SIMILARITY_TENTHS * password.len()
}

/// `difflib.SequenceMatcher.quick_ratio() >= 0.7`: twice the number of common letters, divided by the number of all
/// letters.
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
        PlainPassword::new(password)
            .violations(Owner { username, email, ..Owner::default() }, &PasswordRules::default())
    }

    #[test]
    fn seven_code_points_are_too_short_and_eight_are_enough() {
        assert_eq!(violations("kdj84fü"), [Violation::PasswordTooShort { limit: 8 }]);
        assert_eq!(violations("kdj84füp"), []);
    }

    /// The length counts code points of the normalised form, at each limit that a site can choose.
    #[test]
    fn a_site_may_ask_for_longer_passwords() {
        let owner = Owner::default;
        for min_length in [8, 15, 64] {
            let rules = PasswordRules { min_length, ..PasswordRules::default() };
            let ends = [(min_length - 1, true), (min_length, false)];
            for (length, is_short) in ends {
                let password: String = "kdjf84üp".chars().cycle().take(length).collect();
                let found = PlainPassword::new(password).violations(owner(), &rules);
                let short = Violation::PasswordTooShort { limit: min_length };
                assert_eq!(found, is_short.then_some(short).into_iter().collect::<Vec<_>>());
                let text = format!("It must contain at least {min_length} characters.");
                assert!(short.to_string().ends_with(&text), "{short}");
            }
        }
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
            [
                Violation::PasswordTooShort { limit: 8 },
                Violation::PasswordTooCommon,
                Violation::PasswordNumeric
            ]
        );
    }

    #[test]
    fn the_list_of_common_passwords_is_whole_and_ignores_case() {
        assert!(COMMON.len() > 10_000, "{}", COMMON.len());
        assert_eq!(violations("PassWord1"), [Violation::PasswordTooCommon]);
    }

    /// Answers of Django 3.2.25's `UserAttributeSimilarityValidator`.
    #[test]
    fn similarity_is_measured_as_in_django() {
        assert_eq!(violations("marmaladejar1"), [Violation::PasswordLikeUsername]);
        assert_eq!(violations("1rajedalamram"), [Violation::PasswordLikeUsername]);
        assert_eq!(violations("zebrafinch9"), [Violation::PasswordLikeEmail]);
        assert_eq!(violations("zebrafinch-and-more-things"), []);
    }

    /// Answers of the same, for first and last name.
    #[test]
    fn similarity_to_names_is_measured_as_in_django() {
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
    fn only_the_first_likeness_is_reported_in_djangos_order() {
        let email = "annabella@example.com";
        for ([username, first_name, last_name], expected) in [
            (["annabella", "Annabella", "Annabella"], Violation::PasswordLikeUsername),
            (["m1", "Annabella", "Annabella"], Violation::PasswordLikeFirstName),
            (["m1", "", "Annabella"], Violation::PasswordLikeLastName),
            (["m1", "", ""], Violation::PasswordLikeEmail),
        ] {
            let owner = Owner { username, first_name, last_name, email };
            assert_eq!(
                PlainPassword::new("annabella1").violations(owner, &PasswordRules::default()),
                [expected]
            );
        }
    }

    #[test]
    fn the_names_of_the_site_are_no_password() {
        let site_names = ["Latchkey".to_owned(), "auth.marmalade.example".to_owned()].into();
        let rules = PasswordRules { site_names, ..PasswordRules::default() };
        for (password, expected) in [
            ("latchkey", Some(Violation::PasswordLikeSite)),
            ("Latchkey1", Some(Violation::PasswordLikeSite)),
            ("ｌａｔｃｈｋｅｙ２", Some(Violation::PasswordLikeSite)),
            ("marmalade84", Some(Violation::PasswordLikeSite)),
            ("kdjf84jfKKd", None),
            ("the latchkey is under the mat", None),
        ] {
            let found = PlainPassword::new(password).violations(Owner::default(), &rules);
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{password}");
        }
    }

    #[test]
    fn a_password_of_which_nothing_can_be_seen_is_none() {
        for blank in [" ", "\t", "\u{a0}", "\u{3000}", "\u{200b}", "\u{2060}", "\u{202e}", "\u{1b}"]
        {
            assert_eq!(violations(&blank.repeat(12)), [Violation::Required], "{blank:?}");
        }
        assert_eq!(violations(""), [Violation::Required]);
        assert_eq!(violations(" \u{200b}kdj 84f "), []);
    }

    #[test]
    fn a_password_is_validated_as_it_is_hashed() {
        // Eight code points are typed, and seven are hashed.
        assert_eq!(violations("kdj84fe\u{301}"), [Violation::PasswordTooShort { limit: 8 }]);
        assert_eq!(
            violations("１２３")[1..],
            [Violation::PasswordTooCommon, Violation::PasswordNumeric]
        );
        assert_eq!(violations(&"e\u{301}".repeat(256)), []);
        // One code point of which NFKC makes eighteen.
        let long = PlainPassword::new("\u{fdfa}".repeat(20));
        let actual = 360;
        assert_eq!(
            long.violations(Owner::default(), &PasswordRules::default()),
            [Violation::TooLong { limit: 256, actual }]
        );
        // It may have been set before passwords were normalised.
        assert!(!long.is_absurd());
        assert!(!PlainPassword::new("e\u{301}".repeat(256)).is_absurd());
        assert!(PlainPassword::new("e\u{301}".repeat(257)).is_absurd());
    }

    #[test]
    fn neither_form_shows_in_debug_output() {
        assert_eq!(format!("{:?}", PlainPassword::new("kdjf84jf")), "PlainPassword");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$")), "PasswordHash");
    }
}
