//! Prove once more who the caller is, for an operation that an access token alone must not be enough for.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::PlainPassword;

impl Accounts {
    /// Goes on only for a caller who gives the password, or has logged in within the last
    /// [`RECENT`](crate::model::session::RECENT): a stolen access token has neither. A password that is given
    /// has to be right, however recent the log-in is; without one, no hash is computed.
    ///
    /// # Errors
    /// [`AuthError::InvalidPassword`], [`AuthError::ReauthenticationRequired`], [`AuthError::Unavailable`].
    pub(super) async fn confirm_recent(
        &self,
        caller: &Caller,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        match password {
            Some(password) => self.check_password(&caller.user, password).await,
            None if caller.session.is_recent(self.clock.now()) => Ok(()),
            None => Err(AuthError::ReauthenticationRequired),
        }
    }
}
