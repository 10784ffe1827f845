//! Continue a session.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::authenticate::{check_live, invalid};
use super::{Accounts, TokenPair};
use crate::crypto::TokenError;
use crate::error::AuthError;
use crate::model::session::seconds_after;
use crate::model::{Client, Notice, RefreshTokens, Session, User};
use crate::store::{PresentedToken, Rotated};
use crate::telemetry::metrics::{REFRESHES, REUSE_DETECTED};
use crate::telemetry::{Outcome, note, operation};

impl Accounts {
    /// Exchanges a refresh token for the next pair. The same token again within the grace period (two tabs, a lost
    /// answer) gives the same pair. After that, an attacker may have a copy of the token: the session ends for both
    /// (RFC 9700, 4.14.2), and the user gets a mail. Where refresh tokens are not rotated, the pair has the token
    /// that was given.
    ///
    /// An account that may not log in before its address is proven may not refresh, either. That does not use up the
    /// token: after the proof it gives the next pair. A session without a proof of the second factor that its user must
    /// have cannot be refreshed, either, and that does not use up the token.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`]; [`AuthError::InvalidToken`] for a malformed, expired, used or revoked token, and
    /// for a user who is missing, banned or has another role by now; [`AuthError::Unavailable`].
    pub async fn refresh(
        &self,
        refresh_token: &str,
        client: &Client,
    ) -> Result<TokenPair, AuthError> {
        let result = operation!(self.clock, "refresh", async {
            let now = self.clock.now();
            let claims = self.tokens.read_refresh(refresh_token, now).map_err(|why| {
                invalid(if why == TokenError::Expired { "expired" } else { "no_token" })
            })?;
            let (generation, expires_at) = match claims.refresh_tokens {
                // The pages have none.
                RefreshTokens::Console | RefreshTokens::Account => {
                    return Err(invalid("page_session"));
                }
                RefreshTokens::Stay => (None, claims.exp),
                RefreshTokens::Rotate => {
                    let end = seconds_after(now, self.policy.refresh_token_lifetime);
                    (Some(claims.generation), end.min(claims.ends_at))
                }
            };
            note("user", claims.sub);
            note("session", claims.sid);
            // Checked first: a session that may not be refreshed must not be rotated.
            let is_unproven = claims.is_unproven && claims.refresh_tokens == RefreshTokens::Rotate;
            let lacks_factor =
                !claims.has_second_factor && self.may_need_second_factor(&claims.role);
            if is_unproven || lacks_factor {
                let found = self.user_and_session(claims.sub, claims.sid).await?;
                let found = found.filter(|(user, session)| session.is_live(user, now));
                let (user, session) = found.ok_or_else(|| invalid("session_ended"))?;
                self.check_may_log_in(&user)?;
                self.check_second_factor_of(&user, &session).await?;
            }
            let presented =
                PresentedToken { user_id: claims.sub, session_id: claims.sid, generation };
            let grace = self.policy.refresh_grace;
            let (user, rotated) = tokio::join!(
                self.store.user(claims.sub),
                self.store.rotate_session(presented, expires_at, client, grace, now),
            );
            let session = match rotated? {
                Rotated::Done(session) => session,
                Rotated::Reused(session) => {
                    self.end_stolen(&session, user?.as_ref()).await?;
                    return Err(invalid("used_before"));
                }
                Rotated::Gone => return Err(invalid("session_ended")),
            };
            let found = match user? {
                // The two were read at two moments. In between, a write may have raised the epochs of both.
                Some(user) if user.epoch != session.epoch => {
                    let again = self.store.user_and_session_as_one(user.id, session.id).await?;
                    again.map(|(user, Session { epoch, .. })| (user, Session { epoch, ..session }))
                }
                user => user.map(|user| (user, session)),
            };
            let (user, session) = found.ok_or_else(|| invalid("unknown_user"))?;
            check_live(&user, &session, &claims.role, now)?;
            // In a token that stays, `is_unproven` may be out of date, so the account is checked here. A rotated token
            // of an earlier release lacks this claim: it works once more, and the next token has the claim.
            if claims.refresh_tokens == RefreshTokens::Stay {
                self.check_may_log_in(&user)?;
            }
            Ok(self.token_pair(&user, &session))
        });
        REFRESHES.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// As [`Accounts::refresh`], by the first of several tokens that is valid: a browser may hold more than one, and
    /// does not say which of them is the newest. It tries the last issued token first, and only the newest one of
    /// each session: an older one beside it is a remainder, and no sign of a copy.
    ///
    /// # Errors
    /// As [`Accounts::refresh`].
    pub async fn refresh_by_one_of(
        &self,
        refresh_tokens: &[String],
        client: &Client,
    ) -> Result<TokenPair, AuthError> {
        let now = self.clock.now();
        let mut known: Vec<_> = refresh_tokens
            .iter()
            .filter_map(|token| Some((self.tokens.read_refresh(token, now).ok()?, token)))
            .collect();
        known.sort_by_key(|(claims, _)| Reverse((claims.generation, claims.iat)));
        let mut sessions = HashSet::new();
        known.retain(|(claims, _)| sessions.insert(claims.sid));
        known.sort_by_key(|(claims, _)| Reverse(claims.iat));
        if known.is_empty() {
            return self.refresh(refresh_tokens.first().map_or("", String::as_str), client).await;
        }
        let mut refused = AuthError::InvalidToken;
        for (_, token) in known {
            match self.refresh(token, client).await {
                Err(AuthError::InvalidToken) => {}
                // Another of them may be of an account that may log in.
                Err(error @ AuthError::NotVerified) => refused = error,
                answer => return answer,
            }
        }
        Err(refused)
    }

    fn check_may_log_in(&self, user: &User) -> Result<(), AuthError> {
        if self.policy.may_log_in(user) {
            return Ok(());
        }
        note("reason", "not_verified");
        Err(AuthError::NotVerified)
    }

    async fn end_stolen(&self, session: &Session, user: Option<&User>) -> Result<(), AuthError> {
        REUSE_DETECTED.add(1, &[], self.clock.now());
        tracing::warn!(
            user = %session.user_id, session = %session.id, event = "refresh_reuse",
            "a refresh token was used again: the session ends",
        );
        let now = self.clock.now();
        let user = user.filter(|user| session.is_live(user, now));
        let languages = || session.languages.clone();
        let notice = user.map(|user| {
            let notice = self.new_notice(Notice::SessionEnded, user, &user.first_email());
            notice.in_one_of(languages())
        });
        let (user, session) = (session.user_id, session.id);
        self.store.end_session_with_notice(user, session, notice.as_ref(), now).await?;
        Ok(())
    }
}
