//! Signed tokens (JWT): access, refresh and link tokens, each kind with keys of its own.
//!
//! The checks are those of RFC 8725: the algorithm is ours to choose, not the token's; the kind is
//! told by `typ` and by the key; issuer, audience and time are always there and always looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use super::{Keys, Secret};
use crate::model::code::Purpose;
use crate::model::session::seconds_after;
use crate::model::{Mail, MailId, Session, SessionId, User, UserId};
use crate::policy::Policy;

/// How much later than ours another machine's clock may be, in seconds.
const SKEW_SECONDS: i64 = 60;

/// Why a token is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not ours, not of this kind, altered, or not yet good.
    #[error("not a token of this kind")]
    Invalid,
    /// Ours, but its time is over.
    #[error("expired")]
    Expired,
}

/// What an access token says (RFC 9068), to whoever verifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who gave it out: the site's base URL.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its own name.
    pub jti: String,
    /// When it was given out, in epoch seconds.
    pub iat: i64,
    /// When it is over, in epoch seconds.
    pub exp: i64,
    /// Never set by us; honoured all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When the user logged in, in epoch seconds.
    #[serde(rename = "origIat")]
    pub orig_iat: i64,
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: String,
    /// What Hasura goes by.
    #[serde(rename = "https://hasura.io/jwt/claims")]
    pub hasura: HasuraClaims,
}

/// Hasura's claims: all values are strings, and none of them is one that a user can write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HasuraClaims {
    /// The subject.
    #[serde(rename = "x-hasura-user-id")]
    pub user_id: String,
    /// The role of a request that asks for none.
    #[serde(rename = "x-hasura-default-role")]
    pub default_role: String,
    /// The roles that a request may ask for.
    #[serde(rename = "x-hasura-allowed-roles")]
    pub allowed_roles: Vec<String>,
}

/// What a refresh token says, to us alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshClaims {
    iss: String,
    aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its own name.
    pub jti: String,
    iat: i64,
    /// When it is over, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// Which of the session's refresh tokens it is.
    pub generation: u64,
    /// The role that the user had when it was given out.
    pub role: String,
    /// When the session ends however often it is refreshed, in epoch seconds.
    pub ends_at: i64,
}

/// What the token in a mailed link says, to us alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClaims {
    iss: String,
    aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// Its own name: the mail's id.
    pub jti: MailId,
    iat: i64,
    /// When it is over, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// What it may be used for.
    pub purpose: Purpose,
    /// The digest of the address that it was mailed to, and proves.
    email: String,
}

impl LinkClaims {
    /// Whether the token was mailed to the address of that key.
    pub fn proves(&self, email_key: &str) -> bool {
        self.email == email_digest(email_key)
    }
}

/// Claims that a kind of token has.
trait Claims: Serialize + DeserializeOwned {
    /// The kind, as the header's `typ` (RFC 8725, 3.11).
    const TYP: &'static str;
    fn exp(&self) -> i64;
    fn nbf(&self) -> Option<i64>;
}

macro_rules! claims {
    ($claims:ty, $typ:literal) => {
        impl Claims for $claims {
            const TYP: &'static str = $typ;
            fn exp(&self) -> i64 {
                self.exp
            }
            fn nbf(&self) -> Option<i64> {
                self.nbf
            }
        }
    };
}

claims!(AccessClaims, "at+jwt");
claims!(RefreshClaims, "rt+jwt");
claims!(LinkClaims, "link+jwt");

/// Gives out tokens and judges them.
#[derive(Clone, Debug)]
pub struct Tokens {
    keys: Keys,
    issuer: String,
    audience: String,
}

