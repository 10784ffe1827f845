//! First and last names, and other short texts that people write about themselves.

use crate::error::Violation;

/// The most code points that a first or last name may have.
pub const MAX_LENGTH: usize = 150;
/// The most code points that a position or a department may have.
pub const MAX_LABEL_LENGTH: usize = 100;

/// A short text that may be empty: a first or last name, a position, a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name: space around it is dropped, and all that Django accepts is accepted, so also line
    /// breaks and characters that turn the direction of writing. Whoever shows a name has to expect them;
    /// no mail has one in it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(input: &str) -> Result<Self, Vec<Violation>> {
        Self::parse_within(MAX_LENGTH, input)
    }

    /// Reads a position or a department, as [`Name::parse`] does.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse_label(input: &str) -> Result<Self, Vec<Violation>> {
        Self::parse_within(MAX_LABEL_LENGTH, input)
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
        if violations.is_empty() { Ok(Self(name.to_owned())) } else { Err(violations) }
    }

    /// The name to show.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
    fn length_is_counted_in_code_points() {
        assert!(Name::parse(&"ü".repeat(150)).is_ok());
        let too_long = Violation::TooLong { limit: 150, actual: 151 };
        assert_eq!(Name::parse(&"ü".repeat(151)), Err(vec![too_long]));
    }
}
