//! Passkeys and security keys: the checks of a relying party (W3C Web Authentication Level 3), as pure functions.
//!
//! A registration: [`RelyingParty::creation_options`] to the browser, its answer to [`RegistrationResponse::parse`] and
//! [`RegistrationResponse::verify`], which returns the [`Credential`] to store. A log-in:
//! [`RelyingParty::request_options`], [`AuthenticationResponse::parse`] and [`AuthenticationResponse::verify`].
//!
//! The caller stores the [`Challenge`], and deletes it by a conditional write **before** it verifies an answer, so that
//! no challenge counts twice. The caller also ensures that no two users have the same [`CredentialId`] (§7.1 step 27).
//! Attestation statements are read, but not verified, because the options ask for none.

mod aaguid;
mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose;
mod error;
mod ids;
mod options;
mod registration;
mod relying_party;
mod response;
#[cfg(test)]
mod tests;

pub use aaguid::Aaguid;
pub use assertion::{Assertion, AuthenticationResponse, Owner};
pub use cose::{Algorithm, PublicKey};
pub use error::WebAuthnError;
pub use ids::{Challenge, CredentialId, UserHandle};
pub use options::{Account, CreationOptions, Descriptor, RequestOptions, TIMEOUT};
pub use registration::{Credential, RegistrationResponse};
pub use relying_party::{RelyingParty, RelyingPartyError};

/// Whether the authenticator must verify its user, by a PIN or biometry (§5.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// Answers without it are refused. For log-ins by the passkey alone.
    Required,
    /// It is wanted. The answer shows whether it happened.
    Preferred,
    /// It is not wanted. For a security key after a password.
    Discouraged,
}

/// The expectations of an answer: those of its options.
#[derive(Clone, Copy, Debug)]
pub struct Ceremony<'a> {
    /// The site that asked.
    pub relying_party: &'a RelyingParty,
    /// The challenge of the options. The caller has deleted it from the store.
    pub challenge: &'a Challenge,
    /// The user verification of the options.
    pub user_verification: UserVerification,
}