impl Tokens {
    /// Tokens of `issuer` for `audience`, under keys derived from `secret`.
    pub fn new(secret: &Secret, issuer: &str, audience: &str) -> Self {
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        Self { keys: Keys::derive(secret), issuer, audience }
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What the access token of that session says. The same, as long as the session is not rotated.
    pub fn access_claims(&self, user: &User, session: &Session, policy: &Policy) -> AccessClaims {
        let lifetime = seconds_after(session.rotated_at, policy.access_token_lifetime);
        AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.id,
            sid: session.id,
            jti: session.access_jti(),
            iat: session.rotated_at.as_second(),
            exp: lifetime.min(session.expires_at),
            nbf: None,
            orig_iat: session.created_at.as_second(),
            username: user.username.clone(),
            role: user.role.name().to_owned(),
            hasura: HasuraClaims {
                user_id: user.id.to_string(),
                default_role: user.role.name().to_owned(),
                allowed_roles: user.role.allowed().iter().map(ToString::to_string).collect(),
            },
        }
    }

    /// Signs an access token.
    pub fn access(&self, claims: &AccessClaims) -> String {
        sign(&self.keys.access, claims)
    }

    /// The present refresh token of that session.
    pub fn refresh(&self, user: &User, session: &Session) -> String {
        let claims = RefreshClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: session.user_id,
            sid: session.id,
            jti: session.refresh_jti(),
            iat: session.rotated_at.as_second(),
            exp: session.expires_at,
            nbf: None,
            generation: session.generation,
            role: user.role.name().to_owned(),
            ends_at: session.ends_at,
        };
        sign(&self.keys.refresh, &claims)
    }

    /// The token of the link in that mail. The same each time.
    pub fn link(&self, mail: &Mail, purpose: Purpose) -> String {
        let claims = LinkClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: mail.user_id,
            jti: mail.id,
            iat: mail.created_at.as_second(),
            exp: mail.stale_at,
            nbf: None,
            purpose,
            email: email_digest(&mail.to_key),
        };
        sign(&self.keys.link, &claims)
    }

    /// Judges an access token by itself: signature, kind, issuer, audience, time.
    ///
    /// # Errors
    /// When it is of no use.
    pub fn read_access(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        self.read(&self.keys.access, token, now)
    }

    /// Judges a refresh token by itself.
    ///
    /// # Errors
    /// When it is of no use.
    pub fn read_refresh(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, TokenError> {
        self.read(&self.keys.refresh, token, now)
    }

    /// Judges a link token by itself.
    ///
    /// # Errors
    /// When it is of no use, or for another purpose.
    pub fn read_link(
        &self,
        token: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<LinkClaims, TokenError> {
        let claims: LinkClaims = self.read(&self.keys.link, token, now)?;
        if claims.purpose == purpose { Ok(claims) } else { Err(TokenError::Invalid) }
    }

    fn read<C: Claims>(
        &self,
        ring: &KeyRing,
        token: &str,
        now: Timestamp,
    ) -> Result<C, TokenError> {
        let invalid = |_| TokenError::Invalid;
        let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
        let key = header.kid.as_deref().and_then(|id| ring.find(id)).ok_or(TokenError::Invalid)?;
        if header.typ.as_deref() != Some(C::TYP) {
            return Err(TokenError::Invalid);
        }
        let mut validation = Validation::new(ring.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is looked at below, by our own clock.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<C>(token, &key.verifies, &validation).map_err(invalid)?;
        in_time(claims.claims, now.as_second())
    }
}

/// Links end up in histories and proxies' logs: they name the address by its digest only.
fn email_digest(email_key: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, email_key.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

fn in_time<C: Claims>(claims: C, now: i64) -> Result<C, TokenError> {
    if claims.nbf().is_some_and(|nbf| now + SKEW_SECONDS < nbf) {
        Err(TokenError::Invalid)
    } else if now >= claims.exp() {
        Err(TokenError::Expired)
    } else {
        Ok(claims)
    }
}

#[expect(clippy::expect_used, reason = "our own claims under our own keys can be signed")]
fn sign<C: Claims>(ring: &KeyRing, claims: &C) -> String {
    let key = ring.newest();
    let header = Header {
        typ: Some(C::TYP.to_owned()),
        kid: Some(key.id.clone()),
        ..Header::new(ring.algorithm)
    };
    jsonwebtoken::encode(&header, claims, &key.signs).expect("claims can be signed")
}
