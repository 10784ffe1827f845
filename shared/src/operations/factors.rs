//! Add, remove and replace second factors.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::change_password::check_verified;
use super::secondary_email::count_lost;
use super::{Accounts, Caller, TokenPair};
use crate::crypto::SetupClaims;
use crate::crypto::totp::{self, SECRET_BYTES};
use crate::error::{AuthError, Refusal};
use crate::model::factor::RECOVERY_CODES;
use crate::model::{
    App, EventKind, Factor, Factors, Mail, NewEvent, Notice, PlainPassword, PlainRecoveryCode,
    RecoveryCode, Session, SessionId, User,
};
use crate::store::{FactorsChange, FactorsChanged};
use crate::telemetry::{note, operation};

/// A new authenticator app, before its first code.
#[derive(Clone)]
pub struct NewApp {
    /// The secret, as the user types it into the app.
    pub secret: String,
    /// The secret as a URI, for a QR code.
    pub uri: String,
    /// The token that goes with the first code.
    pub setup: String,
}

impl std::fmt::Debug for NewApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewApp")
    }
}

/// A factor that was added.
#[derive(Clone, Debug)]
pub struct FactorAdded {
    /// The recovery codes, which no later answer shows. Empty if the user already has some.
    pub recovery_codes: Vec<PlainRecoveryCode>,
    /// The next tokens of the session, which claim the second factor.
    pub tokens: TokenPair,
}

/// The second factors of a user, as the user sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorList {
    /// When the authenticator app was added, and when its last code was accepted.
    pub app: Option<(Timestamp, Timestamp)>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

