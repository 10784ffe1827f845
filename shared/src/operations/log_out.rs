//! End a session by a token of it.

use jiff::Timestamp;

use super::{Accounts, Caller};
use crate::crypto::RefreshClaims;
use crate::error::AuthError;
use crate::telemetry::{note, operation};

impl Accounts {
    /// Ends the caller's session: its tokens are refused from the next request on.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when it ended in the meantime; [`AuthError::Unavailable`].
    pub async fn log_out(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "log_out", async {
            note("user", caller.user.id);
            let Caller { user, session } = caller;
            if self.store.end_session(user.id, session.id, self.clock.now()).await? {
                note("session", session.id);
                Ok(())
            } else {
                Err(AuthError::Unauthenticated)
            }
        })
    }

    /// Ends the sessions that these refresh tokens belong to, for a browser whose access token has expired: the
    /// refresh token is enough to log out.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when none of them belongs to a live session; [`AuthError::Unavailable`].
    pub async fn log_out_by(&self, refresh_tokens: &[String]) -> Result<(), AuthError> {
        operation!(self.clock, "log_out", async {
            let now = self.clock.now();
            let mut answer = Err(AuthError::Unauthenticated);
            for claims in refresh_tokens.iter().filter_map(|it| self.refresh_claims(it, now).ok()) {
                match self.end_session_of(&claims, now).await {
                    Err(AuthError::InvalidToken) => {}
                    Err(error) => return Err(error),
                    Ok(_) => answer = Ok(()),
                }
            }
            answer
        })
    }

    /// Ends the session of a refresh token: that token and the session's access tokens are refused from the next
    /// request on. Returns the moment, in epoch seconds.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for a token without a live session, so also for a second call;
    /// [`AuthError::Unavailable`].
    pub async fn revoke(&self, refresh_token: &str) -> Result<i64, AuthError> {
        operation!(self.clock, "revoke", async {
            let now = self.clock.now();
            self.end_session_of(&self.refresh_claims(refresh_token, now)?, now).await
        })
    }

    fn refresh_claims(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, AuthError> {
        self.tokens.read_refresh(token, now).map_err(|_| AuthError::InvalidToken)
    }

    async fn end_session_of(
        &self,
        claims: &RefreshClaims,
        now: Timestamp,
    ) -> Result<i64, AuthError> {
        if self.store.end_session(claims.sub, claims.sid, now).await? {
            note("user", claims.sub);
            note("session", claims.sid);
            Ok(now.as_second())
        } else {
            Err(AuthError::InvalidToken)
        }
    }
}
