//! Usernames.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::Email;
use super::lookalike::{is_of_one_script, looks};
use crate::error::Violation;

/// The most code points that a username may have.
pub const MAX_LENGTH: usize = 150;

/// An upper bound for the bytes of a username's key: a code point becomes at most six bytes there. The key of an index
/// can have as many.
pub const MAX_KEY_BYTES: usize = 6 * MAX_LENGTH;

/// A username as its owner writes it (in NFKC), and the key that it is unique by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    name: String,
    key: String,
}

impl Username {
    /// Reads a username: space around it is dropped and it is put into NFKC, as Django does, so that
    /// one name has one spelling.
    ///
    /// # Errors
    /// Everything that is wrong with it: empty, too long, or with other characters than letters,
    /// digits and `@ . + - _` (Django's `UnicodeUsernameValidator`).
    pub fn parse(input: &str) -> Result<Self, Vec<Violation>> {
        let name: String = input.trim().nfkc().collect();
        let name = name.trim();
        if name.is_empty() {
            return Err(vec![Violation::Required]);
        }
        let mut violations = Vec::new();
        let length = name.chars().count();
        if length > MAX_LENGTH {
            violations.push(Violation::TooLong { limit: MAX_LENGTH, actual: length });
        }
        if name.contains('\0') {
            violations.push(Violation::NullCharacter);
        }
        // As in Django: the characters are checked only if the name is short enough and has no null character.
        if violations.is_empty() && !name.chars().all(may_be_in_a_username) {
            violations.push(Violation::UsernameMalformed);
        }
        if violations.is_empty() {
            Ok(Self { name: name.to_owned(), key: fold(name) })
        } else {
            Err(violations)
        }
    }

    /// The violations of the name as the new name of a user who has, or claims, these addresses. Older names stay as
    /// they are, so a log-in does not check this.
    ///
    /// Applications trust the look of a name. So a name with an `@` must be an address of its owner, the letters must
    /// come from one script (UTS 39), and the names that a site reserves for itself are refused, and names that look
    /// like them.
    pub fn violations_as_new(&self, own: &[&Email], reserved: &ReservedNames) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.name.contains('@') {
            let named = Email::parse(&self.name).ok();
            if !named.is_some_and(|named| own.iter().any(|own| own.key() == named.key())) {
                violations.push(Violation::UsernameNotOwnEmail);
            }
        } else if !is_of_one_script(&self.name) {
            violations.push(Violation::UsernameMixedScripts);
        }
        if reserved.has(self) {
            violations.push(Violation::UsernameReserved);
        }
        violations
    }

    /// Makes a username from the local part of an address, without the characters that a username cannot have. `user`
    /// if no character is left, or if a new user may not have the name.
    pub fn made_from(email: &Email, reserved: &ReservedNames) -> Self {
        let local = email.address().rsplit_once('@').map_or("", |(local, _)| local);
        let kept: String =
            local.chars().filter(|c| may_be_in_a_username(*c)).take(MAX_LENGTH - 10).collect();
        let made = Self { key: fold(&kept), name: kept };
        if made.name.is_empty() || !made.violations_as_new(&[], reserved).is_empty() {
            return Self { name: "user".to_owned(), key: "user".to_owned() };
        }
        made
    }

    /// A username that reveals nothing about its user.
    pub fn numbered(number: u32) -> Self {
        let name = "user".to_owned();
        Self { key: fold(&name), name }.with_number(number)
    }

    /// The same with a number behind it, for when it is taken.
    #[must_use]
    pub fn with_number(&self, number: u32) -> Self {
        let name = format!("{}{number}", self.name);
        Self { key: fold(&name), name }
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The unique key of the name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The keys of the names that it looks like: it is unique by them, too (UTS 39). What is longer than any name
    /// is left out.
    pub fn looks(&self) -> BTreeSet<String> {
        looks(&self.name).into_iter().filter(|look| look.len() <= MAX_KEY_BYTES).collect()
    }
}

/// The usernames that a site keeps for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedNames(BTreeSet<String>);

impl ReservedNames {
    /// Reads names that are separated by commas; case and space around them do not count.
    pub fn parse(list: &str) -> Self {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self(names.map(fold).collect())
    }

    /// Whether the name is one of them, or looks like one.
    fn has(&self, name: &Username) -> bool {
        self.0.contains(&name.key) || looks(&name.name).iter().any(|look| self.0.contains(look))
    }
}

/// The form of a text in the keys of usernames: without regard to case, and to composition.
pub fn fold(text: &str) -> String {
    // For ASCII, the result is the same, and faster: each cold start folds the reserved names.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let text: String = text.nfkc().collect();
    caseless::default_case_fold_str(&text).nfkc().collect()
}