impl Accounts {
    /// The second factors of the caller.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn factors(&self, caller: &Caller) -> Result<FactorList, AuthError> {
        operation!(self.clock, "factors", async {
            note("user", caller.user.id);
            if !caller.user.has_second_factor {
                return Ok(FactorList { app: None, recovery_codes: 0 });
            }
            let factors = self.store.factors(caller.user.id).await?;
            let app = factors.app.map(|app| (app.added_at, app.last_used_at));
            Ok(FactorList { app, recovery_codes: factors.recovery_codes.len() })
        })
    }

    /// Makes the secret of a new authenticator app. Stores nothing: [`Accounts::add_app`] adds the app by its first
    /// code.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], because an account with an unverified address may belong to a
    /// stranger; [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`],
    /// [`AuthError::ReauthenticationRequired`], [`AuthError::Throttled`]; [`Refusal::FactorExists`];
    /// [`AuthError::Unavailable`].
    pub async fn begin_app(
        &self,
        caller: &Caller,
        password: Option<PlainPassword>,
    ) -> Result<NewApp, AuthError> {
        operation!(self.clock, "begin_app", async {
            let Caller { user, session } = caller;
            note("user", user.id);
            check_verified(user)?;
            self.confirm_recent(caller, password).await?;
            if self.present_factors(caller).await?.app.is_some() {
                return Err(Refusal::FactorExists.into());
            }
            Ok(self.make_app(user, session.id))
        })
    }

    /// A new app for the user in that session. Its setup token is good there only.
    pub(super) fn make_app(&self, user: &User, session: SessionId) -> NewApp {
        let secret: [u8; SECRET_BYTES] = self.random.bytes();
        let locked = self.proofs.vault().lock(&user.id.to_string(), &secret, &self.random);
        let now = self.clock.now();
        let setup = self.proofs.challenges().setup(user.id, session, locked, now);
        self.new_app(user, &secret, setup)
    }

    /// Returns the new app of a setup token again, for the page after a wrong code.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`], [`AuthError::InvalidToken`].
    pub async fn begun_app(&self, caller: &Caller, setup: &str) -> Result<NewApp, AuthError> {
        operation!(self.clock, "begun_app", async {
            note("user", caller.user.id);
            self.show_app(&caller.user, caller.session.id, setup)
        })
    }

    /// The new app of a setup token of that session.
    pub(super) fn show_app(
        &self,
        user: &User,
        session: SessionId,
        setup: &str,
    ) -> Result<NewApp, AuthError> {
        let claims = self.read_setup(user, session, setup)?;
        let secret = self.setup_secret(user, &claims)?;
        Ok(self.new_app(user, &secret, setup.trim().to_owned()))
    }

    /// The new app of a setup token of that session, if `code` is a right code of this app.
    pub(super) async fn first_code(
        &self,
        user: &User,
        session: SessionId,
        setup: &str,
        code: &str,
    ) -> Result<App, AuthError> {
        let now = self.clock.now();
        let claims = self.read_setup(user, session, setup)?;
        let secret = self.setup_secret(user, &claims)?;
        let counted = self.count_second_factor(&["session", &session.to_string()]).await?;
        let step = totp::accept(&secret, code, 0, now).ok_or(Refusal::InvalidCode)?;
        self.forget_tries(counted).await;
        Ok(App { secret: claims.secret, added_at: now, last_step: step, last_used_at: now })
    }

    /// Adds an authenticator app, by its first code. From then on, a log-in needs a second factor. Mails a notice. In
    /// the session, the second factor counts as proven. Other sessions stay: offer the user to end them.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`]; [`AuthError::ExpiredToken`], [`AuthError::InvalidToken`] for `setup`;
    /// [`AuthError::Throttled`]; [`Refusal::InvalidCode`]; [`Refusal::FactorExists`];
    /// [`AuthError::Unauthenticated`] if the session ended, or was refreshed, in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn add_app(
        &self,
        caller: &Caller,
        setup: &str,
        code: &str,
    ) -> Result<FactorAdded, AuthError> {
        operation!(self.clock, "add_app", async {
            let Caller { user, session } = caller;
            note("user", user.id);
            check_verified(user)?;
            let app = self.first_code(user, session.id, setup, code).await?;
            let now = self.clock.now();
            let (codes, stored) = self.new_recovery_codes().await?;
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                if factors.app.is_some() {
                    return Err(Refusal::FactorExists.into());
                }
                factors.app = Some(app.clone());
                let has_codes = !factors.recovery_codes.is_empty();
                if !has_codes {
                    factors.recovery_codes.clone_from(&stored);
                }
                let raised = session.clone().with_second_factor(Factor::App, now);
                let raised = raised.with_new_tokens(now);
                let event = NewEvent::of(EventKind::AppAdded, user.id).about(session.id);
                let mails = self.factor_notices(caller, Notice::FactorAdded);
                match self.change(caller, &factors, Some(&raised), &mails, event).await? {
                    FactorsChanged::Done => {
                        let tokens = self.token_pair(user, &raised);
                        let recovery_codes = if has_codes { Vec::new() } else { codes };
                        return Ok(FactorAdded { recovery_codes, tokens });
                    }
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
                }
            }
        })
    }

    /// Removes the authenticator app. Without any other factor, the recovery codes are deleted, too. Mails a notice.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`]; [`Refusal::NoSecondFactor`]; [`AuthError::StepUpRequired`] without a proof of the
    /// second factor in the last minutes; [`Refusal::LastFactor`] for the last factor of a user who must have one;
    /// [`AuthError::Unauthenticated`] if all sessions ended in the meantime; [`AuthError::Unavailable`].
    pub async fn remove_app(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "remove_app", async {
            note("user", caller.user.id);
            self.with_second_factor(caller)?;
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                factors.app.take().ok_or(Refusal::NoSecondFactor)?;
                if !factors.is_required() {
                    self.check_may_lack_factors(&caller.user).await?;
                }
                let event = NewEvent::of(EventKind::AppRemoved, caller.user.id);
                let mails = self.factor_notices(caller, Notice::FactorRemoved);
                match self.change(caller, &factors, None, &mails, event).await? {
                    FactorsChanged::Done => return Ok(()),
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
                }
            }
        })
    }

    /// Returns new recovery codes. The old ones no longer work. Mails a notice.
    ///
    /// # Errors
    /// As [`Accounts::remove_app`].
    pub async fn replace_recovery_codes(
        &self,
        caller: &Caller,
    ) -> Result<Vec<PlainRecoveryCode>, AuthError> {
        operation!(self.clock, "replace_recovery_codes", async {
            note("user", caller.user.id);
            self.with_second_factor(caller)?;
            let (codes, stored) = self.new_recovery_codes().await?;
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                if !factors.is_required() {
                    return Err(Refusal::NoSecondFactor.into());
                }
                factors.recovery_codes.clone_from(&stored);
                let event = NewEvent::of(EventKind::RecoveryCodesReplaced, caller.user.id);
                let mails = self.factor_notices(caller, Notice::RecoveryCodesReplaced);
                match self.change(caller, &factors, None, &mails, event).await? {
                    FactorsChanged::Done => return Ok(codes),
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
                }
            }
        })
    }

    fn new_app(&self, user: &User, secret: &[u8], setup: String) -> NewApp {
        NewApp {
            secret: totp::secret_text(secret),
            uri: totp::uri(secret, &self.policy.site_name, &user.email),
            setup,
        }
    }

    /// The claims of a setup token of this session.
    fn read_setup(
        &self,
        user: &User,
        session: SessionId,
        setup: &str,
    ) -> Result<SetupClaims, AuthError> {
        let claims = self.proofs.challenges().read_setup(setup.trim(), self.clock.now())?;
        if claims.sub != user.id || claims.sid != session {
            return Err(super::authenticate::invalid("other_session"));
        }
        Ok(claims)
    }

    fn setup_secret(
        &self,
        user: &User,
        claims: &SetupClaims,
    ) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let opened = self.proofs.vault().open(&user.id.to_string(), &claims.secret);
        opened.map(|opened| opened.bytes).ok_or(AuthError::InvalidToken)
    }

    /// Succeeds only if the user has a second factor, and has proven it in this session in the last minutes.
    pub(super) fn with_second_factor(&self, caller: &Caller) -> Result<(), AuthError> {
        check_verified(&caller.user)?;
        if caller.user.has_second_factor {
            self.check_second_factor(caller)
        } else {
            Err(Refusal::NoSecondFactor.into())
        }
    }

    /// The present factors of the caller. Factors that staff have removed stay in the table until the next log-in, but
    /// are not in the result.
    pub(super) async fn present_factors(&self, caller: &Caller) -> Result<Factors, AuthError> {
        let factors = self.store.factors(caller.user.id).await?;
        Ok(if caller.user.had_second_factor { factors.emptied() } else { factors })
    }

    /// Writes a change of the factors. It ends all trusts in devices.
    pub(super) async fn change(
        &self,
        caller: &Caller,
        factors: &Factors,
        session: Option<&Session>,
        mails: &[Mail],
        event: NewEvent,
    ) -> Result<FactorsChanged, AuthError> {
        let factors = &Factors { trusted_devices: Vec::new(), ..factors.clone() };
        self.write_factors(caller, factors, session, mails, event).await
    }

    /// The same, without the end of trusts.
    pub(super) async fn write_factors(
        &self,
        caller: &Caller,
        factors: &Factors,
        session: Option<&Session>,
        mails: &[Mail],
        event: NewEvent,
    ) -> Result<FactorsChanged, AuthError> {
        let (user, events) = (&caller.user, vec![event]);
        let change = FactorsChange { user, factors, session, mails, events };
        Ok(self.store.change_factors(change).await?)
    }

    pub(super) fn factor_notices(&self, caller: &Caller, notice: Notice) -> Vec<Mail> {
        self.notices_to_all(notice, &caller.user, &caller.session.languages)
    }

    /// New recovery codes: in clear, as the user sees them once, and hashed, as the table stores them.
    pub(super) async fn new_recovery_codes(
        &self,
    ) -> Result<(Vec<PlainRecoveryCode>, Vec<RecoveryCode>), AuthError> {
        let mut codes: Vec<PlainRecoveryCode> = Vec::new();
        let mut stored = Vec::new();
        while codes.len() < RECOVERY_CODES {
            let code = PlainRecoveryCode::of(self.random.bytes());
            // Latchkey finds a code by its label, so each code has a different one.
            if codes.iter().any(|other| other.label() == code.label()) {
                continue;
            }
            let hash = self.hash(code.secret()).await?;
            stored.push(RecoveryCode { label: code.label().to_owned(), hash });
            codes.push(code);
        }
        Ok((codes, stored))
    }
}
