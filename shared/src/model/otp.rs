//! One-time codes.

use serde::{Deserialize, Serialize};

use super::UserId;

/// How many tries a code has.
pub const MAX_TRIES: u32 = 5;
/// How long a code lives, in seconds (OWASP ASVS 6.5.5: ten minutes at most).
pub const LIFETIME_SECONDS: i64 = 600;
/// How many digits a code has.
pub const DIGITS: usize = 6;

/// The stored part of a code. Only the holder of the key can derive the digits from the nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeCode {
    /// The user of the code.
    pub user_id: UserId,
    /// The digits are derived from it.
    pub nonce: String,
    /// How many were tried, the right one included.
    pub tries: u32,
    /// When it expires, in epoch seconds.
    pub expires_at: i64,
}
