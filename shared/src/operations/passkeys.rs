//! The passkeys of a user: add, list, rename and remove them. `passkey_log_in.rs` has the log-ins.

use serde::Serialize;

use super::change_password::check_verified;
use super::factors::FactorAdded;
use super::passkey_ceremony::{descriptors, json, refused};
use super::secondary_email::count_lost;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Refusal, Violations};
use crate::model::factor::MOST_PASSKEYS;
use crate::model::name::Name;
use crate::model::{
    ChallengePurpose, EventKind, Factor, Factors, NewEvent, Notice, Passkey, PlainPassword,
    SessionId, User,
};
use crate::store::FactorsChanged;
use crate::telemetry::{note, operation};
use crate::webauthn::{
    Account, Challenge, CredentialId, RelyingParty, UserHandle, UserVerification,
};

/// The passkeys of a user, as the user sees them.
#[derive(Clone, Debug)]
pub struct PasskeyList {
    /// The passkeys, in the order in which they were added.
    pub passkeys: Vec<Passkey>,
    /// The argument of `PublicKeyCredential.signalAllAcceptedCredentials`, as JSON. The provider hides the passkeys
    /// that are not in it. `None` if the user has no user handle yet, or no second factor any more. The answer to the
    /// removal of the last passkey still has it.
    pub accepted: Option<String>,
}

/// The argument of `signalAllAcceptedCredentials` (§5.1.10.3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AcceptedCredentials<'a> {
    rp_id: &'a str,
    user_id: &'a UserHandle,
    all_accepted_credential_ids: Vec<&'a CredentialId>,
}

impl Accounts {
    /// Begins to add a passkey. Returns the options for `PublicKeyCredential.parseCreationOptionsFromJSON`, as JSON.
    /// [`Accounts::add_passkey`] takes the answer, within five minutes and in the same session.
    ///
    /// # Errors
    /// In this order: [`Refusal::PasskeysOff`]; [`AuthError::NotVerified`], because an account with an unverified
    /// address may belong to a stranger; [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`],
    /// [`AuthError::ReauthenticationRequired`], [`AuthError::Throttled`]; [`Refusal::TooManyPasskeys`];
    /// [`AuthError::Unavailable`].
    pub async fn begin_passkey(
        &self,
        caller: &Caller,
        password: Option<PlainPassword>,
    ) -> Result<String, AuthError> {
        operation!(self.clock, "begin_passkey", async {
            let Caller { user, session } = caller;
            note("user", user.id);
            self.relying_party()?;
            check_verified(user)?;
            self.confirm_recent(caller, password).await?;
            let factors = self.present_factors(caller).await?;
            if factors.passkeys.len() >= MOST_PASSKEYS {
                return Err(Refusal::TooManyPasskeys.into());
            }
            self.request_new_passkey(user, session.id, &factors).await
        })
    }

    /// Stores a challenge for a new passkey of the user. Returns its options as JSON. The answer counts only in that
    /// session.
    pub(super) async fn request_new_passkey(
        &self,
        user: &User,
        session_id: SessionId,
        factors: &Factors,
    ) -> Result<String, AuthError> {
        let party = self.relying_party()?;
        let handle = factors.user_handle.clone();
        let handle = handle.unwrap_or_else(|| UserHandle::new(&self.random));
        let challenge = Challenge::new(&self.random);
        let display_name = format!("{} {}", user.first_name, user.last_name);
        let account =
            Account { handle: &handle, name: &user.email, display_name: display_name.trim() };
        let options = party.creation_options(
            &self.policy.site_name,
            account,
            &challenge,
            descriptors(factors),
            UserVerification::Required,
        );
        let options = json(&options)?;
        let purpose = ChallengePurpose::Registration { user_id: user.id, session_id, handle };
        self.store.add_challenge(&challenge, purpose).await?;
        Ok(options)
    }

