//! Who is asking.

use super::Accounts;
use crate::crypto::TokenError;
use crate::error::AuthError;
use crate::model::{Role, Session, User};
use crate::telemetry::operation;

/// A user with a session that stands.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As the table has it now, not as the token says.
    pub user: User,
    /// The session that the access token belongs to.
    pub session: Session,
}

impl Caller {
    /// Goes on only for whoever has that role, or one above it.
    ///
    /// # Errors
    /// [`AuthError::NotFound`]: what others can do is nobody's business.
    pub fn must_be(&self, role: Role) -> Result<(), AuthError> {
        if self.user.role >= role { Ok(()) } else { Err(AuthError::NotFound) }
    }
}

impl Accounts {
    /// Who an access token speaks for, as of now: one call reads user and session, and a session that
    /// was ended, a user who was banned or whose role was changed is refused at once.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] when its time is over, [`AuthError::InvalidToken`] for all else
    /// that is wrong with it, [`AuthError::Unavailable`].
    pub async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthError> {
        operation!(self.clock, "authenticate", async {
            let now = self.clock.now();
            let claims = self.tokens.read_access(access_token, now)?;
            let found = self.store.user_and_session(claims.sub, claims.sid).await?;
            let Some((user, session)) = found else { return Err(AuthError::InvalidToken) };
            if session.is_live(&user, now) && user.role.name() == claims.role {
                Ok(Caller { user, session })
            } else {
                Err(AuthError::InvalidToken)
            }
        })
    }

    /// Who calls, as an operation of its own; `asked` is how the front finds out.
    ///
    /// # Errors
    /// Those of `asked`.
    pub async fn me(
        &self,
        asked: impl Future<Output = Result<Option<Caller>, AuthError>> + Send,
    ) -> Result<Option<Caller>, AuthError> {
        operation!(self.clock, "me", asked)
    }

    /// The caller as the table has it by now; `None` when the session ended meanwhile.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn look_again(&self, caller: &Caller) -> Result<Option<Caller>, AuthError> {
        let now = self.clock.now();
        let found = self.store.user_and_session(caller.user.id, caller.session.id).await?;
        let found = found.map(|(user, session)| Caller { user, session });
        Ok(found.filter(|Caller { user, session }| session.is_live(user, now)))
    }
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::InvalidToken,
            TokenError::Expired => Self::ExpiredToken,
        }
    }
}
