//! Who is asking.

use jiff::Timestamp;

use super::Accounts;
use crate::crypto::TokenError;
use crate::error::AuthError;
use crate::model::{Role, Session, SessionId, User, UserId};
use crate::telemetry::{forget, note, operation};

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
            let found = self.user_and_session(claims.sub, claims.sid).await?;
            let (user, session) = found.ok_or_else(|| invalid("no_session"))?;
            check_live(&user, &session, &claims.role, now)?;
            // Of a token that was tried before this one.
            forget("reason");
            Ok(Caller { user, session })
        })
    }

    /// Who calls, as an operation of its own; `asked` is how the front finds out. Of an anonymous caller, the log says
    /// `unauthenticated`, however the front answers.
    ///
    /// # Errors
    /// Those of `asked`.
    pub async fn me(
        &self,
        asked: impl Future<Output = Result<Option<Caller>, AuthError>> + Send,
    ) -> Result<Option<Caller>, AuthError> {
        let asked = async { asked.await?.ok_or(AuthError::Unauthenticated) };
        match operation!(self.clock, "me", asked) {
            Ok(caller) => Ok(Some(caller)),
            Err(AuthError::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The caller as the table has it by now; `None` when the session ended meanwhile.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn look_again(&self, caller: &Caller) -> Result<Option<Caller>, AuthError> {
        let now = self.clock.now();
        let found = self.user_and_session(caller.user.id, caller.session.id).await?;
        let found = found.map(|(user, session)| Caller { user, session });
        Ok(found.filter(|Caller { user, session }| session.is_live(user, now)))
    }

    /// A user and a session of the user. The two may have been read from before and after a write that ends the
    /// other sessions and takes this one along: when their epochs differ, they are read again, as of one moment.
    pub(super) async fn user_and_session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(User, Session)>, AuthError> {
        match self.store.user_and_session(user, session).await? {
            Some((user, session)) if user.is_active && user.epoch != session.epoch => {
                Ok(self.store.user_and_session_as_one(user.id, session.id).await?)
            }
            found => Ok(found),
        }
    }
}

/// Goes on only in a session that stands, with a token of the user's present role.
pub(super) fn check_live(
    user: &User,
    session: &Session,
    role: &str,
    now: Timestamp,
) -> Result<(), AuthError> {
    let reason = if session.is_live(user, now) && user.role.name() == role {
        return Ok(());
    } else if !user.is_active {
        "inactive"
    } else if session.is_live(user, now) {
        "role_changed"
    } else {
        "session_ended"
    };
    Err(invalid(reason))
}

/// The one answer to a token that is not honoured, whose reason only the log may have.
pub(super) fn invalid(reason: &str) -> AuthError {
    note("reason", reason);
    AuthError::InvalidToken
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::InvalidToken,
            TokenError::Expired => Self::ExpiredToken,
        }
    }
}
