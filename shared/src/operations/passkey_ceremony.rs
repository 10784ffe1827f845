//! The ceremonies of WebAuthn: a challenge goes to the browser, and the answer of an authenticator comes back.
//!
//! The table stores each WebAuthn challenge, with its purpose. Each challenge counts once: a conditional write deletes
//! it before Latchkey verifies the answer.

use serde::Serialize;

use super::Accounts;
use super::authenticate::invalid;
use super::passkeys::parse_name;
use super::second_factor_proof::AcceptedProof;
use crate::error::{AuthError, Refusal};
use crate::model::{
    Actor, ChallengePurpose, EventKind, Factor, Factors, Languages, NewEvent, Notice, Passkey,
    SessionId, User,
};
use crate::telemetry::note;
use crate::webauthn::{
    AuthenticationResponse, Ceremony, Challenge, Credential, CredentialId, Descriptor, Owner,
    RegistrationResponse, UserHandle, UserVerification, WebAuthnError,
};

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
            return Err(invalid("other_challenge"));
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
            return Err(invalid("other_challenge"));
        };
        if user_id != user.id || session_id != session {
            return Err(invalid("other_session"));
        }
        let user_verification = UserVerification::Required;
        let ceremony = Ceremony { relying_party, challenge: &challenge, user_verification };
        Ok((response.verify(ceremony).map_err(not_accepted)?, handle))
    }

    pub(super) async fn take_challenge(
        &self,
        challenge: &Challenge,
    ) -> Result<ChallengePurpose, AuthError> {
        let purpose = self.store.take_challenge(challenge).await?;
        purpose.ok_or_else(|| invalid("no_challenge"))
    }
}

/// The passkeys in the form of the options for a browser.
pub(super) fn descriptors(factors: &Factors) -> Vec<Descriptor> {
    factors.passkeys.iter().map(|passkey| passkey.credential.descriptor()).collect()
}

/// The answer to every passkey that Latchkey refuses. Only the log has the reason.
pub(super) fn refused(reason: &str) -> AuthError {
    note("reason", reason);
    Refusal::InvalidPasskey.into()
}

fn not_accepted(error: WebAuthnError) -> AuthError {
    refused(&error.to_string())
}

pub(super) fn json(value: &impl Serialize) -> Result<String, AuthError> {
    serde_json::to_string(value).map_err(|error| AuthError::Unavailable(Box::new(error)))
}
