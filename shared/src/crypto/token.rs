//! Access and refresh tokens.

use std::ops::Not;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::jwt::{Issuer, TokenError, claims, in_time, read, sign};
use super::keys::{KeyRing, Signing};
use super::verified::VerifiedTokens;
use super::{Seal, Secret, SecretError};
use crate::model::session::seconds_after;
use crate::model::{EventId, RefreshTokens, Revocations, Session, SessionId, User, UserId};
use crate::policy::Policy;

/// The claims of an access token (RFC 9068), for every service that verifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer: the site's base URL.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The user of the token.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its own name.
    pub jti: String,
    /// When it was issued, in epoch seconds.
    pub iat: i64,
    /// When it expires, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// When the user logged in, in epoch seconds.
    #[serde(rename = "origIat")]
    pub orig_iat: i64,
    /// When the user last proved a factor in the session, in epoch seconds. Tokens of earlier releases lack this claim
    /// and the two that follow.
    #[serde(default)]
    pub auth_time: i64,
    /// How the user has proven who it is (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// The authentication assurance level of NIST SP 800-63B: `aal2` with a second factor, or `aal1`.
    #[serde(default)]
    pub acr: String,
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: String,
    /// Whether the user has proven the address. Tokens of earlier releases lack this claim.
    #[serde(default)]
    pub email_verified: bool,
    /// The primary key in the system that the user was imported from, if `LEGACY_ID_CLAIM` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_id: Option<String>,
    /// The claims that Hasura reads.
    #[serde(rename = "https://hasura.io/jwt/claims")]
    pub hasura: HasuraClaims,
}

/// Hasura's claims: strings, and one list of strings. Users can write none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HasuraClaims {
    /// The subject; or the legacy id of an imported user, if `LEGACY_ID_CLAIM` is on.
    #[serde(rename = "x-hasura-user-id")]
    pub user_id: String,
    /// The role of a request that names none.
    #[serde(rename = "x-hasura-default-role")]
    pub default_role: String,
    /// The roles that a request may ask for.
    #[serde(rename = "x-hasura-allowed-roles")]
    pub allowed_roles: Vec<String>,
}

/// The claims of a refresh token. Only Latchkey reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshClaims {
    iss: String,
    aud: String,
    /// The user of the token.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its own name.
    pub jti: String,
    /// When it was issued, in epoch seconds.
    pub iat: i64,
    /// When it expires, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// Which of the session's refresh tokens it is.
    pub generation: u64,
    /// Whether it is replaced when it is used.
    #[serde(default)]
    pub refresh_tokens: RefreshTokens,
    /// The user's role at the time of issue.
    pub role: String,
    /// Whether the user had not proven the address at the time of issue.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub is_unproven: bool,
    /// Whether the user had proven a second factor in the session at the time of issue.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub has_second_factor: bool,
    /// When the session ends however often it is refreshed, in epoch seconds.
    pub ends_at: i64,
}

/// The claims of the list of ended sessions, for every service that verifies access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevocationClaims {
    iss: String,
    aud: String,
    /// When it was made, in epoch seconds.
    pub iat: i64,
    /// When it is too old to be used, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// The sessions that have ended.
    pub sessions: Vec<SessionId>,
    /// The users of whom all earlier sessions have ended.
    pub users: Vec<RevokedUser>,
    /// Whether older ends are missing.
    pub truncated: bool,
}

/// A user of whom all earlier sessions have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevokedUser {
    /// The user.
    pub sub: UserId,
    /// Sessions with a lower id have ended.
    pub before: EventId,
    /// The session that has not ended, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<SessionId>,
}

/// How long a service may use a list of ended sessions, in seconds.
const REVOCATIONS_LIFETIME: i64 = 60;

/// Hasura's role of a user who may not log in before the address is proven.
const UNVERIFIED: &str = "unverified";

claims!(AccessClaims, "at+jwt");
claims!(RefreshClaims, "rt+jwt");
claims!(RevocationClaims, "revocations+jwt");

/// Makes the tokens of sessions, and validates them.
#[derive(Clone)]
pub struct Tokens {
    access: KeyRing,
    refresh: KeyRing,
    cursor_seal: Seal,
    issuer: Issuer,
    pub(super) verified: Arc<VerifiedTokens>,
}

