//! The sessions of the account pages and of the console of staff. They are separate from those of the API, and from
//! each other: a page token opens no API, an access token opens no page, and a session of the account pages does not
//! open the console. The log-in page of an application opens a session of the API.

use jiff::SignedDuration;

use super::authenticate::invalid;
use super::{Accounts, Caller, Credentials, LoggedIn, TokenPair};
use crate::error::{AuthError, Report};
use crate::model::session::{PAGE_IDLE, seconds_after};
use crate::model::{Client, EventKind, NewEvent, PlainPassword, RefreshTokens, UserId};
use crate::telemetry::{note, operation};

/// A session records its use at most once in this time, because each record is a write.
const RECORDED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The pages that a session opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// The pages of the user's own account.
    Account,
    /// The console of staff.
    Console,
    /// The log-in page of an application. Its session is one of the API, and opens no page.
    App,
}

impl Area {
    /// The same client, for a session of these pages.
    pub fn client(self, client: &Client) -> Client {
        Client { refresh_tokens: self.kind(), ..client.clone() }
    }

    pub(super) fn kind(self) -> RefreshTokens {
        match self {
            Self::Account => RefreshTokens::Account,
            Self::Console => RefreshTokens::Console,
            Self::App => RefreshTokens::Rotate,
        }
    }
}

/// The tokens of an opened session, for cookies of the browser.
#[derive(Clone, Debug)]
pub enum SessionTokens {
    /// The token of a session of the pages.
    Page(String),
    /// The tokens of a session of the API.
    Api(Box<TokenPair>),
}

/// A session that was opened on a page.
#[derive(Clone, Debug)]
pub struct PageSession {
    /// The user, in the session.
    pub caller: Caller,
    /// The tokens of the session.
    pub tokens: SessionTokens,
    /// The device token, for a cookie. With it, strangers cannot lock the user out.
    pub device: String,
}

impl Accounts {
    /// Opens a session of the pages for a user, by address or username. It has the limits and the counts of any log-in.
    /// A session of the account or of the console ends after 30 minutes without use, and after 12 hours at the latest
    /// (OWASP ASVS 7.3).
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`]; for the console, also for the right password of a user who is not staff;
    /// [`AuthError::NotVerified`]; [`AuthError::SecondFactorRequired`]: [`Accounts::complete_pages`] opens the session;
    /// [`AuthError::SecondFactorSetupRequired`]: [`Accounts::open_pages_by_new_app`] does;
    /// [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn open_pages(
        &self,
        area: Area,
        name: &str,
        password: PlainPassword,
        client: &Client,
    ) -> Result<PageSession, AuthError> {
        operation!(self.clock, "open_pages", async {
            let credentials = if name.contains('@') {
                Credentials::Email(name.trim().to_owned())
            } else {
                Credentials::Username(name.trim().to_owned())
            };
            let client = Client { refresh_tokens: area.kind(), ..client.clone() };
            let opened = Box::pin(self.log_in(credentials, password, &client)).await?;
            self.page_session(area, opened).await
        })
    }

    /// Makes a page session of a log-in that succeeded.
    pub(super) async fn page_session(
        &self,
        area: Area,
        opened: LoggedIn,
    ) -> Result<PageSession, AuthError> {
        let LoggedIn { caller, tokens, device, .. } = opened;
        if area == Area::Console {
            self.check_console(&caller).await?;
        }
        let tokens = match area {
            Area::Account | Area::Console => {
                SessionTokens::Page(self.proofs.pages().token(&caller.session))
            }
            Area::App => SessionTokens::Api(Box::new(tokens)),
        };
        Ok(PageSession { caller, tokens, device })
    }

    /// Lets staff into the console, and ends the session of any other user.
    async fn check_console(&self, caller: &Caller) -> Result<(), AuthError> {
        let id = caller.user.id;
        if self.admin(caller).is_ok() {
            self.store.add_event(NewEvent::of(EventKind::ConsoleOpened, id)).await?;
            return Ok(());
        }
        self.store.end_session(id, caller.session.id, self.clock.now()).await?;
        self.record_refused_console(id).await?;
        Err(AuthError::InvalidCredentials)
    }

    /// Records that a user who is not staff gave the right password.
    pub(super) async fn record_refused_console(&self, user: UserId) -> Result<(), AuthError> {
        note("reason", "no_staff");
        self.store.add_event(NewEvent::of(EventKind::ConsoleRefused, user).refused()).await?;
        Ok(())
    }

    /// The present user and session of a page token. It reads both from the table, so a ban or another role takes
    /// effect at once.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for an invalid token, and for a token of other pages; [`AuthError::Unavailable`].
    pub async fn page_caller(&self, area: Area, token: &str) -> Result<Caller, AuthError> {
        operation!(self.clock, "authenticate", async {
            let now = self.clock.now();
            let claims = self.proofs.pages().read(token, now)?;
            let found = self.user_and_session(claims.sub, claims.sid).await?;
            let (user, session) = found.ok_or_else(|| invalid("no_session"))?;
            if !session.is_live(&user, now) {
                return Err(invalid("session_ended"));
            }
            self.check_second_factor_of(&user, &session).await?;
            if session.refresh_tokens != area.kind() {
                return Err(invalid("other_pages"));
            }
            let caller = Caller { user, session };
            if area == Area::Console && self.admin(&caller).is_err() {
                return Err(invalid("no_staff"));
            }
            self.record_use(&caller).await;
            Ok(caller)
        })
    }

    /// Extends the session. If the table does not answer, the session ends earlier.
    async fn record_use(&self, caller: &Caller) {
        let (session, now) = (&caller.session, self.clock.now());
        if now.duration_since(session.rotated_at) < RECORDED_EVERY {
            return;
        }
        let expires_at = seconds_after(now, PAGE_IDLE).min(session.ends_at);
        if let Err(error) = self.store.record_use(session, expires_at, now).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), "the use of a page session is not recorded");
        }
    }

    /// Ends a session of the pages.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn close_pages(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "close_pages", async {
            note("user", caller.user.id);
            let now = self.clock.now();
            self.store.end_session(caller.user.id, caller.session.id, now).await?;
            Ok(())
        })
    }
}
