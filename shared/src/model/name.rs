//! First and last names, and other short texts that people write about themselves.

use crate::error::Violation;

/// The most code points that a first or last name may have.
pub const MAX_LENGTH: usize = 150;
/// The most code points that a position or a department may have.
pub const MAX_LABEL_LENGTH: usize = 100;

/// The most code points of a reason that staff give.
pub const MAX_REASON_LENGTH: usize = 500;

/// A short text that may be empty: a first or last name, a position, a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name: space around it is dropped. Control characters, line breaks and the marks that override the
    /// direction of writing are refused: a terminal, a CSV file or a list of users would obey them. The joiners and
    /// direction marks that Persian, Arabic and Indic names need are accepted.
    ///
    /// # Errors
    /// All violations of the name.
    pub fn parse(input: &str) -> Result<Self, Vec<Violation>> {
        Self::parse_within(MAX_LENGTH, input)
    }

    /// Reads a position or a department, as [`Name::parse`] does.
    ///
    /// # Errors
    /// All violations of the name.
    pub fn parse_label(input: &str) -> Result<Self, Vec<Violation>> {
        Self::parse_within(MAX_LABEL_LENGTH, input)
    }

    /// Reads the reason that staff give for what they do, as [`Name::parse`] does.
    ///
    /// # Errors
    /// All violations of the reason.
    pub fn parse_reason(input: &str) -> Result<Self, Vec<Violation>> {
        Self::parse_within(MAX_REASON_LENGTH, input)
    }

    fn parse_within(limit: usize, input: &str) -> Result<Self, Vec<Violation>> {
        let name = input.trim();
        let mut violations = Vec::new();
        let length = name.chars().count();
        if length > limit {
            violations.push(Violation::TooLong { limit, actual: length });
        }
        if name.contains('\0') {
            violations.push(Violation::NullCharacter);
        }
        if name.chars().any(is_control) {
            violations.push(Violation::ControlCharacter);
        }
        if violations.is_empty() { Ok(Self(name.to_owned())) } else { Err(violations) }
    }

    /// The name to show.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a program that shows the character would act on it instead. U+0000 has a violation of its own.
fn is_control(c: char) -> bool {
    let is_line_end = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\0') || is_line_end || turns_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_empty_and_is_trimmed() {
        assert_eq!(Name::parse("  ").unwrap().as_str(), "");
        assert_eq!(Name::parse(" Ann Lee ").unwrap().as_str(), "Ann Lee");
    }

    #[test]
    fn a_name_takes_no_control_characters() {
        for bad in
            ["a\r\nb", "a\u{1b}[31m", "a\tb", "a\u{202e}b", "a\u{2066}b", "a\u{85}b", "a\u{2028}b"]
        {
            assert_eq!(Name::parse(bad), Err(vec![Violation::ControlCharacter]), "{bad:?}");
            assert_eq!(Name::parse_label(bad), Err(vec![Violation::ControlCharacter]), "{bad:?}");
        }
        assert_eq!(Name::parse("a\0b"), Err(vec![Violation::NullCharacter]));
        for good in
            ["\u{0645}\u{06cc}\u{200c}\u{062e}", "O\u{2019}Hara", "a\u{200f}b", "Ann\u{a0}Lee"]
        {
            assert!(Name::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(Name::parse(&"ü".repeat(150)).is_ok());
        let too_long = Violation::TooLong { limit: 150, actual: 151 };
        assert_eq!(Name::parse(&"ü".repeat(151)), Err(vec![too_long]));
    }
}
