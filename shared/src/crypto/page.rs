//! The token of a page session: it is in a cookie of its own, and opens no API. The session says which pages it opens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::jwt::{Issuer, TokenError, claims, read, sign};
use super::keys::KeyRing;
use crate::model::{Session, SessionId, UserId};

/// The claims of a page token, for Latchkey alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageClaims {
    iss: String,
    aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

claims!(PageClaims, "page+jwt");

/// Issues page tokens, and validates them.
#[derive(Clone)]
pub struct PageTokens {
    keys: KeyRing,
    issuer: Issuer,
}

impl PageTokens {
    pub(super) fn new(secret: &Secret, issuer: Issuer) -> Self {
        Self { keys: KeyRing::shared(secret, "page token"), issuer }
    }

    /// The token of that session. It expires with the absolute end of the session.
    pub fn token(&self, session: &Session) -> String {
        let claims = PageClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: session.user_id,
            sid: session.id,
            iat: session.created_at.as_second(),
            exp: session.ends_at,
            nbf: None,
        };
        sign(&self.keys, &claims)
    }

    /// The token that each form of that session must have. Another site cannot know it, because it cannot read the
    /// cookie.
    pub fn form_token(token: &str) -> String {
        let text = format!("form of a page {token}");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// Validates a page token by itself, without the table.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<PageClaims, TokenError> {
        read(&self.keys, &self.issuer, token, now)
    }
}

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageTokens")
    }
}
