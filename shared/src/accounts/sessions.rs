//! A user's own sessions: see them, end them.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{Session, SessionId};
use crate::telemetry::{note, operation};

impl Accounts {
    /// The caller's sessions that stand, newest first, this one among them.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, AuthError> {
        operation!(self.clock, "sessions", async {
            note("user", caller.user.id);
            let now = self.clock.now();
            let mut sessions = self.store.sessions(caller.user.id).await?;
            sessions.retain(|session| session.is_live(&caller.user, now));
            sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
            Ok(sessions)
        })
    }

    /// Ends one of the caller's sessions: its tokens are refused from the next request on.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for a session that is over or somebody else's;
    /// [`AuthError::Unavailable`].
    pub async fn end_session(&self, caller: &Caller, id: SessionId) -> Result<(), AuthError> {
        operation!(self.clock, "end_session", async {
            note("user", caller.user.id);
            let now = self.clock.now();
            let sessions = self.sessions(caller).await?;
            let Some(session) = sessions.iter().find(|session| session.id == id) else {
                return Err(AuthError::NotFound);
            };
            if self.store.end_session(caller.user.id, id, &self.token_ids(session), now).await? {
                note("session", id);
                Ok(())
            } else {
                Err(AuthError::NotFound)
            }
        })
    }

    /// Ends all sessions of the caller but this one, those included that are being opened now.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] when this session, or all of them, ended meanwhile;
    /// [`AuthError::Unavailable`].
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "end_other_sessions", async {
            note("user", caller.user.id);
            if self.store.end_other_sessions(&caller.user, caller.session.id).await? {
                Ok(())
            } else {
                Err(AuthError::InvalidToken)
            }
        })
    }

    /// Ends all sessions of the caller, this one too.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn end_all_sessions(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "end_all_sessions", async {
            note("user", caller.user.id);
            self.store.end_all_sessions(caller.user.id).await?;
            Ok(())
        })
    }
}
