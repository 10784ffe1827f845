//! Prove once more who the caller is, for an operation that an access token alone must not be enough for.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::PlainPassword;

impl Accounts {
    /// Succeeds only if the caller gives the password, or has logged in within the last
    /// [`RECENT`](crate::model::session::RECENT): a thief of an access token can do neither. A given password must be
    /// right, even after a recent log-in. Without a password, no hash is computed.
    ///
    /// # Errors
    /// [`AuthError::InvalidPassword`], [`AuthError::ReauthenticationRequired`], [`AuthError::Unavailable`].
    pub(super) async fn confirm_recent(
        &self,
        caller: &Caller,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        match password {
            Some(password) => self.check_password(caller, password).await,
            None if caller.session.is_recent(self.clock.now()) => Ok(()),
            None => Err(AuthError::ReauthenticationRequired),
        }
    }
}
