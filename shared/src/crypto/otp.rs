//! The digits of one-time codes. They are derived from a stored nonce by a key that is not stored beside it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::model::Purpose;
use crate::model::UserId;
use crate::model::otp::DIGITS;

/// The digits themselves, as mailed and as typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// The digits that `key` derives from a nonce.
    pub(super) fn of(key: &[u8; 32], purpose: Purpose, user: UserId, nonce: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        // 10^6 does not divide 2^64; the bias is below 10^-13.
        let tag = hmac::sign(&key, format!("{purpose}\n{user}\n{nonce}").as_bytes());
        let number =
            tag.as_ref()[..8].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self(format!("{:0DIGITS$}", number % 1_000_000))
    }

    /// Whether the user typed these digits. Takes the same time for any wrong digits.
    pub(super) fn are(&self, typed: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), typed.as_bytes()).is_ok()
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
