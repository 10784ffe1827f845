//! The device token: it names a device that a user has logged in on before.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Secret;
use super::jwt::{Issuer, TokenError, claims, read, sign};
use super::keys::KeyRing;
use crate::model::session::seconds_after;
use crate::model::{User, UserId};

/// The claims of a device token, for Latchkey alone. The token does not replace the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceClaims {
    iss: String,
    aud: String,
    /// The user who has logged in on the device.
    pub sub: UserId,
    /// The name of the device. It stays the same from log-in to log-in.
    pub jti: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// [`User::epoch`] at the log-in. With a later one, the token is not valid any more.
    pub epoch: u64,
}

claims!(DeviceClaims, "device+jwt");

/// Issues device tokens, and validates them.
#[derive(Clone)]
pub struct Devices {
    keys: KeyRing,
    issuer: Issuer,
}

impl Devices {
    /// How long a device token is valid after its log-in.
    pub const LIFETIME: SignedDuration = SignedDuration::from_hours(180 * 24);

    pub(super) fn new(secret: &Secret, issuer: Issuer) -> Self {
        Self { keys: KeyRing::shared(secret, "device mark"), issuer }
    }

    /// The token of the device of that name.
    pub fn token(&self, user: &User, name: String, now: Timestamp) -> String {
        let claims = DeviceClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user.id,
            jti: name,
            iat: now.as_second(),
            exp: seconds_after(now, Self::LIFETIME),
            nbf: None,
            epoch: user.epoch,
        };
        sign(&self.keys, &claims)
    }

    /// Validates a device token by itself, without the table.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<DeviceClaims, TokenError> {
        read(&self.keys, &self.issuer, token, now)
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Devices")
    }
}
