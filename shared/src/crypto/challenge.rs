//! Three tokens: one between the two steps of a log-in, one for a user who must add a second factor before the log-in,
//! and one between the two steps of adding an authenticator app.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::jwt::{Claims, Issuer, TokenError, claims, read, sign};
use super::keys::KeyRing;
use crate::model::factor::{CHALLENGE_LIFETIME, ENROLMENT_LIFETIME, SETUP_LIFETIME};
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

/// The claims of the token of a first step whose user must have a second factor, and has none. With it, the user adds
/// one, and can do nothing else: no operation accepts it in place of a [`ChallengeClaims`] token, or the reverse. Its
/// `jti` is the id of the session that the factor opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnrolmentClaims(pub ChallengeClaims);

impl Claims for EnrolmentClaims {
    const TYP: &'static str = "enrolment+jwt";

    fn exp(&self) -> i64 {
        self.0.exp
    }

    fn nbf(&self) -> Option<i64> {
        self.0.nbf
    }
}

/// The first step of a log-in, as its token records it.
#[derive(Clone, Debug)]
pub struct FirstStep {
    /// The first factor.
    pub factor: Factor,
    /// The kind of session that the log-in opens.
    pub refresh_tokens: RefreshTokens,
    /// The name of the device, if the user has logged in on it before.
    pub device: Option<String>,
    /// The id of the token.
    pub jti: String,
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

/// Issues these kinds of tokens, and validates them.
#[derive(Clone)]
pub struct Challenges {
    keys: KeyRing,
    issuer: Issuer,
}

impl Challenges {
    pub(super) fn new(secret: &Secret, issuer: Issuer) -> Self {
        Self { keys: KeyRing::shared(secret, "challenge token"), issuer }
    }

    /// The token of a first step.
    pub fn challenge(&self, user: &User, step: FirstStep, now: Timestamp) -> String {
        sign(&self.keys, &self.claims(user, step, seconds_after(now, CHALLENGE_LIFETIME), now))
    }

    /// The token of a first step whose user must add a second factor.
    pub fn enrolment(&self, user: &User, step: FirstStep, now: Timestamp) -> String {
        let claims = self.claims(user, step, seconds_after(now, ENROLMENT_LIFETIME), now);
        sign(&self.keys, &EnrolmentClaims(claims))
    }

    fn claims(&self, user: &User, step: FirstStep, exp: i64, now: Timestamp) -> ChallengeClaims {
        let FirstStep { factor, refresh_tokens, device, jti } = step;
        ChallengeClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user.id,
            jti,
            iat: now.as_second(),
            exp,
            nbf: None,
            epoch: user.epoch,
            factor,
            refresh_tokens,
            device,
        }
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

    /// Validates, without the table, the token of a first step whose user must add a second factor.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read_enrolment(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<EnrolmentClaims, TokenError> {
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
