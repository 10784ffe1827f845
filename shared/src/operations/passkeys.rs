//! The passkeys of a user: add, list, rename and remove them.
//!
//! The table stores each WebAuthn challenge, with its purpose. Each challenge counts once: a conditional write deletes
//! it before Latchkey verifies the answer. `passkey_log_in.rs` has the log-ins.

use serde::Serialize;

use super::change_password::check_verified;
use super::factors::FactorAdded;
use super::second_factor::AcceptedProof;
use super::secondary_email::count_lost;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Refusal, Violations};
use crate::model::factor::MOST_PASSKEYS;
use crate::model::name::Name;
use crate::model::{
    Actor, ChallengePurpose, EventKind, Factor, Factors, Languages, NewEvent, Notice, Passkey,
    PlainPassword, SessionId, User,
};
use crate::store::FactorsChanged;
use crate::telemetry::{note, operation};
use crate::webauthn::{
    Account, AuthenticationResponse, Ceremony, Challenge, Credential, CredentialId, Descriptor,
    Owner, RegistrationResponse, RelyingParty, UserHandle, UserVerification, WebAuthnError,
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

/// An answer of an authenticator that is not verified yet. Its challenge is already deleted from the table.
pub(super) struct PasskeyResponse {
    response: AuthenticationResponse,
    challenge: Challenge,
    user_verification: UserVerification,
    /// Whether the answer alone identifies the user.
    is_discovered: bool,
}

impl PasskeyResponse {
    /// The id of the passkey that the answer names.
    pub(super) fn credential_id(&self) -> &CredentialId {
        self.response.credential_id()
    }
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
        self.policy.relying_party.as_ref().ok_or(AuthError::Refused(Refusal::PasskeysOff))
    }

    /// Stores a challenge for existing passkeys, and returns its options as JSON.
    pub(super) async fn request_passkey(
        &self,
        purpose: ChallengePurpose,
        allowed: Vec<Descriptor>,
        user_verification: UserVerification,
    ) -> Result<String, AuthError> {
        let party = self.relying_party()?;
        let challenge = Challenge::new(&self.random);
        let options = json(&party.request_options(&challenge, allowed, user_verification))?;
        self.store.add_challenge(&challenge, purpose).await?;
        Ok(options)
    }

    /// Reads an answer, and deletes its challenge. Fails if the stored challenge does not have this purpose.
    ///
    /// # Errors
    /// [`Refusal::InvalidPasskey`], [`AuthError::InvalidToken`], [`AuthError::Unavailable`].
    pub(super) async fn read_response(
        &self,
        answer: &str,
        purpose: &ChallengePurpose,
        user_verification: UserVerification,
    ) -> Result<PasskeyResponse, AuthError> {
        let response = AuthenticationResponse::parse(answer).map_err(not_accepted)?;
        let challenge = response.challenge().map_err(not_accepted)?;
        if self.take_challenge(&challenge).await? != *purpose {
            return Err(super::authenticate::invalid("other_challenge"));
        }
        let is_discovered = *purpose == ChallengePurpose::LogIn;
        Ok(PasskeyResponse { response, challenge, user_verification, is_discovered })
    }

    /// Verifies the answer, and returns the factors after it. If the signature counter decreased, a copy of the passkey
    /// may exist. Then Latchkey mails the user.
    ///
    /// # Errors
    /// [`Refusal::InvalidPasskey`], [`AuthError::Unavailable`].
    pub(super) async fn accept_passkey(
        &self,
        user: &User,
        factors: &Factors,
        answered: &PasskeyResponse,
    ) -> Result<AcceptedProof, AuthError> {
        let PasskeyResponse { response, challenge, user_verification, is_discovered } = answered;
        let passkey = factors.passkey(response.credential_id());
        let passkey = passkey.ok_or_else(|| refused("unknown_passkey"))?;
        let handle = factors.user_handle.as_ref().ok_or_else(|| refused("no_user_handle"))?;
        let owner = if *is_discovered { Owner::Discovered(handle) } else { Owner::Known(handle) };
        let assertion = response.verify(
            &passkey.credential,
            owner,
            Ceremony {
                relying_party: self.relying_party()?,
                challenge,
                user_verification: *user_verification,
            },
        );
        let assertion = match assertion {
            Ok(assertion) => assertion,
            Err(error) => {
                if matches!(error, WebAuthnError::CounterWentBack { .. }) {
                    self.report_clone(user).await?;
                }
                return Err(not_accepted(error));
            }
        };
        let mut factors = factors.clone();
        for passkey in &mut factors.passkeys {
            if passkey.credential.id == *response.credential_id() {
                passkey.credential = passkey.credential.clone().after(&assertion);
                passkey.last_used_at = Some(self.clock.now());
            }
        }
        let (mails, events) = (Vec::new(), Vec::new());
        Ok(AcceptedProof { factor: Factor::Passkey, factors, mails, events })
    }

    async fn report_clone(&self, user: &User) -> Result<(), AuthError> {
        let mails = self.notices_to_all(Notice::PasskeyCloned, user, &Languages::default());
        let event = NewEvent::of(EventKind::PasskeyCloned, user.id).by(Actor::Anonymous);
        Ok(self.store.add_event_with_mails(event.refused(), &mails).await?)
    }

    /// Verifies an answer to [`Accounts::request_new_passkey`]. Returns the new passkey, and its user handle.
    pub(super) async fn new_passkey(
        &self,
        user: &User,
        session: SessionId,
        answer: &str,
        name: &str,
    ) -> Result<(Passkey, UserHandle), AuthError> {
        let name = parse_name(name)?;
        let (credential, handle) = self.new_credential(user, session, answer).await?;
        Ok((Passkey::new(credential, name, self.clock.now()), handle))
    }

    async fn new_credential(
        &self,
        user: &User,
        session: SessionId,
        answer: &str,
    ) -> Result<(Credential, UserHandle), AuthError> {
        let relying_party = self.relying_party()?;
        let response = RegistrationResponse::parse(answer).map_err(not_accepted)?;
        let challenge = response.challenge().map_err(not_accepted)?;
        let ChallengePurpose::Registration { user_id, session_id, handle } =
            self.take_challenge(&challenge).await?
        else {
            return Err(super::authenticate::invalid("other_challenge"));
        };
        if user_id != user.id || session_id != session {
            return Err(super::authenticate::invalid("other_session"));
        }
        let user_verification = UserVerification::Required;
        let ceremony = Ceremony { relying_party, challenge: &challenge, user_verification };
        Ok((response.verify(ceremony).map_err(not_accepted)?, handle))
    }

    async fn take_challenge(&self, challenge: &Challenge) -> Result<ChallengePurpose, AuthError> {
        let purpose = self.store.take_challenge(challenge).await?;
        purpose.ok_or_else(|| super::authenticate::invalid("no_challenge"))
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

/// The passkeys in the form of the options for a browser.
pub(super) fn descriptors(factors: &Factors) -> Vec<Descriptor> {
    factors.passkeys.iter().map(|passkey| passkey.credential.descriptor()).collect()
}

/// The answer to every passkey that Latchkey refuses. Only the log has the reason.
pub(super) fn refused(reason: &str) -> AuthError {
    note("reason", reason);
    AuthError::Refused(Refusal::InvalidPasskey)
}

fn not_accepted(error: WebAuthnError) -> AuthError {
    refused(&error.to_string())
}

fn parse_name(name: &str) -> Result<String, AuthError> {
    let name = Name::parse_label(name);
    let name = name.map_err(|violations| Violations::of(Field::PasskeyName, violations))?;
    Ok(name.as_str().to_owned())
}

fn parse_id(id: &str) -> Result<CredentialId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound)
}

fn json(value: &impl Serialize) -> Result<String, AuthError> {
    serde_json::to_string(value).map_err(|error| AuthError::Unavailable(Box::new(error)))
}