    /// Adds a passkey, by the answer of the authenticator (`JSON.stringify(credential)`). From then on, a log-in needs
    /// a second factor, or the passkey alone. Without a name, the passkey has the name of its provider. Mails a notice.
    /// In the session, the second factor counts as proven.
    ///
    /// # Errors
    /// [`Refusal::PasskeysOff`]; [`AuthError::NotVerified`]; [`AuthError::Invalid`] for the name;
    /// [`Refusal::InvalidPasskey`], also for a passkey that any user already has; [`AuthError::InvalidToken`] for an
    /// answer that arrives twice, late or in another session; [`Refusal::TooManyPasskeys`];
    /// [`AuthError::Unauthenticated`] if the session ended, or was refreshed, in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn add_passkey(
        &self,
        caller: &Caller,
        answer: &str,
        name: &str,
    ) -> Result<FactorAdded, AuthError> {
        operation!(self.clock, "add_passkey", async {
            let Caller { user, session } = caller;
            note("user", user.id);
            check_verified(user)?;
            let (passkey, handle) = self.new_passkey(user, session.id, answer, name).await?;
            let now = self.clock.now();
            let (codes, stored) = self.new_recovery_codes().await?;
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                let has_handle = factors.user_handle.as_ref().is_some_and(|own| *own != handle);
                if has_handle || factors.passkey(&passkey.credential.id).is_some() {
                    return Err(refused("known_passkey"));
                }
                if factors.passkeys.len() >= MOST_PASSKEYS {
                    return Err(Refusal::TooManyPasskeys.into());
                }
                factors.add_passkey(passkey.clone(), handle.clone());
                let has_codes = !factors.recovery_codes.is_empty();
                if !has_codes {
                    factors.recovery_codes.clone_from(&stored);
                }
                let raised = session.clone().with_second_factor(Factor::Passkey, now);
                let raised = raised.with_new_tokens(now);
                let event = NewEvent::of(EventKind::PasskeyAdded, user.id).about(session.id);
                let mails = self.factor_notices(caller, Notice::FactorAdded);
                match self.change(caller, &factors, Some(&raised), &mails, event).await? {
                    FactorsChanged::Done => {
                        let tokens = self.token_pair(user, &raised);
                        let recovery_codes = if has_codes { Vec::new() } else { codes };
                        return Ok(FactorAdded { recovery_codes, tokens });
                    }
                    FactorsChanged::Taken => return Err(refused("known_passkey")),
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed => count_lost(&mut lost)?,
                }
            }
        })
    }

    /// The passkeys of the caller.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn passkeys(&self, caller: &Caller) -> Result<PasskeyList, AuthError> {
        operation!(self.clock, "passkeys", async {
            note("user", caller.user.id);
            if !caller.user.has_second_factor {
                return Ok(PasskeyList { passkeys: Vec::new(), accepted: None });
            }
            self.passkey_list(self.store.factors(caller.user.id).await?)
        })
    }

    /// Gives a passkey of the caller another name.
    ///
    /// # Errors
    /// [`AuthError::Invalid`]; [`AuthError::NotFound`] for a passkey that the caller does not have;
    /// [`AuthError::Unauthenticated`] if all sessions ended in the meantime; [`AuthError::Unavailable`].
    pub async fn rename_passkey(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
    ) -> Result<PasskeyList, AuthError> {
        operation!(self.clock, "rename_passkey", async {
            note("user", caller.user.id);
            let (id, name) = (parse_id(id)?, parse_name(name)?);
            if name.is_empty() {
                let required = [crate::error::Violation::Required];
                return Err(Violations::of(Field::PasskeyName, required).into());
            }
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                let mut passkeys = factors.passkeys.iter_mut();
                let passkey = passkeys.find(|passkey| passkey.credential.id == id);
                passkey.ok_or(AuthError::NotFound)?.name.clone_from(&name);
                let event = NewEvent::of(EventKind::PasskeyRenamed, caller.user.id);
                match self.write_factors(caller, &factors, None, &[], event).await? {
                    FactorsChanged::Done => return self.passkey_list(factors),
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
                }
            }
        })
    }

    /// Removes a passkey of the caller. Without any other factor, the recovery codes are deleted, too. Mails a notice.
    /// Returns the remaining passkeys.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`]; [`Refusal::NoSecondFactor`]; [`AuthError::StepUpRequired`] without a proof of the
    /// second factor in the last minutes; [`AuthError::NotFound`] for a passkey that the caller does not have;
    /// [`Refusal::LastWayIn`] for the last passkey of a user without a password; [`Refusal::LastFactor`] for the
    /// last factor of a user who must have one; [`AuthError::Unauthenticated`] if all sessions ended in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn remove_passkey(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<PasskeyList, AuthError> {
        operation!(self.clock, "remove_passkey", async {
            let user = &caller.user;
            note("user", user.id);
            self.with_second_factor(caller)?;
            let id = parse_id(id)?;
            let mut lost = 0;
            loop {
                let mut factors = self.present_factors(caller).await?;
                factors.remove_passkey(&id).ok_or(AuthError::NotFound)?;
                if factors.passkeys.is_empty() && user.password.is_none() {
                    return Err(Refusal::LastWayIn.into());
                }
                if !factors.is_required() {
                    self.check_may_lack_factors(user).await?;
                }
                let event = NewEvent::of(EventKind::PasskeyRemoved, user.id);
                let mails = self.factor_notices(caller, Notice::FactorRemoved);
                match self.change(caller, &factors, None, &mails, event).await? {
                    FactorsChanged::Done => return self.passkey_list(factors),
                    FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                    FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
                }
            }
        })
    }

    /// Whether the site has passkeys. Browsers have none for a site without a domain name.
    pub fn has_passkeys(&self) -> bool {
        self.policy.relying_party.is_some()
    }

    /// The origins of other domains whose pages may use the passkeys of this site. `/.well-known/webauthn` lists them.
    pub fn related_origins(&self) -> &[String] {
        self.policy.relying_party.as_ref().map_or(&[], RelyingParty::related)
    }

    pub(super) fn relying_party(&self) -> Result<&RelyingParty, AuthError> {
        self.policy.relying_party.as_ref().ok_or(Refusal::PasskeysOff.into())
    }

    fn passkey_list(&self, factors: Factors) -> Result<PasskeyList, AuthError> {
        let handle = factors.user_handle.as_ref();
        let party = self.policy.relying_party.as_ref();
        let accepted = party.zip(handle).map(|(party, user_id)| {
            let ids = factors.passkeys.iter().map(|passkey| &passkey.credential.id);
            let all_accepted_credential_ids = ids.collect();
            json(&AcceptedCredentials { rp_id: party.id(), user_id, all_accepted_credential_ids })
        });
        Ok(PasskeyList { accepted: accepted.transpose()?, passkeys: factors.passkeys })
    }
}

pub(super) fn parse_name(name: &str) -> Result<String, AuthError> {
    let name = Name::parse_label(name);
    let name = name.map_err(|violations| Violations::of(Field::PasskeyName, violations))?;
    Ok(name.as_str().to_owned())
}

fn parse_id(id: &str) -> Result<CredentialId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound)
}
