//! What a Hasura in front of us is told, and what it is asked for.

use serde_json::{Value, json};

use super::{ConfigError, Settings};
use crate::crypto::{SharedSecret, Signing};
use crate::model::RefreshTokens;

impl Settings {
    /// What becomes of refresh tokens of sessions that Hasura's clients open.
    pub fn hasura_refresh_tokens(&self) -> Result<RefreshTokens, ConfigError> {
        let rotates = self.flag("HASURA_ROTATE_REFRESH")?;
        Ok(if rotates { RefreshTokens::Rotate } else { RefreshTokens::Stay })
    }

    /// What Hasura has to show when it calls an action.
    pub fn hasura_action_secret(&self) -> Option<SharedSecret> {
        self.given("HASURA_ACTION_SECRET").map(SharedSecret::new)
    }

    /// The JSON for Hasura's `HASURA_GRAPHQL_JWT_SECRET`: where the public keys are; or, under `HS256`, the
    /// key itself, so that whoever has that JSON can make tokens too.
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
