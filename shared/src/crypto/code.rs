//! The digits of one-time codes, told from a stored nonce by a key that is not stored beside it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::Keys;
use crate::model::UserId;
use crate::model::code::{DIGITS, Purpose};

/// The digits themselves, as mailed and as typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// The digits that the holder of `keys` sees in a nonce, under the newest secret.
    pub fn of(keys: &Keys, purpose: Purpose, user: UserId, nonce: &str) -> Self {
        Self::under(&keys.codes[0][..], purpose, user, nonce)
    }

    fn under(key: &[u8], purpose: Purpose, user: UserId, nonce: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        // 10^6 does not divide 2^64; the bias is below 10^-13.
        let tag = hmac::sign(&key, format!("{purpose}\n{user}\n{nonce}").as_bytes());
        let number =
            tag.as_ref()[..8].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self(format!("{:0DIGITS$}", number % 1_000_000))
    }

    /// Whether `typed` are the digits of that nonce, under any of the secrets. Takes the same time
    /// for any wrong digits.
    pub fn match_typed(
        keys: &Keys,
        purpose: Purpose,
        user: UserId,
        nonce: &str,
        typed: &str,
    ) -> bool {
        let matches = |key: &zeroize::Zeroizing<[u8; 32]>| {
            let right = Self::under(&key[..], purpose, user, nonce);
            verify_slices_are_equal(right.0.as_bytes(), typed.as_bytes()).is_ok()
        };
        keys.codes.iter().fold(false, |any, key| matches(key) | any)
    }

    /// The digits to show.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    #[test]
    fn a_code_has_six_digits_and_belongs_to_one_user_and_one_nonce() {
        let keys = Keys::derive(&Secret::parse(&"a".repeat(32)).unwrap());
        let (ann, bob) = (uuid::Uuid::from_u128(1).into(), uuid::Uuid::from_u128(2).into());
        let digits = Digits::of(&keys, Purpose::Activation, ann, "nonce");
        assert_eq!(digits.expose().len(), 6);
        let is_right = |user, nonce| {
            Digits::match_typed(&keys, Purpose::Activation, user, nonce, digits.expose())
        };
        assert!(is_right(ann, "nonce"));
        assert!(!is_right(bob, "nonce"));
        assert!(!is_right(ann, "another"));
    }

    #[test]
    fn a_code_made_under_the_older_secret_is_still_right() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Keys::derive(&Secret::parse(&old).unwrap());
        let after = Keys::derive(&Secret::parse(&format!("{new},{old}")).unwrap());
        let ann = uuid::Uuid::from_u128(1).into();
        let digits = Digits::of(&before, Purpose::Activation, ann, "nonce");
        assert!(Digits::match_typed(&after, Purpose::Activation, ann, "nonce", digits.expose()));
    }
}
