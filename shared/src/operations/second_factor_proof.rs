//! Verifies proofs of a second factor: codes of an authenticator app, recovery codes, and passkeys.

use super::Accounts;
use super::passkey_ceremony::PasskeyResponse;
use crate::crypto::{Verdict, totp};
use crate::error::AuthError;
use crate::model::{
    App, EventKind, Factor, Factors, ImportedCode, Languages, Mail, NewEvent, Notice,
    PlainRecoveryCode, RecoveryCode, User,
};

/// The proof of a second factor.
pub(super) enum Proof<'a> {
    /// A code of the authenticator app, or a recovery code.
    Code(&'a str),
    /// The answer of an authenticator.
    Passkey(Box<PasskeyResponse>),
}

/// A right proof of a second factor, with the changes to write.
pub(super) struct AcceptedProof {
    pub(super) factor: Factor,
    /// The factors after the proof: no code works twice.
    pub(super) factors: Factors,
    pub(super) mails: Vec<Mail>,
    pub(super) events: Vec<NewEvent>,
}

impl Accounts {
    /// Verifies a proof, and returns the factors after it. `None` if a code is wrong.
    ///
    /// # Errors
    /// [`InvalidPasskey`](crate::error::Refusal::InvalidPasskey), [`AuthError::Unavailable`].
    pub(super) async fn accept(
        &self,
        user: &User,
        factors: &Factors,
        proof: &Proof<'_>,
        languages: &Languages,
    ) -> Result<Option<AcceptedProof>, AuthError> {
        match proof {
            Proof::Code(typed) => self.accept_code(user, factors, typed, languages).await,
            Proof::Passkey(answered) => {
                self.accept_passkey(user, factors, answered).await.map(Some)
            }
        }
    }

    /// Verifies a code, and returns the factors after it. `None` if the code is wrong. A text in the form of a recovery
    /// code counts as a recovery code, and any other text as a code of the app. An attempt costs at most one hash. A
    /// recovery code ends all trusts in devices, because the user may have lost one of them.
    async fn accept_code(
        &self,
        user: &User,
        factors: &Factors,
        typed: &str,
        languages: &Languages,
    ) -> Result<Option<AcceptedProof>, AuthError> {
        let codes = &factors.recovery_codes;
        let imported =
            ImportedCode::parse(typed).filter(|_| codes.iter().any(RecoveryCode::is_imported));
        let found = if let Some(code) = imported {
            let hashes = codes.iter().map(|code| code.hash.clone()).collect();
            self.hasher.find(code.secret(), hashes).await
        } else if let Some(code) = PlainRecoveryCode::parse(typed) {
            let found = codes.iter().position(|it| it.label == code.label());
            let hash = found.map(|index| codes[index].hash.clone());
            let verdict = self.hasher.verify(code.secret(), hash).await;
            verdict.map(|verdict| found.filter(|_| verdict != Verdict::Wrong))
        } else {
            return self.accept_app(user, factors, typed);
        };
        let Some(index) = found.map_err(AuthError::Unavailable)? else { return Ok(None) };
        let mut factors = factors.clone();
        factors.recovery_codes.remove(index);
        factors.trusted_devices.clear();
        let left = u32::try_from(factors.recovery_codes.len()).unwrap_or(u32::MAX);
        let event = NewEvent::of(EventKind::RecoveryCodeUsed, user.id).times(left);
        Ok(Some(AcceptedProof {
            factor: Factor::RecoveryCode,
            factors,
            mails: self.notices_to_all(Notice::RecoveryCodeUsed, user, languages),
            events: vec![event.with(Factor::RecoveryCode)],
        }))
    }

    fn accept_app(
        &self,
        user: &User,
        factors: &Factors,
        typed: &str,
    ) -> Result<Option<AcceptedProof>, AuthError> {
        let Some(app) = &factors.app else { return Ok(None) };
        let opened = self.app_secret(user.id, app)?;
        let now = self.clock.now();
        let step = totp::accept(&opened.bytes, typed, app.last_step, now);
        let Some(step) = step else { return Ok(None) };
        // The newest key encrypts the secret of an app at its next use. So the operator can delete the old
        // `AUTH_SECRET` after a while.
        let secret = if opened.is_newest {
            app.secret.clone()
        } else {
            self.proofs.vault().lock(&user.id.to_string(), &opened.bytes, &self.random)
        };
        let app = App { secret, last_step: step, last_used_at: now, ..app.clone() };
        let factors = Factors { app: Some(app), ..factors.clone() };
        let (mails, events) = (Vec::new(), Vec::new());
        Ok(Some(AcceptedProof { factor: Factor::App, factors, mails, events }))
    }
}
