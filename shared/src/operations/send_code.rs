//! Mail a one-time code to an address.

use super::Accounts;
use crate::error::{AuthError, Violation};
use crate::model::Client;

impl Accounts {
    /// Mails link and code again, as [`Accounts::resend_activation`] does, but gives the same answer for every address:
    /// an API that only proves addresses need not reveal which address is proven.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a malformed address; [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn send_code(&self, email: &str, client: &Client) -> Result<(), AuthError> {
        match self.resend_activation(email, client).await {
            Err(AuthError::Invalid(found)) if found.are_all(Violation::AlreadyVerified) => Ok(()),
            answer => answer,
        }
    }
}
