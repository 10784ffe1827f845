//! The mark of a device that a user has logged in on before.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Secret;
use super::jwt::{Issuer, TokenError, claims, read, sign};
use super::keys::KeyRing;
use crate::model::session::seconds_after;
use crate::model::{User, UserId};

/// How long a mark is good for without a log-in.
const LIFETIME: SignedDuration = SignedDuration::from_hours(180 * 24);

/// What a mark says, to us alone. It opens nothing: the password is asked for all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceClaims {
    iss: String,
    aud: String,
    /// Who has logged in on the device.
    pub sub: UserId,
    /// Names the device. It stays the same from log-in to log-in.
    pub jti: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// [`User::epoch`] at the log-in. With a later one, the mark is of no use.
    pub epoch: u64,
}

claims!(DeviceClaims, "device+jwt");

/// Issues the marks of devices, and validates them.
#[derive(Clone)]
pub struct Devices {
    keys: KeyRing,
    issuer: Issuer,
}

impl Devices {
    pub(super) fn new(secret: &Secret, issuer: Issuer) -> Self {
        Self { keys: KeyRing::shared(secret, "device mark"), issuer }
    }

    /// The mark of a device of that name.
    pub fn mark(&self, user: &User, name: String, now: Timestamp) -> String {
        let claims = DeviceClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user.id,
            jti: name,
            iat: now.as_second(),
            exp: seconds_after(now, LIFETIME),
            nbf: None,
            epoch: user.epoch,
        };
        sign(&self.keys, &claims)
    }

    /// Validates a mark by itself.
    ///
    /// # Errors
    /// When it is of no use.
    pub fn read(&self, mark: &str, now: Timestamp) -> Result<DeviceClaims, TokenError> {
        read(&self.keys, &self.issuer, mark, now)
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Devices")
    }
}
