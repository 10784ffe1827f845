//! First and last names.

use crate::error::Violation;

/// The most code points that either may have.
pub const MAX_LENGTH: usize = 150;

/// A first or last name, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name: space around it is dropped, as Django does.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(input: &str) -> Result<Self, Vec<Violation>> {
        let name = input.trim();
        let mut violations = Vec::new();
        let length = name.chars().count();
        if length > MAX_LENGTH {
            violations.push(Violation::TooLong { limit: MAX_LENGTH, actual: length });
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
