//! Primary keys of the systems that users come from.

use super::UserId;

/// The most code points of a legacy id.
pub const MAX_LENGTH: usize = 64;

/// The primary key of a user in the system that the user was imported from, such as `42`. It is unique, and it is exact:
/// `042` is another one. No user can choose or change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyId(String);

impl LegacyId {
    /// Reads one; space around it is dropped. `None` for an empty one, one that is too long, one with control
    /// characters, and one that has the form of a [`UserId`]: tokens and searches would take it for that user.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_good = !text.is_empty()
            && text.chars().count() <= MAX_LENGTH
            && !text.chars().any(char::is_control)
            && text.parse::<UserId>().is_err();
        is_good.then(|| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_id_is_exact_and_is_no_user_id() {
        for good in ["42", "042", "-1", "auth0|5f7c8ec7c33c6c004bbafe82", "us-east-1:a/b"] {
            assert_eq!(LegacyId::parse(&format!(" {good} ")).unwrap().as_str(), good);
        }
        assert!(LegacyId::parse(&"1".repeat(64)).is_some());
        let (long, id) = ("1".repeat(65), "01920000-0000-7000-8000-000000000001");
        for bad in ["", " ", "4\n2", &long, id, &id.replace('-', "")] {
            assert_eq!(LegacyId::parse(bad), None, "{bad:?}");
        }
    }
}