impl Tokens {
    /// Tokens of `issuer`, under keys derived from `secret`; access tokens signed as `signing` says.
    ///
    /// # Errors
    /// When the keys that `signing` brings cannot be used.
    pub fn new(secret: &Secret, signing: &Signing, issuer: Issuer) -> Result<Self, SecretError> {
        let access = KeyRing::for_access(secret, signing)?;
        let refresh = KeyRing::shared(secret, "refresh token");
        let cursor_seal = Seal::new(secret, "cursor");
        Ok(Self { access, refresh, cursor_seal, issuer, verified: Arc::default() })
    }

    /// Seals the places in lists.
    pub fn cursor_seal(&self) -> &Seal {
        &self.cursor_seal
    }

    /// The public keys of all present secrets as a JSON Web Key Set (RFC 7517), nothing private.
    pub fn public_keys(&self) -> serde_json::Value {
        self.access.public_keys()
    }

    /// The claims of the access token of that session. They stay the same until the session is rotated.
    pub fn access_claims(&self, user: &User, session: &Session, policy: &Policy) -> AccessClaims {
        let end = seconds_after(session.rotated_at, policy.access_token_lifetime);
        let (default_role, allowed_roles) = if policy.may_log_in(user) {
            (user.role.name(), user.role.allowed())
        } else {
            (UNVERIFIED, &[UNVERIFIED][..])
        };
        let legacy_id = user.legacy_id.clone().filter(|_| policy.claims_legacy_ids);
        AccessClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: user.id,
            sid: session.id,
            jti: session.access_jti(),
            iat: session.rotated_at.as_second(),
            exp: end.min(session.expires_at),
            nbf: None,
            orig_iat: session.created_at.as_second(),
            auth_time: session.proven_at().as_second(),
            amr: session.amr().into_iter().map(str::to_owned).collect(),
            acr: session.acr().to_owned(),
            username: user.username.clone(),
            role: user.role.name().to_owned(),
            email_verified: user.is_verified,
            legacy_id: legacy_id.clone(),
            hasura: HasuraClaims {
                user_id: legacy_id.clone().unwrap_or_else(|| user.id.to_string()),
                default_role: default_role.to_owned(),
                allowed_roles: allowed_roles.iter().map(ToString::to_string).collect(),
            },
        }
    }

    /// Signs an access token.
    pub fn access(&self, claims: &AccessClaims) -> String {
        sign(&self.access, claims)
    }

    /// Signs the list of ended sessions with the key of access tokens.
    pub fn revocations(&self, revocations: Revocations, now: Timestamp) -> String {
        let Revocations { ends, is_truncated } = revocations;
        let sessions = ends.iter().filter_map(|end| end.ended).collect();
        let all = ends.iter().filter(|end| end.ended.is_none());
        let all = all.map(|end| RevokedUser { sub: end.user_id, before: end.id, except: end.kept });
        let claims = RevocationClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(REVOCATIONS_LIFETIME),
            nbf: None,
            sessions,
            users: all.collect(),
            truncated: is_truncated,
        };
        sign(&self.access, &claims)
    }

    /// The present refresh token of that session.
    pub fn refresh(&self, user: &User, session: &Session) -> String {
        let claims = RefreshClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: session.user_id,
            sid: session.id,
            jti: session.refresh_jti(),
            iat: session.refresh_given_at().as_second(),
            exp: session.expires_at,
            nbf: None,
            generation: session.refresh_generation(),
            refresh_tokens: session.refresh_tokens,
            role: user.role.name().to_owned(),
            is_unproven: !user.is_verified,
            has_second_factor: session.second_factor_at.is_some(),
            ends_at: session.ends_at,
        };
        sign(&self.refresh, &claims)
    }

    /// Validates an access token by itself: signature, kind, issuer, audience, time. The signature of a token that is
    /// sent again is not verified again.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn read_access(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        let Some(claims) = self.verified.find(token) else {
            let claims: AccessClaims = read(&self.access, &self.issuer, token, now)?;
            self.verified.keep(token, &claims);
            return Ok(claims);
        };
        if claims.iss != self.issuer.name || claims.aud != self.issuer.audience {
            return Err(TokenError::Invalid);
        }
        in_time(claims, now.as_second()).inspect_err(|_| self.verified.forget(token))
    }

    /// Validates a refresh token by itself.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn read_refresh(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, TokenError> {
        read(&self.refresh, &self.issuer, token, now)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}
