//! Passkeys as proofs: a log-in by a passkey alone, the second step of a log-in, and a step-up in a session.

use super::log_in::LoggedIn;
use super::page_session::{Area, PageSession};
use super::passkey_ceremony::{PasskeyResponse, descriptors, refused};
use super::second_factor_proof::Proof;
use super::secondary_email::count_lost;
use super::{Accounts, Caller};
use crate::error::{AuthError, Refusal};
use crate::model::{ChallengePurpose, Client, Factor, Factors, User, UserId};
use crate::store::{SecondStep, TwoStepLogIn};
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};
use crate::webauthn::UserVerification;

/// A passkey that logs a user in alone counts as two factors: the authenticator, and its PIN or biometry.
const ALONE: UserVerification = UserVerification::Required;
/// After another factor, the authenticator is enough.
const AFTER_ANOTHER: UserVerification = UserVerification::Discouraged;

impl Accounts {
    /// Begins a log-in by a passkey, without a username: the user picks the passkey. Returns the options for
    /// `PublicKeyCredential.parseRequestOptionsFromJSON`, as JSON. Except for the WebAuthn challenge, they are the same
    /// for every user. [`Accounts::passkey_log_in`] takes the answer, within five minutes.
    ///
    /// # Errors
    /// [`Refusal::PasskeysOff`]; [`AuthError::Throttled`] beyond the limits of a network; [`AuthError::Unavailable`].
    pub async fn begin_passkey_log_in(&self, client: &Client) -> Result<String, AuthError> {
        operation!(self.clock, "begin_passkey_log_in", async {
            self.relying_party()?;
            self.admit_challenge(client).await?;
            self.request_passkey(ChallengePurpose::LogIn, Vec::new(), ALONE).await
        })
    }

