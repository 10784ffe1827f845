//! Add the second factor that a user must have, in the middle of a log-in: the user has proven the first factor, and gets
//! no session without a second one.
//!
//! In the meantime, the user has the enrolment challenge: the token of [`AuthError::SecondFactorSetupRequired`]. It is
//! not an access token, and identifies no [`Caller`](super::Caller): only the operations of this file accept it.

use super::Accounts;
use super::authenticate::invalid;
use super::factors::NewApp;
use super::log_in::LoggedIn;
use super::page_session::{Area, PageSession};
use super::passkey_ceremony::refused;
use super::secondary_email::count_lost;
use crate::crypto::{ChallengeClaims, FirstStep};
use crate::error::AuthError;
use crate::model::{
    App, Client, EventKind, Factor, Factors, NewEvent, Notice, Passkey, PlainRecoveryCode,
    RefreshTokens, Session, SessionId, User,
};
use crate::store::{SecondStep, TwoStepLogIn};
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};
use crate::webauthn::UserHandle;

/// A log-in whose user has added the missing second factor.
#[derive(Clone, Debug)]
pub struct Enrolment<T> {
    /// The session.
    pub opened: T,
    /// The recovery codes, which no later answer shows.
    pub recovery_codes: Vec<PlainRecoveryCode>,
}

/// A log-in that waits for a second factor.
struct PendingLogIn {
    claims: ChallengeClaims,
    user: User,
    factors: Factors,
    /// The session that the factor opens.
    session: SessionId,
}

/// A factor that a user adds.
enum NewFactor {
    App(App),
    Passkey(Passkey, UserHandle),
}

impl NewFactor {
    fn factor(&self) -> Factor {
        match self {
            Self::App(_) => Factor::App,
            Self::Passkey(..) => Factor::Passkey,
        }
    }

    fn event(&self) -> EventKind {
        match self {
            Self::App(_) => EventKind::AppAdded,
            Self::Passkey(..) => EventKind::PasskeyAdded,
        }
    }

    fn add_to(&self, factors: &mut Factors) {
        match self {
            Self::App(app) => factors.app = Some(app.clone()),
            Self::Passkey(passkey, handle) => factors.add_passkey(passkey.clone(), handle.clone()),
        }
    }
}

impl Accounts {
    /// Ends a first step whose user must add a second factor. Returns the error with the token for the setup. At the
    /// console, a user who is not staff gets the answer to a wrong password instead.
    ///
    /// # Errors
    /// [`AuthError::SecondFactorSetupRequired`], which is the normal result; [`AuthError::InvalidCredentials`] at the
    /// console; [`AuthError::Unavailable`].
    pub(super) async fn require_enrolment(
        &self,
        user: &User,
        factor: Factor,
        device: Option<String>,
        client: &Client,
    ) -> AuthError {
        let refresh_tokens = client.refresh_tokens;
        if refresh_tokens == RefreshTokens::Console && !self.is_staff_here(user) {
            return match self.record_refused_console(user.id).await {
                Ok(()) => AuthError::InvalidCredentials,
                Err(error) => error,
            };
        }
        note("next", "enrolment");
        let now = self.clock.now();
        let jti = self.random.id(now).to_string();
        let step = FirstStep { factor, refresh_tokens, device, jti };
        let challenge = self.proofs.challenges().enrolment(user, step, now);
        AuthError::SecondFactorSetupRequired { challenge }
    }

    /// Makes the secret of an authenticator app for a log-in that waits for a second factor, as [`Accounts::begin_app`]
    /// does in a session. `challenge` is the token of the first step, which stays valid.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for the token of the first step: the log-in must
    /// begin again; [`AuthError::Unavailable`].
    pub async fn begin_app_to_log_in(
        &self,
        challenge: &str,
        client: &Client,
    ) -> Result<NewApp, AuthError> {
        operation!(self.clock, "begin_app_to_log_in", async {
            let PendingLogIn { user, session, .. } = self.pending_log_in(challenge, client).await?;
            Ok(self.make_app(&user, session))
        })
    }

    /// Returns the new app of a setup token again, for the page after a wrong code.
    ///
    /// # Errors
    /// As [`Accounts::begin_app_to_log_in`], also for the setup token.
    pub async fn begun_app_to_log_in(
        &self,
        challenge: &str,
        setup: &str,
        client: &Client,
    ) -> Result<NewApp, AuthError> {
        operation!(self.clock, "begun_app_to_log_in", async {
            let PendingLogIn { user, session, .. } = self.pending_log_in(challenge, client).await?;
            self.show_app(&user, session, setup)
        })
    }

