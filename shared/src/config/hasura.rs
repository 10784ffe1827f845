//! Settings for a Hasura in front of Latchkey.

use serde_json::{Value, json};

use super::{ConfigError, Settings, problem};
use crate::crypto::{SharedSecret, Signing};
use crate::model::RefreshTokens;

/// Hasura 2.48.4 refuses a right token with `NoUsableKeys`, for instance; 2.48.3 accepts it.
const EDDSA_AND_HASURA: &str = "some versions of Hasura 2 refuse tokens that are signed with EdDSA (`NoUsableKeys`): \
                                set JWT_ALGORITHM=ES256";

/// The minimum length of the secret that Hasura sends.
const MIN_SECRET_BYTES: usize = 16;

impl Settings {
    /// Whether refresh tokens are replaced in sessions that Hasura's clients open.
    pub fn hasura_refresh_tokens(&self) -> Result<RefreshTokens, ConfigError> {
        let rotates = self.flag("HASURA_ROTATE_REFRESH")?;
        Ok(if rotates { RefreshTokens::Rotate } else { RefreshTokens::Stay })
    }

    /// The secret that Hasura must send when it calls an action.
    ///
    /// An empty setting is an error: otherwise a variable without its value would let every caller in. A secret that
    /// can be guessed, or that does not fit into a header, is an error, too.
    pub fn hasura_action_secret(&self) -> Result<Option<SharedSecret>, ConfigError> {
        const NAME: &str = "HASURA_ACTION_SECRET";
        if self.is_empty(NAME) {
            return Err(problem(
                NAME,
                "is set and empty: give it 16 bytes or more, or leave it out",
            ));
        }
        let Some(secret) = self.given(NAME) else { return Ok(None) };
        if secret.len() < MIN_SECRET_BYTES || !secret.chars().all(|c| (' '..='~').contains(&c)) {
            return Err(problem(NAME, "must have 16 bytes or more, all of them printable ASCII"));
        }
        Ok(Some(SharedSecret::new(secret)))
    }

    /// A warning if a Hasura has to verify tokens that some versions of it refuse. No setting is invalid: other versions
    /// accept such tokens.
    pub fn hasura_token_warning(&self) -> Result<Option<&'static str>, ConfigError> {
        let is_refused = matches!(self.signing()?, Signing::EdDsa);
        Ok(is_refused.then_some(EDDSA_AND_HASURA))
    }

    /// Logs [`Settings::hasura_token_warning`] once, at the start, if a setting shows that there is a Hasura.
    pub fn warn_of_hasura(&self) -> Result<(), ConfigError> {
        let has_secret = self.hasura_action_secret()?.is_some();
        if (has_secret || self.flag("HASURA_ROTATE_REFRESH")?)
            && let Some(warning) = self.hasura_token_warning()?
        {
            tracing::warn!(setting = "JWT_ALGORITHM", "{warning}");
        }
        Ok(())
    }

    /// The JSON for Hasura's `HASURA_GRAPHQL_JWT_SECRET`: where the public keys are; or, under `HS256`, the key
    /// itself. Then anyone who has that JSON can make tokens.
    pub fn hasura_jwt_secret(&self) -> Result<Value, ConfigError> {
        let issuer = self.issuer()?;
        let mut secret = match self.signing()? {
            Signing::Hs256 => {
                json!({ "type": "HS256", "key": *self.secret()?.shared_access_key() })
            }
            Signing::EdDsa | Signing::Es256 | Signing::Rs256(_) => {
                json!({ "jwk_url": format!("{}/.well-known/jwks.json", issuer.name) })
            }
        };
        secret["issuer"] = issuer.name.into();
        secret["audience"] = issuer.audience.into();
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_secret_that_is_empty_or_short_is_refused_and_does_not_open_the_door() {
        let of = |value: Option<&'static str>| {
            Settings::new(move |_| value.map(str::to_owned)).hasura_action_secret()
        };
        assert!(of(None).unwrap().is_none());
        assert!(of(Some("sixteen bytes !!")).unwrap().is_some());
        for (value, line) in [
            ("", "is set and empty: give it 16 bytes or more, or leave it out"),
            ("  ", "is set and empty: give it 16 bytes or more, or leave it out"),
            ("fifteen bytes !", "must have 16 bytes or more, all of them printable ASCII"),
            ("geheimnisvöll ist es", "must have 16 bytes or more, all of them printable ASCII"),
        ] {
            let error = of(Some(value)).unwrap_err().to_string();
            assert_eq!(error, format!("HASURA_ACTION_SECRET {line}"));
        }
        let behind_defaults = Settings::new(|_| Some(String::new())).or(|_| None);
        assert!(behind_defaults.hasura_action_secret().is_err());
    }

    #[test]
    fn a_hasura_that_may_refuse_the_tokens_is_warned_of() {
        for (algorithm, is_warned) in [(None, true), (Some("EdDSA"), true), (Some("ES256"), false)]
        {
            let settings = Settings::new(move |name| {
                algorithm.filter(|_| name == "JWT_ALGORITHM").map(str::to_owned)
            });
            let warning = settings.hasura_token_warning().unwrap();
            assert_eq!(warning.is_some(), is_warned, "{algorithm:?}");
            assert!(warning.is_none_or(|line| line.ends_with("set JWT_ALGORITHM=ES256")));
        }
    }
}
