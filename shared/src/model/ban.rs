//! Bans: a user who may not log in, why, and until when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Why, for staff. The user does not see it. May be empty.
    pub reason: String,
    /// When it ends, in epoch seconds; `None` for one that only staff lift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<i64>,
    /// Since when.
    pub at: Timestamp,
    /// Whether the owner had deactivated the account before. Then the account stays so after the ban.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_inactive: bool,
}

impl Ban {
    /// Whether it has ended by itself.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now.as_second())
    }
}
