//! Trusted devices: a user with a second factor logs in on them by the first factor alone, until an end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Client, User};

/// How many devices a user trusts at most. With a further one, the oldest trust ends.
pub const MOST_TRUSTED: usize = 10;
/// The longest trust in a device that a site may set, in days.
pub const MOST_TRUSTED_DAYS: i64 = 90;

/// A device that a user trusts, as an entry of the user's second factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedDevice {
    /// Names the trust, and its device in the device token. It is new with each trust, so no earlier token has it. It
    /// opens nothing by itself: the token is signed.
    pub id: String,
    /// [`User::epoch`] at the second step. With a later one, the trust has ended.
    pub epoch: u64,
    /// The user agent of the last log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The IP address of the last log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// When the user trusted it.
    pub trusted_at: Timestamp,
    /// When the user last logged in on it.
    pub last_used_at: Timestamp,
    /// The end.
    pub ends_at: Timestamp,
}

impl TrustedDevice {
    /// A trust of that name in the device of a client, from now on.
    pub fn new(
        id: String,
        user: &User,
        client: &Client,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let Client { ip, user_agent, .. } = client.for_keeping();
        let (epoch, ends_at) = (user.epoch, after(now, lifetime));
        Self { id, epoch, user_agent, ip, trusted_at: now, last_used_at: now, ends_at }
    }

    /// The same trust after a log-in.
    #[must_use]
    pub fn used_by(self, client: &Client, now: Timestamp) -> Self {
        let Client { ip, user_agent, .. } = client.for_keeping();
        Self { ip, user_agent, last_used_at: now, ..self }
    }

    /// The same trust under the present setting: a shorter one ends it earlier, a longer one not later.
    #[must_use]
    pub fn within(self, lifetime: SignedDuration) -> Self {
        let ends_at = self.ends_at.min(after(self.trusted_at, lifetime));
        Self { ends_at, ..self }
    }

    /// Whether the trust has not ended.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.epoch == user.epoch && now < self.ends_at
    }
}

fn after(moment: Timestamp, lifetime: SignedDuration) -> Timestamp {
    moment.checked_add(lifetime).unwrap_or(moment)
}
