//! A log-in with a stored credential (§7.2).

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::authenticator_data::AuthenticatorData;
use super::ids::{MAX_HANDLE, decode};
use super::response::{self, Answer};
use super::{
    Ceremony, Challenge, Credential, CredentialId, UserHandle, UserVerification, WebAuthnError,
    client_data,
};

/// The most bytes of authenticator data. Without a new credential, only extensions take more than 37.
const MAX_DATA: usize = 4096;
/// The most bytes of a signature: that of an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The user whose credential it is, and how the caller found the user (§7.2 step 6).
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The user gave a name, or has passed another factor, before the options. The answer may have no user handle.
    Known(&'a UserHandle),
    /// The answer alone says whose it is, so it must have the user handle.
    Discovered(&'a UserHandle),
}

/// An accepted log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The new signature counter.
    pub counter: u32,
    /// Whether the credential is backed up now.
    pub backed_up: bool,
    /// Whether the authenticator verified its user, now and at the registration: the log-in has two factors.
    pub user_verified: bool,
}

/// The answer of a browser to [`RequestOptions`](super::RequestOptions), not yet verified.
#[derive(Clone, Debug)]
pub struct AuthenticationResponse {
    answer: Answer,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<UserHandle>,
}

impl AuthenticationResponse {
    /// Reads an `AuthenticationResponseJSON`: the text of `JSON.stringify(credential)`.
    ///
    /// # Errors
    /// A member that is missing, malformed or too long.
    pub fn parse(text: &str) -> Result<Self, WebAuthnError> {
        Self::from_json(response::json(text)?)
    }

    /// The same for JSON that is parsed already.
    ///
    /// # Errors
    /// A member that is missing, malformed or too long.
    pub fn from_json(json: Value) -> Result<Self, WebAuthnError> {
        const HANDLE: &str = "userHandle";
        let answer = Answer::read(json)?;
        let authenticator_data = answer.bytes("authenticatorData", MAX_DATA)?;
        let signature = answer.bytes("signature", MAX_SIGNATURE)?;
        let user_handle = match answer.optional(HANDLE) {
            None => None,
            Some(text) => {
                let text = text.as_str().ok_or(WebAuthnError::Malformed(HANDLE))?;
                Some(UserHandle::from_bytes(&decode(HANDLE, text, MAX_HANDLE)?)?)
            }
        };
        Ok(Self { answer, authenticator_data, signature, user_handle })
    }

    /// The credential that it claims to be of: to look up the credential and its owner. Proves nothing.
    pub fn credential_id(&self) -> &CredentialId {
        &self.answer.id
    }

    /// The challenge that it claims to answer: to find the stored one. Proves nothing.
    ///
    /// # Errors
    /// Client data without a challenge of the right length.
    pub fn challenge(&self) -> Result<Challenge, WebAuthnError> {
        client_data::challenge(&self.answer.client_data)
    }

    /// The user that it claims to be of. Proves nothing.
    pub fn user_handle(&self) -> Option<&UserHandle> {
        self.user_handle.as_ref()
    }

    /// The log-in, if the answer passes all checks of §7.2. The caller has consumed the challenge, and found
    /// `credential` among those of `owner`.
    ///
    /// # Errors
    /// The first check that fails. [`WebAuthnError::CounterWentBack`] comes after all others: the key has signed.
    pub fn verify(
        &self,
        credential: &Credential,
        owner: Owner<'_>,
        ceremony: Ceremony<'_>,
    ) -> Result<Assertion, WebAuthnError> {
        if self.answer.id != credential.id {
            return Err(WebAuthnError::Credential);
        }
        let is_owner = match (owner, &self.user_handle) {
            (Owner::Known(_), None) => true,
            (Owner::Discovered(_), None) => false,
            (Owner::Known(owner) | Owner::Discovered(owner), Some(handle)) => owner == handle,
        };
        if !is_owner {
            return Err(WebAuthnError::UserHandle);
        }
        client_data::check(&self.answer.client_data, "webauthn.get", ceremony)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        data.check(ceremony)?;
        // Another person may have set the PIN of a security key that had none (§7.2 step 24, uvInitialized).
        let user_verified = data.user_verified() && credential.user_verified;
        if ceremony.user_verification == UserVerification::Required && !user_verified {
            return Err(WebAuthnError::UserNotVerified);
        }
        if data.backup_eligible() != credential.backup_eligible {
            return Err(WebAuthnError::BackupEligibility);
        }
        let hash = digest(&SHA256, &self.answer.client_data);
        let message = [self.authenticator_data.as_slice(), hash.as_ref()].concat();
        credential.public_key.verify(&message, &self.signature)?;
        let (stored, received) = (credential.counter, data.counter);
        if (stored != 0 || received != 0) && received <= stored {
            return Err(WebAuthnError::CounterWentBack { stored, received });
        }
        Ok(Assertion { counter: received, backed_up: data.backed_up(), user_verified })
    }
}
