//! Proofs of a second factor: in the second step of a log-in, and in a step-up.

use super::authenticate::invalid;
use super::log_in::LoggedIn;
use super::page_session::{Area, PageSession};
use super::second_factor_proof::Proof;
use super::secondary_email::count_lost;
use super::{Accounts, Caller, TokenPair};
use crate::crypto::{ChallengeClaims, FirstStep};
use crate::error::{AuthError, Refusal};
use crate::model::{
    Client, EventKind, Factor, Factors, NewEvent, Notice, Permission, Scope, Session, Tally, User,
};
use crate::model::{Languages, PlainPassword};
use crate::store::{FactorsChange, FactorsChanged, Guesser, SecondStep, TwoStepLogIn};
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};

/// The proof of a step-up.
#[derive(Clone, Debug)]
pub enum StepUp {
    /// The password. It is enough for a user without a second factor.
    Password(PlainPassword),
    /// A code of the authenticator app, or a recovery code.
    Code(String),
    /// The answer of an authenticator to [`Accounts::begin_step_up`].
    Passkey(String),
}

impl Accounts {
    /// Opens the session of a log-in that needs a second factor, by a code of the authenticator app or a recovery code.
    /// `challenge` is the log-in challenge: the token of the first step. After a right code, the token does not work
    /// again. With [`Client::trusts_device`], later log-ins on the device need no second step, for the days of the
    /// setting.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for the token of the first step: the log-in must
    /// begin again; [`Refusal::InvalidCode`], also for a code that was used before; [`AuthError::Throttled`];
    /// [`AuthError::Unavailable`].
    pub async fn complete_log_in(
        &self,
        challenge: &str,
        code: &str,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let result = operation!(self.clock, "complete_log_in", async {
            let claims = self.read_first_step(challenge, client)?;
            let device = claims.device.as_deref().unwrap_or_default();
            let user_id = claims.sub.to_string();
            let counted = self.count_second_factor(&["user", &user_id, device]).await?;
            let done = self.second_step(claims, Proof::Code(code), counted.as_ref(), client).await;
            if done.is_ok() {
                self.forget_tries(counted).await;
            }
            done
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// The claims of the token of a first step. Fails if another kind of client made the first step.
    pub(super) fn read_first_step(
        &self,
        challenge: &str,
        client: &Client,
    ) -> Result<ChallengeClaims, AuthError> {
        let now = self.clock.now();
        let claims = self.proofs.challenges().read_challenge(challenge.trim(), now)?;
        note("user", claims.sub);
        if claims.refresh_tokens == client.refresh_tokens {
            Ok(claims)
        } else {
            Err(invalid("other_pages"))
        }
    }

    /// Opens the session of a log-in by its second step.
    pub(super) async fn second_step(
        &self,
        claims: ChallengeClaims,
        proof: Proof<'_>,
        counted: Option<&(Guesser, Tally)>,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let (now, mut lost) = (self.clock.now(), 0);
        let (user, session) = loop {
            let (user, factors) = self.of_challenge(&claims).await?;
            let accepted = self.accept(&user, &factors, &proof, &client.languages).await;
            let Some(mut accepted) = accepted? else {
                self.report_guessing(counted, &user).await?;
                return Err(Refusal::InvalidCode.into());
            };
            let session = self.new_session(&user, claims.factor, client);
            let session = session.with_second_factor(accepted.factor, now);
            let before = claims.device.as_deref();
            let trusted_device = self.trust_device(&user, &mut accepted.factors, before, client);
            if trusted_device.is_some() {
                let event = NewEvent::of(EventKind::DeviceTrusted, user.id).about(session.id);
                accepted.events.push(event.with(accepted.factor));
            }
            let session = Session { trusted_device, ..session };
            let step = SecondStep {
                first: Some((&claims.jti, claims.exp)),
                factors: &accepted.factors,
                is_first_factor: false,
                mails: &accepted.mails,
                events: accepted.events,
            };
            match self.open_session_by_two_steps(&user, &session, step).await? {
                (TwoStepLogIn::Done, others) => {
                    let is_known = claims.device.is_some();
                    self.after_log_in(&user, &session, is_known, others.as_deref()).await;
                    break (user, session);
                }
                (TwoStepLogIn::Used, _) => return Err(invalid("used_before")),
                (TwoStepLogIn::Changed | TwoStepLogIn::Taken, _) => count_lost(&mut lost)?,
            }
        };
        let name = session.trusted_device.clone().or(claims.device);
        let name = name.unwrap_or_else(|| self.random.id(now).to_string());
        let device = self.proofs.devices().token(&user, name, now);
        Ok(self.logged_in(user, session, device))
    }

    /// Opens a session of the pages. [`Accounts::complete_log_in`] opens one of the API.
    ///
    /// # Errors
    /// As [`Accounts::complete_log_in`]; for the console, [`AuthError::InvalidCredentials`] if the user is not staff.
    pub async fn complete_pages(
        &self,
        area: Area,
        challenge: &str,
        code: &str,
        client: &Client,
    ) -> Result<PageSession, AuthError> {
        operation!(self.clock, "complete_pages", async {
            let client = Client { refresh_tokens: area.kind(), ..client.clone() };
            let opened = Box::pin(self.complete_log_in(challenge, code, &client)).await?;
            self.page_session(area, opened).await
        })
    }

    /// Confirms the identity of the caller in the session, by the strongest factor of the user. Returns the next tokens
    /// of the session, which claim the proof. For some minutes, operations that need a recent proof succeed.
    ///
    /// # Errors
    /// [`AuthError::StepUpRequired`] for the password of a user who has a second factor; [`Refusal::NoSecondFactor`]
    /// for the code or the passkey of a user who has none; [`Refusal::PasskeysOff`]; [`AuthError::InvalidPassword`],
    /// [`Refusal::InvalidCode`], [`Refusal::InvalidPasskey`]; [`AuthError::InvalidToken`] for an answer to another
    /// challenge; [`AuthError::Throttled`]; [`AuthError::Unauthenticated`] if the session ended, or was refreshed, in
    /// the meantime; [`AuthError::Unavailable`].
    pub async fn step_up(&self, caller: &Caller, proof: StepUp) -> Result<TokenPair, AuthError> {
        operation!(self.clock, "step_up", async {
            note("user", caller.user.id);
            let session = match proof {
                StepUp::Password(_) if caller.user.has_second_factor => {
                    return Err(AuthError::StepUpRequired);
                }
                StepUp::Password(password) => {
                    self.check_password(caller, password).await?;
                    let now = self.clock.now();
                    let session = caller.session.clone().with_first_factor(Factor::Password, now);
                    let session = session.with_new_tokens(now);
                    if !self.store.raise_session(&caller.user, &session).await? {
                        return Err(AuthError::Unauthenticated);
                    }
                    session
                }
                StepUp::Code(code) => {
                    let id = caller.session.id.to_string();
                    check_has_second_factor(caller)?;
                    let counted = self.count_second_factor(&["session", &id]).await?;
                    let raised = self.step_up_by(caller, Proof::Code(&code)).await?;
                    self.forget_tries(counted).await;
                    raised
                }
                StepUp::Passkey(answer) => {
                    check_has_second_factor(caller)?;
                    let answered = self.response_in_session(caller, &answer).await?;
                    self.step_up_by(caller, Proof::Passkey(answered.into())).await?
                }
            };
            Ok(self.token_pair(&caller.user, &session))
        })
    }

    async fn step_up_by(&self, caller: &Caller, proof: Proof<'_>) -> Result<Session, AuthError> {
        let Caller { user, session } = caller;
        let mut lost = 0;
        loop {
            let factors = self.store.factors(user.id).await?;
            let accepted = self.accept(user, &factors, &proof, &session.languages).await?;
            let Some(accepted) = accepted else { return Err(Refusal::InvalidCode.into()) };
            let now = self.clock.now();
            let raised = session.clone().with_second_factor(accepted.factor, now);
            let raised = raised.with_new_tokens(now);
            let mut events = accepted.events;
            if user.second_factor_ends_at.is_some() {
                events.push(NewEvent::of(EventKind::SecondFactorRemovalCanceled, user.id));
            }
            let change = FactorsChange {
                user,
                factors: &accepted.factors,
                session: Some(&raised),
                mails: &accepted.mails,
                events,
            };
            match self.store.change_factors(change).await? {
                FactorsChanged::Done => return Ok(raised),
                FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
            }
        }
    }

    /// The error that requires the second step. It has the token of the first step.
    pub(super) fn require_second_factor(
        &self,
        user: &User,
        factor: Factor,
        device: Option<String>,
        client: &Client,
    ) -> AuthError {
        let now = self.clock.now();
        let jti = self.random.id(now).to_string();
        let refresh_tokens = client.refresh_tokens;
        let step = FirstStep { factor, refresh_tokens, device, jti };
        let challenge = self.proofs.challenges().challenge(user, step, now);
        AuthError::SecondFactorRequired { challenge }
    }

    /// The user of a first step, if the user may still complete the log-in, and the factors.
    pub(super) async fn of_challenge(
        &self,
        claims: &ChallengeClaims,
    ) -> Result<(User, Factors), AuthError> {
        let (user, factors) =
            tokio::try_join!(self.store.user(claims.sub), self.store.factors(claims.sub))?;
        let user = user.ok_or_else(|| invalid("unknown_user"))?;
        if !user.is_active {
            return Err(invalid("inactive"));
        }
        if user.epoch != claims.epoch || !self.policy.may_log_in(&user) {
            return Err(invalid("changed_since"));
        }
        // The second factors ended in the meantime: the log-in must begin again, without them.
        if !user.has_second_factor || !factors.is_required() {
            return Err(invalid("no_second_factor"));
        }
        Ok((user, factors))
    }

    /// Counts an attempt before Latchkey compares its code, so that attempts at the same time cannot exceed the limit
    /// together. Returns the count.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn count_second_factor(
        &self,
        of: &[&str],
    ) -> Result<Option<(Guesser, Tally)>, AuthError> {
        if !self.policy.limits_guesses {
            return Ok(None);
        }
        let guesser = self.second_factor_guesser(of);
        let tally = self.store.tallies(std::slice::from_ref(&guesser)).await?.pop();
        let (tally, now) = (tally.unwrap_or_default(), self.clock.now());
        let permission = |tally: &Tally| Permission::by([tally], false, now);
        self.permit(permission(&tally), None)?;
        let counted = self.store.count_failure((&guesser, &tally), "", now, permission).await?;
        self.permit(counted, None)?;
        Ok(Some((guesser, tally)))
    }

    pub(super) fn second_factor_guesser(&self, of: &[&str]) -> Guesser {
        let parts: Vec<&str> = ["second factor"].iter().chain(of).copied().collect();
        Guesser { scope: Scope::SecondFactor, digest: self.proofs.blinds().of(&parts) }
    }

    /// Resets the count of wrong codes after a right code. If the table does not answer, the count stays, because the
    /// step is already done.
    pub(super) async fn forget_tries(&self, counted: Option<(Guesser, Tally)>) {
        let Some((guesser, _)) = counted else { return };
        if let Err(error) = self.store.forget(&guesser).await {
            let error = AuthError::from(error);
            let error = crate::error::Report(&error);
            tracing::warn!(%error, "wrong codes before a right one still count");
        }
    }

    /// Mails the user if the wrong codes in a log-in have reached the limit, because an attacker may know the password.
    async fn report_guessing(
        &self,
        counted: Option<&(Guesser, Tally)>,
        user: &User,
    ) -> Result<(), AuthError> {
        let Some((guesser, before)) = counted else { return Ok(()) };
        let (mut tally, now) = (before.clone(), self.clock.now());
        if tally.count(guesser.scope, "", now).is_none() {
            return Ok(());
        }
        let mails = self.notices_to_all(Notice::SecondFactorGuessed, user, &Languages::default());
        Ok(self
            .store
            .add_event_with_mails(
                NewEvent::of(EventKind::SecondFactorLocked, user.id)
                    .by(crate::model::Actor::Anonymous),
                &mails,
            )
            .await?)
    }
}

fn check_has_second_factor(caller: &Caller) -> Result<(), AuthError> {
    if caller.user.has_second_factor { Ok(()) } else { Err(Refusal::NoSecondFactor.into()) }
}
