//! Proofs that a recipient read a mail: link tokens and one-time codes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Secret;
use super::blind::Blinds;
use super::challenge::Challenges;
use super::device::Devices;
use super::jwt::{Issuer, TokenError, claims, read, read_of_any_time, sign};
use super::keys::KeyRing;
use super::log_in::LogIns;
use super::otp::Digits;
use super::page::PageTokens;
use super::vault::Vault;
use crate::model::Purpose;
use crate::model::email::digest;
use crate::model::{Mail, MailId, UserId};

/// The claims of the token in a mailed link. Only Latchkey reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClaims {
    iss: String,
    aud: String,
    /// The user of the link.
    pub sub: UserId,
    /// Its own name: the mail's id.
    pub jti: MailId,
    iat: i64,
    /// When it expires, in epoch seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// The purpose of the link.
    pub purpose: Purpose,
    /// The digest of the address that the link was mailed to, and that it proves. Browsers and proxies keep links, so
    /// the address itself is not in the link.
    #[serde(rename = "email")]
    pub email_digest: String,
    /// The binding: [`User::binding`](crate::model::User::binding) at the time of the request.
    #[serde(rename = "mark")]
    pub binding: String,
}

claims!(LinkClaims, "link+jwt");

impl LinkClaims {
    /// Whether the token was mailed to the address of that key.
    pub fn proves(&self, email_key: &str) -> bool {
        self.email_digest == digest(email_key)
    }
}

/// Makes link tokens and one-time codes, and validates them. The table stores neither: both are derived when they are
/// mailed, and again when a client sends them.
#[derive(Clone)]
pub struct Proofs {
    links: KeyRing,
    codes: Vec<Zeroizing<[u8; 32]>>,
    devices: Devices,
    blinds: Blinds,
    pages: PageTokens,
    challenges: Challenges,
    log_ins: LogIns,
    vault: Vault,
    issuer: Issuer,
}

impl Proofs {
    /// Proofs of `issuer`, under keys derived from `secret`.
    pub fn new(secret: &Secret, issuer: Issuer) -> Self {
        let links = KeyRing::shared(secret, "link token");
        let (devices, blinds) = (Devices::new(secret, issuer.clone()), Blinds::new(secret));
        let pages = PageTokens::new(secret, issuer.clone());
        let challenges = Challenges::new(secret, issuer.clone());
        let log_ins = LogIns::new(secret, &issuer);
        let (codes, vault) = (secret.derive("one-time code"), Vault::new(secret, "app secret"));
        Self { links, codes, devices, blinds, pages, challenges, log_ins, vault, issuer }
    }

    /// Makes and validates device tokens.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Makes and validates the tokens of page sessions.
    pub fn pages(&self) -> &PageTokens {
        &self.pages
    }

    /// Makes and validates the tokens between the two steps of a log-in.
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Makes and validates the tokens of requests to log in by mail.
    pub fn log_ins(&self) -> &LogIns {
        &self.log_ins
    }

    /// Encrypts the secrets of authenticator apps.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What blinds the keys of items.
    pub fn blinds(&self) -> &Blinds {
        &self.blinds
    }

    /// The token of the link in that mail. The same each time.
    pub fn link(&self, mail: &Mail, purpose: Purpose) -> String {
        let claims = LinkClaims {
            iss: self.issuer.name.clone(),
            aud: self.issuer.audience.clone(),
            sub: mail.user_id,
            jti: mail.id,
            iat: mail.created_at.as_second(),
            exp: mail.stale_at,
            nbf: None,
            purpose,
            email_digest: digest(&mail.to_key),
            binding: mail.binding.clone(),
        };
        sign(&self.links, &claims)
    }

    /// Validates a link token by itself, without the table.
    ///
    /// # Errors
    /// When it is not valid, or for another purpose.
    pub fn read_link(
        &self,
        token: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<LinkClaims, TokenError> {
        let claims = self.read(token, now)?;
        if claims.purpose == purpose { Ok(claims) } else { Err(TokenError::Invalid) }
    }

    /// The purpose of a valid link token.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn purpose(&self, token: &str, now: Timestamp) -> Result<Purpose, TokenError> {
        self.read(token, now).map(|claims| claims.purpose)
    }

    /// The claims of a genuine link token, even if it has expired. An expired token proves nothing, but it still
    /// shows who the mail went to.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] for a token that Latchkey did not make, or that was altered.
    pub fn read_link_of_any_time(&self, token: &str) -> Result<LinkClaims, TokenError> {
        read_of_any_time(&self.links, &self.issuer, token)
    }

    fn read(&self, token: &str, now: Timestamp) -> Result<LinkClaims, TokenError> {
        read(&self.links, &self.issuer, token, now)
    }

    /// The digits of a code, under the newest secret.
    pub fn code(&self, purpose: Purpose, user: UserId, nonce: &str) -> Digits {
        Digits::of(&self.codes[0], purpose, user, nonce)
    }

    /// Whether `typed` are the digits of that code, under any of the secrets. Takes the same time for
    /// any wrong digits.
    pub fn is_code(&self, purpose: Purpose, user: UserId, nonce: &str, typed: &str) -> bool {
        let matches = |key| Digits::of(key, purpose, user, nonce).are(typed);
        self.codes.iter().fold(false, |any, key| matches(key) | any)
    }
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proofs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs(secrets: &str) -> Proofs {
        let issuer = Issuer { name: "https://a.example".into(), audience: "latchkey".into() };
        Proofs::new(&Secret::parse(secrets).unwrap(), issuer)
    }

    #[test]
    fn a_code_has_six_digits_and_belongs_to_one_user_and_one_nonce() {
        let proofs = proofs(&"a".repeat(32));
        let (ann, bob) = (uuid::Uuid::from_u128(1).into(), uuid::Uuid::from_u128(2).into());
        let digits = proofs.code(Purpose::Activation, ann, "nonce");
        assert_eq!(digits.expose().len(), 6);
        let is_code =
            |user, nonce| proofs.is_code(Purpose::Activation, user, nonce, digits.expose());
        assert!(is_code(ann, "nonce"));
        assert!(!is_code(bob, "nonce"));
        assert!(!is_code(ann, "another"));
    }

    #[test]
    fn a_code_made_under_the_older_secret_is_still_right() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let ann = uuid::Uuid::from_u128(1).into();
        let digits = proofs(&old).code(Purpose::Activation, ann, "nonce");
        let after = proofs(&format!("{new},{old}"));
        assert!(after.is_code(Purpose::Activation, ann, "nonce", digits.expose()));
        assert!(!proofs(&new).is_code(Purpose::Activation, ann, "nonce", digits.expose()));
    }
}