    /// Adds an authenticator app by its first code, and opens the session of the log-in, in one write. In the session,
    /// the second factor counts as proven. The token of the first step does not work again. Mails a notice.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for `challenge` or `setup`; [`AuthError::Throttled`];
    /// [`InvalidCode`](crate::error::Refusal::InvalidCode); [`AuthError::Unavailable`].
    pub async fn add_app_to_log_in(
        &self,
        challenge: &str,
        setup: &str,
        code: &str,
        client: &Client,
    ) -> Result<Enrolment<LoggedIn>, AuthError> {
        let result = operation!(self.clock, "add_app_to_log_in", async {
            let pending = self.pending_log_in(challenge, client).await?;
            let app = self.first_code(&pending.user, pending.session, setup, code).await?;
            Box::pin(self.open_by_new_factor(pending, &NewFactor::App(app), client)).await
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Begins to add a passkey for a log-in that waits for a second factor, as [`Accounts::begin_passkey`] does in a
    /// session. `challenge` is the token of the first step, which stays valid.
    ///
    /// # Errors
    /// [`PasskeysOff`](crate::error::Refusal::PasskeysOff); [`AuthError::ExpiredToken`] and
    /// [`AuthError::InvalidToken`] for the token of the first step; [`AuthError::Throttled`] beyond the limits of a
    /// network; [`AuthError::Unavailable`].
    pub async fn begin_passkey_to_log_in(
        &self,
        challenge: &str,
        client: &Client,
    ) -> Result<String, AuthError> {
        operation!(self.clock, "begin_passkey_to_log_in", async {
            self.relying_party()?;
            let PendingLogIn { user, factors, session, .. } =
                self.pending_log_in(challenge, client).await?;
            self.admit_challenge(client).await?;
            self.request_new_passkey(&user, session, &factors).await
        })
    }

    /// Adds a passkey by the answer of the authenticator, and opens the session of the log-in, as
    /// [`Accounts::add_app_to_log_in`] does for an app.
    ///
    /// # Errors
    /// [`PasskeysOff`](crate::error::Refusal::PasskeysOff); [`AuthError::ExpiredToken`] and
    /// [`AuthError::InvalidToken`] for `challenge`, and for an answer that arrives twice, late or for another log-in;
    /// [`AuthError::Invalid`] for the name; [`InvalidPasskey`](crate::error::Refusal::InvalidPasskey);
    /// [`AuthError::Unavailable`].
    pub async fn add_passkey_to_log_in(
        &self,
        challenge: &str,
        answer: &str,
        name: &str,
        client: &Client,
    ) -> Result<Enrolment<LoggedIn>, AuthError> {
        let result = operation!(self.clock, "add_passkey_to_log_in", async {
            let pending = self.pending_log_in(challenge, client).await?;
            let (user, session) = (&pending.user, pending.session);
            let (passkey, handle) = self.new_passkey(user, session, answer, name).await?;
            let added = NewFactor::Passkey(passkey, handle);
            Box::pin(self.open_by_new_factor(pending, &added, client)).await
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Opens a session of the pages, as [`Accounts::add_app_to_log_in`] opens one of the API.
    ///
    /// # Errors
    /// As [`Accounts::add_app_to_log_in`]; [`AuthError::InvalidCredentials`] for the console if the user is not staff.
    pub async fn open_pages_by_new_app(
        &self,
        area: Area,
        challenge: &str,
        (setup, code): (&str, &str),
        client: &Client,
    ) -> Result<Enrolment<PageSession>, AuthError> {
        operation!(self.clock, "open_pages_by_new_app", async {
            let client = area.client(client);
            let added = Box::pin(self.add_app_to_log_in(challenge, setup, code, &client)).await?;
            self.enrolled_pages(area, added).await
        })
    }

    /// Opens a session of the pages by a new passkey.
    ///
    /// # Errors
    /// As [`Accounts::add_passkey_to_log_in`]; [`AuthError::InvalidCredentials`] for the console if the user is not
    /// staff.
    pub async fn open_pages_by_new_passkey(
        &self,
        area: Area,
        challenge: &str,
        answer: &str,
        client: &Client,
    ) -> Result<Enrolment<PageSession>, AuthError> {
        operation!(self.clock, "open_pages_by_new_passkey", async {
            let client = area.client(client);
            let added = self.add_passkey_to_log_in(challenge, answer, "", &client);
            self.enrolled_pages(area, Box::pin(added).await?).await
        })
    }

    async fn enrolled_pages(
        &self,
        area: Area,
        added: Enrolment<LoggedIn>,
    ) -> Result<Enrolment<PageSession>, AuthError> {
        let Enrolment { opened, recovery_codes } = added;
        Ok(Enrolment { opened: self.page_session(area, opened).await?, recovery_codes })
    }

    /// Returns the log-in of the token of a first step, if the log-in still waits for a second factor. A client of the
    /// API may continue in another dialect. The session has the kind of refresh tokens that the first step had.
    async fn pending_log_in(
        &self,
        challenge: &str,
        client: &Client,
    ) -> Result<PendingLogIn, AuthError> {
        let now = self.clock.now();
        let claims = self.proofs.challenges().read_enrolment(challenge.trim(), now)?.0;
        note("user", claims.sub);
        let is_page = |kind| matches!(kind, RefreshTokens::Console | RefreshTokens::Account);
        let [first, now] = [claims.refresh_tokens, client.refresh_tokens];
        if first != now && (is_page(first) || is_page(now)) {
            return Err(invalid("other_pages"));
        }
        self.resume(claims).await
    }

    async fn resume(&self, claims: ChallengeClaims) -> Result<PendingLogIn, AuthError> {
        let (user, factors) =
            tokio::try_join!(self.store.user(claims.sub), self.store.factors(claims.sub))?;
        let user = user.ok_or_else(|| invalid("unknown_user"))?;
        let session = claims.jti.parse().map_err(|_| invalid("no_session_id"))?;
        if !user.is_active {
            return Err(invalid("inactive"));
        }
        // An account whose address is not verified may belong to a stranger.
        if user.epoch != claims.epoch || !user.is_verified {
            return Err(invalid("changed_since"));
        }
        // If the user has added a factor in the meantime, the token must not add another one. Otherwise an attacker
        // with the password could log in without the factor of the user.
        if user.has_second_factor {
            return Err(invalid("has_second_factor"));
        }
        let factors = if user.had_second_factor { factors.emptied() } else { factors };
        Ok(PendingLogIn { claims, user, factors, session })
    }

    async fn open_by_new_factor(
        &self,
        mut pending: PendingLogIn,
        added: &NewFactor,
        client: &Client,
    ) -> Result<Enrolment<LoggedIn>, AuthError> {
        let (recovery_codes, stored) = self.new_recovery_codes().await?;
        let (now, mut lost) = (self.clock.now(), 0);
        loop {
            let PendingLogIn { claims, user, mut factors, session: id } = pending;
            added.add_to(&mut factors);
            factors.recovery_codes.clone_from(&stored);
            let client = Client { refresh_tokens: claims.refresh_tokens, ..client.clone() };
            let session = Session { id, ..self.new_session(&user, claims.factor, &client) };
            let session = session.with_second_factor(added.factor(), now);
            let mails = self.notices_to_all(Notice::FactorAdded, &user, &session.languages);
            let event = NewEvent::of(added.event(), user.id).about(session.id);
            let step = SecondStep {
                first: Some((&claims.jti, claims.exp)),
                factors: &factors,
                is_first_factor: true,
                mails: &mails,
                events: vec![event],
            };
            match self.open_session_by_two_steps(&user, &session, step).await? {
                (TwoStepLogIn::Done, others) => {
                    let is_known = claims.device.is_some();
                    self.after_log_in(&user, &session, is_known, others.as_deref()).await;
                    let name = claims.device.unwrap_or_else(|| self.random.id(now).to_string());
                    let device = self.proofs.devices().token(&user, name, now);
                    let user = User { has_second_factor: true, ..user };
                    let opened = self.logged_in(user, session, device);
                    return Ok(Enrolment { opened, recovery_codes });
                }
                (TwoStepLogIn::Used, _) => return Err(invalid("used_before")),
                (TwoStepLogIn::Taken, _) => return Err(refused("known_passkey")),
                (TwoStepLogIn::Changed, _) => count_lost(&mut lost)?,
            }
            pending = self.resume(claims).await?;
        }
    }
}