/// Python's `[\w.@+-]`: letters and numbers of any script, except the four letters that cannot be seen.
fn may_be_in_a_username(c: char) -> bool {
    const INVISIBLE: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
    if INVISIBLE.contains(&c) {
        return false;
    }
    matches!(c, '.' | '@' | '+' | '-' | '_')
        || c.is_ascii_alphanumeric()
        || matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_folded_as_any_text_is() {
        let ascii: String = (0..=127).map(char::from).collect();
        let folded: String = ascii.nfkc().collect();
        let folded: String = caseless::default_case_fold_str(&folded).nfkc().collect();
        assert_eq!(fold(&ascii), folded);
    }

    fn violations(input: &str) -> Vec<Violation> {
        Username::parse(input).err().unwrap_or_default()
    }

    #[test]
    fn one_name_has_one_spelling() {
        assert_eq!(Username::parse(" ﬁsher ").unwrap().name(), "fisher");
    }

    #[test]
    fn names_that_differ_in_case_have_one_key() {
        let key = |input: &str| Username::parse(input).unwrap().key().to_owned();
        assert_eq!(key("Alice"), key("aLICE"));
        assert_eq!(key("STRASSE"), key("straße"));
    }

    #[test]
    fn no_key_is_longer_than_an_index_takes() {
        let of_a_name = |c: &char| may_be_in_a_username(*c) && c.nfkc().eq([*c]);
        let longest =
            ('\0'..=char::MAX).filter(of_a_name).map(|c| fold(&c.to_string()).len()).max();
        assert!(longest.unwrap() * MAX_LENGTH <= MAX_KEY_BYTES, "{longest:?}");
        assert!(MAX_KEY_BYTES + char::MAX.len_utf8() <= 1_024);
    }

    #[test]
    fn a_look_that_is_longer_than_any_name_does_not_count() {
        let of_a_name = |c: &char| may_be_in_a_username(*c) && c.nfkc().eq([*c]);
        let length = |c: &char| looks(&c.to_string()).iter().map(String::len).max();
        let longest = ('\0'..=char::MAX).filter(of_a_name).max_by_key(length).unwrap();
        let name = |count: usize| Username::parse(&longest.to_string().repeat(count)).unwrap();
        assert_eq!(name(MAX_LENGTH).looks().len(), 0);
        assert_ne!(name(1).looks().len(), 0);
    }

    #[test]
    fn letters_of_any_script_are_accepted() {
        for good in ["Jörg", "علی", "李雷", "a.b@c+d-e_f", "x²"] {
            assert_eq!(violations(good), [], "{good}");
        }
    }

    #[test]
    fn other_characters_are_refused() {
        for bad in ["bad name!", "a/b", "a\u{202e}b", "mike\u{3164}", "ann\n", "💡"] {
            let expected = if bad == "ann\n" { vec![] } else { vec![Violation::UsernameMalformed] };
            assert_eq!(violations(bad), expected, "{bad:?}");
        }
    }

    fn as_new(name: &str) -> Vec<Violation> {
        let (own, reserved) = (Email::parse("Ann@b\u{fc}cher.example"), "admin, Root");
        let name = Username::parse(name).unwrap();
        name.violations_as_new(&[&own.unwrap()], &ReservedNames::parse(reserved))
    }

    #[test]
    fn a_name_that_is_an_address_is_its_owners() {
        for own in ["ann@b\u{fc}cher.example", "ANN@xn--bcher-kva.example"] {
            assert_eq!(as_new(own), [], "{own}");
        }
        for other in ["bob@b\u{fc}cher.example", "ann@bucher.example", "@ann", "ann@", "ann@home"] {
            assert_eq!(as_new(other), [Violation::UsernameNotOwnEmail], "{other}");
        }
    }

    #[test]
    fn a_name_of_two_scripts_is_refused_as_new() {
        assert_eq!(as_new("\u{430}nn"), [Violation::UsernameMixedScripts]);
        assert_eq!(as_new("\u{430}\u{43d}\u{43d}\u{430}"), [], "Cyrillic throughout");
    }

    #[test]
    fn a_reserved_name_is_refused_however_it_is_written() {
        for reserved in ["admin", "ADMIN", "root", "adm\u{131}n", "\u{ff41}dmin"] {
            assert_eq!(as_new(reserved), [Violation::UsernameReserved], "{reserved}");
        }
        assert_eq!(as_new("admin2"), []);
    }

    #[test]
    fn a_name_is_made_of_an_address_unless_it_is_reserved() {
        let made = |address: &str| {
            let email = Email::parse(address).unwrap();
            Username::made_from(&email, &ReservedNames::parse("admin")).name().to_owned()
        };
        assert_eq!(made("jane.doe+shop@example.com"), "jane.doe+shop");
        assert_eq!(made("admin@example.com"), "user");
        assert_eq!(made("!@example.com"), "user");
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert_eq!(violations(&"ü".repeat(150)), []);
        assert_eq!(violations(&"ü".repeat(151)), [Violation::TooLong { limit: 150, actual: 151 }]);
    }

    #[test]
    fn a_null_character_is_named() {
        assert_eq!(violations("a\0b"), [Violation::NullCharacter]);
    }

    #[test]
    fn nothing_or_space_is_missing() {
        assert_eq!(violations("  "), [Violation::Required]);
    }
}
