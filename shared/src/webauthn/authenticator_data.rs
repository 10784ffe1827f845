//! The authenticator data: what the authenticator signs (§6.1).

use super::cbor::Reader;
use super::relying_party::is_hash_of;
use super::{Aaguid, Ceremony, CredentialId, PublicKey, UserVerification, WebAuthnError};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    flags: u8,
    pub(super) counter: u32,
    pub(super) credential: Option<Attested>,
}

/// The attested credential data: a new credential (§6.5.1).
pub(super) struct Attested {
    pub(super) aaguid: Aaguid,
    pub(super) id: CredentialId,
    pub(super) public_key: PublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all bytes: after the parts that the flags name, none is left.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebAuthnError> {
        const MALFORMED: WebAuthnError = WebAuthnError::AuthenticatorData;
        let mut reader = Reader::new(bytes);
        let rp_id_hash = reader.take(32).ok_or(MALFORMED)?;
        let &[flags, ref counter @ ..] = reader.take(5).ok_or(MALFORMED)? else {
            return Err(MALFORMED);
        };
        let counter = counter.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        let has = |flag| flags & flag != 0;
        let credential =
            if has(HAS_CREDENTIAL) { Some(Attested::read(&mut reader)?) } else { None };
        if has(HAS_EXTENSIONS) {
            reader.skip_map().ok_or(MALFORMED)?;
        }
        if !reader.rest().is_empty() {
            return Err(WebAuthnError::TrailingBytes);
        }
        Ok(Self { rp_id_hash, flags, counter, credential })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the authenticator verified its user.
    pub(super) fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    /// Whether the credential may be backed up.
    pub(super) fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Whether the credential is backed up.
    pub(super) fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    /// Checks the site and the flags (§7.1 steps 14 to 18, §7.2 steps 16 to 19).
    pub(super) fn check(&self, ceremony: Ceremony<'_>) -> Result<(), WebAuthnError> {
        if !ceremony.relying_party.has_hash(self.rp_id_hash) {
            return Err(WebAuthnError::RelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(WebAuthnError::UserNotPresent);
        }
        if ceremony.user_verification == UserVerification::Required && !self.user_verified() {
            return Err(WebAuthnError::UserNotVerified);
        }
        self.check_backup()
    }

    /// The checks of data that another system has stored: the site by its RP ID, and the flags.
    pub(super) fn check_stored(&self, rp_id: &str) -> Result<(), WebAuthnError> {
        if !is_hash_of(self.rp_id_hash, rp_id) {
            return Err(WebAuthnError::RelyingParty);
        }
        self.check_backup()
    }

    fn check_backup(&self) -> Result<(), WebAuthnError> {
        if self.backed_up() && !self.backup_eligible() {
            return Err(WebAuthnError::BackupState);
        }
        Ok(())
    }
}

impl Attested {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WebAuthnError> {
        const MALFORMED: WebAuthnError = WebAuthnError::AuthenticatorData;
        let aaguid = reader.take(16).and_then(|bytes| bytes.try_into().ok()).ok_or(MALFORMED)?;
        let &[high, low] = reader.take(2).ok_or(MALFORMED)? else { return Err(MALFORMED) };
        let length = u16::from_be_bytes([high, low]).into();
        let id = reader.take(length).ok_or(MALFORMED)?;
        Ok(Self {
            aaguid: Aaguid::from_bytes(aaguid),
            id: CredentialId::from_bytes(id)?,
            public_key: PublicKey::read(reader)?,
        })
    }
}
