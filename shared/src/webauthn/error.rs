//! Why an answer of an authenticator is refused: one variant for each check.

/// A refused answer. The text is safe to show. It names members of the message, but none of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebAuthnError {
    /// The answer is not the JSON of a credential, or a member is missing or has another type.
    #[error("{0} is missing or malformed")]
    Malformed(&'static str),
    /// A member is not base64url without padding.
    #[error("{0} is not base64url without padding")]
    Base64(&'static str),
    /// A member is longer than any valid one.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// The `type` is not `public-key`.
    #[error("the type of the credential is not public-key")]
    CredentialType,
    /// `id`, `rawId` and the id in the authenticator data are not the same.
    #[error("the ids of the credential differ")]
    IdsDiffer,
    /// The id of the new credential is empty or longer than 1023 bytes.
    #[error("the id of the credential has a wrong length")]
    CredentialIdLength,
    /// The client data belong to another ceremony.
    #[error("the type of the client data is wrong")]
    CeremonyType,
    /// The client data have another challenge.
    #[error("the challenge is wrong")]
    Challenge,
    /// The page that asked is not one of this site.
    #[error("the origin is not allowed")]
    Origin,
    /// The page that asked was inside a page of another origin.
    #[error("the origin is inside a page of another origin")]
    CrossOrigin,
    /// The attestation object is not well-formed.
    #[error("the attestation object is malformed")]
    AttestationObject,
    /// The authenticator data are not well-formed.
    #[error("the authenticator data are malformed")]
    AuthenticatorData,
    /// Bytes follow the attestation object or the authenticator data.
    #[error("the answer has trailing bytes")]
    TrailingBytes,
    /// The authenticator data have no new credential.
    #[error("the answer has no new credential")]
    NoCredential,
    /// The authenticator data are for another site.
    #[error("the answer is for another relying party")]
    RelyingParty,
    /// The user did not touch the authenticator or look at it.
    #[error("the user was not present")]
    UserNotPresent,
    /// The authenticator did not verify the user.
    #[error("the user was not verified")]
    UserNotVerified,
    /// The credential is backed up, although it is not eligible for backups.
    #[error("the credential is backed up, but not eligible for it")]
    BackupState,
    /// The key has an algorithm that the options do not offer.
    #[error("the algorithm of the key was not offered")]
    Algorithm,
    /// The key is not a COSE key, or not a valid key of its algorithm.
    #[error("the key is malformed")]
    Key,
    /// The answer is of another credential.
    #[error("the credential is another one")]
    Credential,
    /// The credential belongs to another user, or does not say whose it is.
    #[error("the credential belongs to another user")]
    UserHandle,
    /// The key of the credential did not sign this answer.
    #[error("the signature is wrong")]
    Signature,
    /// The credential was eligible for backups and is not any more, or the reverse.
    #[error("the backup eligibility of the credential changed")]
    BackupEligibility,
    /// The signature is right, but its counter is not higher than the last one: the authenticator may have been copied.
    /// The caller reports this to the owner.
    #[error("the signature counter went back")]
    CounterWentBack {
        /// The counter of the last accepted answer.
        stored: u32,
        /// The counter of this answer.
        received: u32,
    },
}
