//! The token between the two steps of a log-in, and the token between the two steps of adding an authenticator app.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::jwt::{Issuer, TokenError, claims, read, sign};
use super::keys::KeyRing;
use crate::model::factor::{CHALLENGE_LIFETIME, SETUP_LIFETIME};
use crate::model::session::seconds_after;
use crate::model::{Factor, RefreshTokens, SessionId, User, UserId};

/// The claims of the token that the first step of a log-in returns. The token alone opens no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeClaims {
    iss: String,
    aud: String,
    /// The user who has proven the first factor.
    pub sub: UserId,
    /// The id of the token. The second step stores it as used.
    pub jti: String,
    iat: i64,
    /// When it expires, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// [`User::epoch`] at the first step. The end of all sessions, as by a new password, invalidates the token.
    pub epoch: u64,
    /// The first factor.
    pub factor: Factor,
    /// The kind of session that the second step opens.
    pub refresh_tokens: RefreshTokens,
    /// The name of the device, if the user has logged in on it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// The claims of the token that contains the secret of a new authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupClaims {
    iss: String,
    aud: String,
    /// The user.
    pub sub: UserId,
    /// The session in which the user began to add the app.
    pub sid: SessionId,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// The secret of the app, encrypted.
    pub secret: String,
}

claims!(ChallengeClaims, "challenge+jwt");
claims!(SetupClaims, "app-setup+jwt");

/// Issues both kinds of tokens, and validates them.
#[derive(Clone)]
pub struct Challenges {
    keys: KeyRing,
    issuer: Issuer,
}

impl Challenges {
    pub(super) fn new(secret: &Secret, issuer: Issuer) -> Self {
        Self { keys: KeyRing::shared(secret, "challenge token"), issuer }
    }

    /// Issues the token of a first step, with the id `jti`.
    pub fn challenge(
        &self,
        user: &User,
        factor: Factor,
        refresh_tokens: RefreshTokens,
        device: Option<String>,
        jti: String,
        now: Timestamp,
    ) -> String {
        let claims = ChallengeClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user.id,
            jti,
            iat: now.as_second(),
            exp: seconds_after(now, CHALLENGE_LIFETIME),
            nbf: None,
            epoch: user.epoch,
            factor,
            refresh_tokens,
            device,
        };
        sign(&self.keys, &claims)
    }

    /// Validates the token of a first step, without the table.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read_challenge(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<ChallengeClaims, TokenError> {
        read(&self.keys, &self.issuer, token, now)
    }

    /// Issues the token of a new app. `secret` is encrypted.
    pub fn setup(
        &self,
        user: UserId,
        session: SessionId,
        secret: String,
        now: Timestamp,
    ) -> String {
        let claims = SetupClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user,
            sid: session,
            iat: now.as_second(),
            exp: seconds_after(now, SETUP_LIFETIME),
            nbf: None,
            secret,
        };
        sign(&self.keys, &claims)
    }

    /// Validates the token of a new app, without the table.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read_setup(&self, token: &str, now: Timestamp) -> Result<SetupClaims, TokenError> {
        read(&self.keys, &self.issuer, token, now)
    }
}

impl std::fmt::Debug for Challenges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenges")
    }
}
