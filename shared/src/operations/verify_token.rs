//! Read an access token.

use super::Accounts;
use crate::crypto::AccessClaims;
use crate::error::AuthError;
use crate::telemetry::operation;

impl Accounts {
    /// The claims of an access token, if it is valid now.
    ///
    /// # Errors
    /// As [`Accounts::authenticate`].
    pub async fn verify_token(&self, access_token: &str) -> Result<AccessClaims, AuthError> {
        operation!(self.clock, "verify_token", async {
            let (_, claims) = self.caller_and_claims(access_token).await?;
            Ok(claims)
        })
    }
}
