//! Confirms the identity of the caller, for an operation that must not succeed with an access token alone.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::PlainPassword;

impl Accounts {
    /// Succeeds only if the caller gives the password, or has logged in within the last
    /// [`RECENT`](crate::model::session::RECENT): a thief of an access token can do neither. A given password must be
    /// right, even after a recent log-in. For a user who has a password, a log-in by mail is not enough. Without a
    /// given password, Latchkey computes no hash. A user with a second factor must have proven it within the same time.
    ///
    /// # Errors
    /// [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`], [`AuthError::ReauthenticationRequired`],
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn confirm_recent(
        &self,
        caller: &Caller,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        match password {
            Some(password) => self.confirm_password(caller, password).await,
            None if caller.user.has_second_factor => self.check_second_factor(caller),
            None if caller.session.is_recent(&caller.user, self.clock.now()) => Ok(()),
            None => Err(AuthError::ReauthenticationRequired),
        }
    }

    /// Succeeds only if the password is right, and if a user with a second factor has proven it in the last minutes.
    /// Latchkey checks the second factor first, so that a thief of an access token cannot guess the password.
    ///
    /// # Errors
    /// [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`], [`AuthError::Throttled`],
    /// [`AuthError::Unavailable`].
    pub(super) async fn confirm_password(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        self.check_second_factor(caller)?;
        self.check_password(caller, password).await
    }

    /// Fails if the user has a second factor, and has not proven it in the session in the last
    /// [`RECENT`](crate::model::session::RECENT).
    ///
    /// # Errors
    /// [`AuthError::StepUpRequired`].
    pub(super) fn check_second_factor(&self, caller: &Caller) -> Result<(), AuthError> {
        let Caller { user, session } = caller;
        if user.has_second_factor && !session.has_recent_second_factor(self.clock.now()) {
            return Err(AuthError::StepUpRequired);
        }
        Ok(())
    }
}
