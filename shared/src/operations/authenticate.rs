//! The caller of a request.

use jiff::Timestamp;

use super::Accounts;
use crate::crypto::{AccessClaims, TokenError};
use crate::error::AuthError;
use crate::model::{RefreshTokens, Role, Session, SessionId, User, UserId};
use crate::telemetry::{forget, note, operation};

/// A user with a live session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As the table has it now, not as the token says.
    pub user: User,
    /// The session that the access token belongs to.
    pub session: Session,
}

impl Caller {
    /// Succeeds only if the caller has that role, or a role above it.
    ///
    /// # Errors
    /// [`AuthError::NotFound`]: the answer does not reveal what other roles can do.
    pub fn must_be(&self, role: Role) -> Result<(), AuthError> {
        if self.user.role >= role { Ok(()) } else { Err(AuthError::NotFound) }
    }
}

impl Accounts {
    /// The caller that an access token identifies now. One call reads user and session, so an ended session, a ban or
    /// a change of the role takes effect at once.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] for an expired token, [`AuthError::InvalidToken`] for any other token that is not
    /// valid, [`AuthError::Unavailable`].
    pub async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthError> {
        operation!(self.clock, "authenticate", async {
            let (caller, _) = self.caller_and_claims(access_token).await?;
            Ok(caller)
        })
    }

    /// The caller that an access token identifies now, and the claims of the token.
    ///
    /// # Errors
    /// As [`Accounts::authenticate`].
    pub(super) async fn caller_and_claims(
        &self,
        access_token: &str,
    ) -> Result<(Caller, AccessClaims), AuthError> {
        let now = self.clock.now();
        let claims = self.tokens.read_access(access_token, now)?;
        let found = self.user_and_session(claims.sub, claims.sid).await?;
        let (user, session) = found.ok_or_else(|| invalid("no_session"))?;
        check_live(&user, &session, &claims.role, now)?;
        self.check_second_factor_of(&user, &session).await?;
        match session.refresh_tokens {
            RefreshTokens::Rotate | RefreshTokens::Stay => {}
            RefreshTokens::Console | RefreshTokens::Account => {
                return Err(invalid("page_session"));
            }
        }
        // An earlier token of the same request may have noted a reason.
        forget("reason");
        Ok((Caller { user, session }, claims))
    }

    /// The caller, as an operation of its own; `lookup` is the front's way to find the caller. For an anonymous caller,
    /// the log says `unauthenticated`, even if the front answers without an error.
    ///
    /// # Errors
    /// Those of `lookup`.
    pub async fn me(
        &self,
        lookup: impl Future<Output = Result<Option<Caller>, AuthError>> + Send,
    ) -> Result<Option<Caller>, AuthError> {
        let lookup = async { lookup.await?.ok_or(AuthError::Unauthenticated) };
        match operation!(self.clock, "me", lookup) {
            Ok(caller) => Ok(Some(caller)),
            Err(AuthError::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The caller, read again from the table; `None` when the session ended in the meantime.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn look_again(&self, caller: &Caller) -> Result<Option<Caller>, AuthError> {
        let now = self.clock.now();
        let found = self.user_and_session(caller.user.id, caller.session.id).await?;
        let found = found.filter(|(user, session)| session.is_live(user, now));
        let Some((user, session)) = found else { return Ok(None) };
        match self.check_second_factor_of(&user, &session).await {
            Ok(()) => Ok(Some(Caller { user, session })),
            Err(error @ AuthError::Unavailable(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// A user and a session of the user. One of the two may be read before, and the other after, a write that raises
    /// the epochs of both to end all other sessions. If their epochs differ, both are read again, as of one moment.
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

/// Succeeds only for a live session, with a token of the user's present role.
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

/// The one answer to a token that is not valid. Only the log has the reason.
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