    /// Opens a session by a passkey alone, by the answer of the authenticator (`JSON.stringify(credential)`). The session
    /// has two factors, so no second step follows. The answer is the same for an unknown passkey, a banned user and a
    /// wrong signature; only the log has the reason.
    ///
    /// # Errors
    /// [`Refusal::PasskeysOff`]; [`AuthError::InvalidToken`] for an answer that arrives twice or late;
    /// [`Refusal::InvalidPasskey`]; [`AuthError::Unavailable`].
    pub async fn passkey_log_in(
        &self,
        answer: &str,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let result = operation!(self.clock, "passkey_log_in", async {
            self.relying_party()?;
            let answered = self.read_response(answer, &ChallengePurpose::LogIn, ALONE).await?;
            let (now, mut lost) = (self.clock.now(), 0);
            let owner = self.store.passkey_owner(answered.credential_id()).await?;
            let owner = owner.unwrap_or_else(|| self.unused_id());
            let (user, session) = loop {
                let (user, factors) = self.owner_of_passkey(owner).await?;
                let accepted = self.accept_passkey(&user, &factors, &answered).await?;
                let session = self.new_session(&user, Factor::Passkey, client);
                let session = session.with_second_factor(Factor::Passkey, now);
                let (factors, mails) = (&accepted.factors, accepted.mails.as_slice());
                let step = SecondStep {
                    first: None,
                    factors,
                    is_first_factor: false,
                    mails,
                    events: accepted.events,
                };
                match self.open_session_by_two_steps(&user, &session, step).await? {
                    (TwoStepLogIn::Done, others) => {
                        let is_known = self.known_device(&user, client).is_some();
                        self.after_log_in(&user, &session, is_known, others.as_deref()).await;
                        break (user, session);
                    }
                    (TwoStepLogIn::Used | TwoStepLogIn::Changed | TwoStepLogIn::Taken, _) => {
                        count_lost(&mut lost)?;
                    }
                }
            };
            let name = self.known_device(&user, client);
            let name = name.unwrap_or_else(|| self.random.id(now).to_string());
            let device = self.proofs.devices().token(&user, name, now);
            Ok(self.logged_in(user, session, device))
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Opens a session of the pages by a passkey alone. [`Accounts::passkey_log_in`] opens one of the API.
    ///
    /// # Errors
    /// As [`Accounts::passkey_log_in`]; for the console, [`AuthError::InvalidCredentials`] if the user is not staff.
    pub async fn open_pages_by_passkey(
        &self,
        area: Area,
        answer: &str,
        client: &Client,
    ) -> Result<PageSession, AuthError> {
        operation!(self.clock, "open_pages_by_passkey", async {
            let client = Client { refresh_tokens: area.kind(), ..client.clone() };
            let opened = Box::pin(self.passkey_log_in(answer, &client)).await?;
            self.page_session(area, opened).await
        })
    }

    /// Begins the second step of a log-in, with a passkey. `challenge` is the log-in challenge: the token of the first
    /// step, which stays valid. Returns the options as JSON. [`Accounts::complete_log_in_by_passkey`] takes the answer.
    ///
    /// # Errors
    /// [`Refusal::PasskeysOff`]; [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for the token of the first
    /// step; [`AuthError::Throttled`] beyond the limits of a network; [`Refusal::NoSecondFactor`] if the user has no
    /// passkey; [`AuthError::Unavailable`].
    pub async fn begin_second_step(
        &self,
        challenge: &str,
        client: &Client,
    ) -> Result<String, AuthError> {
        operation!(self.clock, "begin_second_step", async {
            self.relying_party()?;
            let now = self.clock.now();
            let claims = self.proofs.challenges().read_challenge(challenge.trim(), now)?;
            note("user", claims.sub);
            self.admit_challenge(client).await?;
            let (_, factors) = self.of_challenge(&claims).await?;
            let allowed = descriptors(&factors);
            if allowed.is_empty() {
                return Err(Refusal::NoSecondFactor.into());
            }
            let purpose = ChallengePurpose::SecondStep { jti: claims.jti };
            self.request_passkey(purpose, allowed, AFTER_ANOTHER).await
        })
    }

    /// Opens the session of a log-in that needs a second factor, by the answer of an authenticator to
    /// [`Accounts::begin_second_step`]. `challenge` is the token of the first step. It works once.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for the token of the first step, and for an answer
    /// that arrives twice, late or for another log-in; [`Refusal::InvalidPasskey`]; [`AuthError::Unavailable`].
    pub async fn complete_log_in_by_passkey(
        &self,
        challenge: &str,
        answer: &str,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let result = operation!(self.clock, "complete_log_in_by_passkey", async {
            let claims = self.read_first_step(challenge, client)?;
            let purpose = ChallengePurpose::SecondStep { jti: claims.jti.clone() };
            let answered = self.read_response(answer, &purpose, AFTER_ANOTHER).await?;
            self.second_step(claims, Proof::Passkey(answered.into()), None, client).await
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Opens a session of the pages. [`Accounts::complete_log_in_by_passkey`] opens one of the API.
    ///
    /// # Errors
    /// As [`Accounts::complete_log_in_by_passkey`]; for the console, [`AuthError::InvalidCredentials`] if the user is
    /// not staff.
    pub async fn complete_pages_by_passkey(
        &self,
        area: Area,
        challenge: &str,
        answer: &str,
        client: &Client,
    ) -> Result<PageSession, AuthError> {
        operation!(self.clock, "complete_pages_by_passkey", async {
            let client = Client { refresh_tokens: area.kind(), ..client.clone() };
            let opened = self.complete_log_in_by_passkey(challenge, answer, &client);
            let opened = Box::pin(opened).await?;
            self.page_session(area, opened).await
        })
    }

    /// Begins a step-up by a passkey, in the session of the caller. Returns the options as JSON. [`Accounts::step_up`]
    /// takes the answer.
    ///
    /// # Errors
    /// [`Refusal::PasskeysOff`]; [`Refusal::NoSecondFactor`] if the user has no passkey; [`AuthError::Unavailable`].
    pub async fn begin_step_up(&self, caller: &Caller) -> Result<String, AuthError> {
        operation!(self.clock, "begin_step_up", async {
            note("user", caller.user.id);
            self.relying_party()?;
            let factors = self.present_factors(caller).await?;
            let allowed = descriptors(&factors);
            if allowed.is_empty() {
                return Err(Refusal::NoSecondFactor.into());
            }
            let purpose = ChallengePurpose::StepUp { session_id: caller.session.id };
            self.request_passkey(purpose, allowed, ALONE).await
        })
    }

    /// The answer to [`Accounts::begin_step_up`]. If a passkey alone opened the session, the user has proven no other
    /// factor. So the authenticator must verify the user again.
    pub(super) async fn response_in_session(
        &self,
        caller: &Caller,
        answer: &str,
    ) -> Result<PasskeyResponse, AuthError> {
        self.relying_party()?;
        let purpose = ChallengePurpose::StepUp { session_id: caller.session.id };
        self.read_response(answer, &purpose, ALONE).await
    }

    /// The owner of a passkey, if this user may log in, and the factors of the user.
    async fn owner_of_passkey(&self, id: UserId) -> Result<(User, Factors), AuthError> {
        let (user, factors) = tokio::try_join!(self.store.user(id), self.store.factors(id))?;
        let user = user.ok_or_else(|| refused("unknown_passkey"))?;
        note("user", user.id);
        if !user.is_active {
            return Err(refused("inactive"));
        }
        if !self.policy.may_log_in(&user) {
            return Err(refused("not_verified"));
        }
        // Staff have removed the second factors, with the passkeys.
        if !user.has_second_factor {
            return Err(refused("no_second_factor"));
        }
        Ok((user, factors))
    }

    /// The name of the client's device, if its device token is valid: the user has logged in on this device before.
    pub(super) fn known_device(&self, user: &User, client: &Client) -> Option<String> {
        let token = client.device.as_deref()?;
        let claims = self.proofs.devices().read(token, self.clock.now()).ok()?;
        (claims.sub == user.id && claims.epoch == user.epoch).then_some(claims.jti)
    }
}
