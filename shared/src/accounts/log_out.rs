//! End a session by a token of it.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::Session;
use crate::model::session::{access_jti, refresh_jti};

impl Accounts {
    /// Ends the caller's session: its tokens are refused from the next request on.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when it ended meanwhile; [`AuthError::Unavailable`].
    pub async fn log_out(&self, caller: &Caller) -> Result<(), AuthError> {
        let Caller { user, session } = caller;
        let (now, ids) = (self.clock.now(), self.token_ids(session));
        if self.store.end_session(user.id, session.id, &ids, now).await? {
            tracing::info!(user = %user.id, session = %session.id, "logged out");
            Ok(())
        } else {
            Err(AuthError::Unauthenticated)
        }
    }

    /// Ends the session that a refresh token belongs to: that token and the session's access tokens
    /// are refused from the next request on. Gives the moment, in epoch seconds.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for a token of no session that stands, so at the second time too;
    /// [`AuthError::Unavailable`].
    pub async fn revoke(&self, refresh_token: &str) -> Result<i64, AuthError> {
        let now = self.clock.now();
        let claims =
            self.tokens.read_refresh(refresh_token, now).map_err(|_| AuthError::InvalidToken)?;
        let access_end = claims.iat.saturating_add(self.policy.access_token_lifetime.as_secs());
        let ids = [
            (refresh_jti(claims.sid, claims.generation), claims.exp),
            (access_jti(claims.sid, claims.generation), access_end.min(claims.exp)),
        ];
        if self.store.end_session(claims.sub, claims.sid, &ids, now).await? {
            tracing::info!(user = %claims.sub, session = %claims.sid, "session revoked");
            Ok(now.as_second())
        } else {
            Err(AuthError::InvalidToken)
        }
    }

    /// The ids of a session's present tokens, with the second at which each would be over.
    pub(super) fn token_ids(&self, session: &Session) -> [(String, i64); 2] {
        let lifetime = self.policy.access_token_lifetime.as_secs();
        let access_end = session.rotated_at.as_second().saturating_add(lifetime);
        [
            (session.refresh_jti(), session.expires_at),
            (session.access_jti(), access_end.min(session.expires_at)),
        ]
    }
}
