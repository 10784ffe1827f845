//! The sessions of the console. They are apart from those of the API: a console token opens no API, and an access token
//! does not open the console.

use jiff::SignedDuration;

use crate::error::{AuthError, Report};
use crate::model::session::{CONSOLE_IDLE, seconds_after};
use crate::model::{Client, EventKind, NewEvent, PlainPassword, RefreshTokens};
use crate::operations::authenticate::invalid;
use crate::operations::{Accounts, Caller, Credentials, LoggedIn};
use crate::telemetry::{note, operation};

/// A use of the session is recorded at most once in that span: each record is a write.
const RECORDED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A console that was opened.
#[derive(Clone, Debug)]
pub struct Console {
    /// The member of staff, in the session.
    pub caller: Caller,
    /// The token of the session, for a cookie.
    pub token: String,
    /// The token of the device, for a cookie: with it, strangers do not lock the user out.
    pub device: String,
}

impl Accounts {
    /// Opens the console for a member of staff, by address or name. The same limits as for a log-in count, together with
    /// those. The session ends after 30 minutes without use, and after 12 hours at the latest (OWASP ASVS 7.3).
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`], also for a right password of a user who is no staff; [`AuthError::NotVerified`];
    /// [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn open_console(
        &self,
        name: &str,
        password: PlainPassword,
        client: &Client,
    ) -> Result<Console, AuthError> {
        operation!(self.clock, "open_console", async {
            let credentials = if name.contains('@') {
                Credentials::Email(name.trim().to_owned())
            } else {
                Credentials::Username(name.trim().to_owned())
            };
            let client = Client { refresh_tokens: RefreshTokens::Console, ..client.clone() };
            let opened = Box::pin(self.log_in(credentials, password, &client)).await?;
            let LoggedIn { caller, device, .. } = opened;
            let id = caller.user.id;
            if self.admin(&caller).is_err() {
                note("reason", "no_staff");
                let now = self.clock.now();
                self.store.end_session(id, caller.session.id, &[], now).await?;
                self.store.add_event(NewEvent::of(EventKind::ConsoleRefused, id).refused()).await?;
                return Err(AuthError::InvalidCredentials);
            }
            self.store.add_event(NewEvent::of(EventKind::ConsoleOpened, id)).await?;
            let token = self.proofs.console().token(&caller.session);
            Ok(Console { caller, token, device })
        })
    }

    /// The member of staff whom a console token identifies now, as the table has the user and the session: a ban or
    /// another role takes effect at once.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for any token that is not valid, [`AuthError::Unavailable`].
    pub async fn console_caller(&self, token: &str) -> Result<Caller, AuthError> {
        operation!(self.clock, "authenticate", async {
            let now = self.clock.now();
            let claims = self.proofs.console().read(token, now)?;
            let found = self.user_and_session(claims.sub, claims.sid).await?;
            let (user, session) = found.ok_or_else(|| invalid("no_session"))?;
            if !session.is_live(&user, now) || session.refresh_tokens != RefreshTokens::Console {
                return Err(invalid("session_ended"));
            }
            let caller = Caller { user, session };
            if self.admin(&caller).is_err() {
                return Err(invalid("no_staff"));
            }
            self.record_use(&caller).await;
            Ok(caller)
        })
    }

    /// Lets the session go on. If the table does not answer, it ends earlier.
    async fn record_use(&self, caller: &Caller) {
        let (session, now) = (&caller.session, self.clock.now());
        if now.duration_since(session.rotated_at) < RECORDED_EVERY {
            return;
        }
        let expires_at = seconds_after(now, CONSOLE_IDLE).min(session.ends_at);
        if let Err(error) = self.store.record_use(session, expires_at, now).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), "the use of a console is not recorded");
        }
    }

    /// Ends the session of a console.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn close_console(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "close_console", async {
            note("user", caller.user.id);
            let now = self.clock.now();
            self.store.end_session(caller.user.id, caller.session.id, &[], now).await?;
            Ok(())
        })
    }
}
