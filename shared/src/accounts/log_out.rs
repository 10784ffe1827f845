//! End a session.

use super::Accounts;
use crate::error::AuthError;
use crate::model::Session;
use crate::model::session::{access_jti, refresh_jti, seconds_after};

impl Accounts {
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
        let access_end = seconds_after(now, self.policy.access_token_lifetime);
        let ids = [
            (refresh_jti(claims.sid, claims.generation), claims.exp),
            (access_jti(claims.sid, claims.generation), access_end),
        ];
        if self.store.end_session(claims.sub, claims.sid, &ids, now).await? {
            tracing::info!(user = %claims.sub, session = %claims.sid, "session ended");
            Ok(now.as_second())
        } else {
            Err(AuthError::InvalidToken)
        }
    }

    /// The id of a session's newest access token, and the second at which that is over.
    pub(super) fn access_id(&self, session: &Session) -> (String, i64) {
        let end = seconds_after(session.rotated_at, self.policy.access_token_lifetime);
        (session.access_jti(), end)
    }
}
