//! The token of a request to log in by mail.

use jiff::Timestamp;

use super::Secret;
use super::jwt::{Issuer, TokenError};
use super::vault::Vault;
use crate::model::LogInRequest;
use crate::random::Random;

/// Issues the tokens, and validates them. A token is encrypted, and not only signed, because it must not reveal to its
/// client whether the address has an account. The separate key and the issuer distinguish these tokens from all other
/// encrypted texts.
#[derive(Clone)]
pub struct LogIns {
    vault: Vault,
    issuer: String,
}

impl LogIns {
    pub(super) fn new(secret: &Secret, issuer: &Issuer) -> Self {
        let issuer = format!("{} {}", issuer.name, issuer.audience);
        Self { vault: Vault::new(secret, "log-in request"), issuer }
    }

    /// The token of a request. Each call returns another text. All tokens have the same length.
    #[expect(clippy::expect_used, reason = "a request has a form in JSON")]
    pub fn token(&self, request: &LogInRequest, random: &Random) -> String {
        let bytes = serde_json::to_vec(request).expect("a request has a form in JSON");
        self.vault.lock(&self.issuer, &bytes, random)
    }

    /// Validates a token, without the table.
    ///
    /// # Errors
    /// When it is not valid, or has expired.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<LogInRequest, TokenError> {
        let bytes = self.vault.open(&self.issuer, token).ok_or(TokenError::Invalid)?;
        let request: LogInRequest =
            serde_json::from_slice(&bytes.bytes).map_err(|_| TokenError::Invalid)?;
        if now.as_second() < request.expires_at { Ok(request) } else { Err(TokenError::Expired) }
    }
}

impl std::fmt::Debug for LogIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogIns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefreshTokens;

    fn log_ins(site: &str) -> LogIns {
        let issuer = Issuer { name: site.to_owned(), audience: "latchkey".to_owned() };
        LogIns::new(&Secret::parse(&"a".repeat(32)).unwrap(), &issuer)
    }

    #[test]
    fn a_token_is_good_on_its_site_until_it_expires_and_shows_nothing() {
        let (a, random) = (log_ins("https://a.example"), Random::seeded(1));
        let request = LogInRequest {
            id: "the-request".to_owned(),
            user_id: uuid::Uuid::from_u128(1).into(),
            binding: "binding".to_owned(),
            email_digest: "digest".to_owned(),
            email: None,
            refresh_tokens: RefreshTokens::Rotate,
            expires_at: 600,
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let (token, again) = (a.token(&request, &random), a.token(&request, &random));
        assert_ne!(token, again, "two requests do not show that they are for the same user");
        assert_eq!(token.len(), again.len());
        assert_eq!(a.read(&token, at(599)), Ok(request));
        assert_eq!(a.read(&token, at(600)), Err(TokenError::Expired));
        let b = log_ins("https://b.example");
        assert_eq!(b.read(&token, at(0)), Err(TokenError::Invalid), "another site, same secret");
        assert_eq!(a.read(&token[1..], at(0)), Err(TokenError::Invalid));
    }
}
