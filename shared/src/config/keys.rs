//! The secret that all keys are derived from, and the makers of tokens, link tokens and codes.

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, Settings, problem};
use crate::crypto::{Issuer, Proofs, Secret, SecretError, Signing, Tokens};

/// A secret of Secrets Manager that is read in place of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretArn {
    setting: &'static str,
    /// The setting that names it.
    pub named_by: &'static str,
    /// Its ARN.
    pub arn: String,
}

impl Settings {
    /// The secret that all keys are derived from.
    pub fn secret(&self) -> Result<Secret, ConfigError> {
        Secret::parse(&self.text("AUTH_SECRET")?)
            .map_err(|error: SecretError| problem("AUTH_SECRET", error.to_string()))
    }

    /// The secret of Secrets Manager that is to be read, because no `AUTH_SECRET` was given.
    pub fn auth_secret_arn(&self) -> Option<SecretArn> {
        self.arn_of("AUTH_SECRET", "AUTH_SECRET_ARN")
    }

    /// The secret of Secrets Manager that is to be read, because tokens are signed by `RS256`, and no
    /// `JWT_PRIVATE_KEY` was given.
    pub fn private_key_arn(&self) -> Option<SecretArn> {
        let is_used = self.given("JWT_ALGORITHM").is_some_and(|algorithm| algorithm == "RS256");
        self.arn_of("JWT_PRIVATE_KEY", "JWT_PRIVATE_KEY_ARN").filter(|_| is_used)
    }

    fn arn_of(&self, setting: &'static str, named_by: &'static str) -> Option<SecretArn> {
        let is_given = self.given(setting).is_some();
        let arn = self.given(named_by).filter(|_| !is_given)?;
        Some(SecretArn { setting, named_by, arn })
    }

    /// These settings, with a secret that was read for one of them.
    #[must_use]
    pub fn with_secret(self, read: Option<(SecretArn, SecretString)>) -> Self {
        let Some((SecretArn { setting, .. }, secret)) = read else { return self };
        self.or(move |name| (name == setting).then(|| secret.expose_secret().to_owned()))
    }

    /// The issuer and the audience of tokens.
    pub fn issuer(&self) -> Result<Issuer, ConfigError> {
        Ok(Issuer { name: self.base_url()?.to_string(), audience: self.text("JWT_AUDIENCE")? })
    }

    /// The maker of the tokens of sessions.
    pub fn tokens(&self) -> Result<Tokens, ConfigError> {
        let tokens = Tokens::new(&self.secret()?, &self.signing()?, self.issuer()?);
        tokens.map_err(|error| problem("JWT_PRIVATE_KEY", error.to_string()))
    }

    /// The maker of link tokens and one-time codes.
    pub fn proofs(&self) -> Result<Proofs, ConfigError> {
        Ok(Proofs::new(&self.secret()?, self.issuer()?))
    }

    pub(super) fn signing(&self) -> Result<Signing, ConfigError> {
        match self.text("JWT_ALGORITHM")?.as_str() {
            "EdDSA" => Ok(Signing::EdDsa),
            "ES256" => Ok(Signing::Es256),
            "HS256" => Ok(Signing::Hs256),
            "RS256" => {
                let pem = self.given("JWT_PRIVATE_KEY").unwrap_or_default();
                Ok(Signing::Rs256(pem.into()))
            }
            _ => Err(problem("JWT_ALGORITHM", "must be EdDSA, ES256, RS256 or HS256")),
        }
    }
}
