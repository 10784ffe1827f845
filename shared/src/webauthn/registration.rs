//! A new credential (§7.1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::authenticator_data::AuthenticatorData;
use super::cbor::Reader;
use super::response::{self, Answer};
use super::{
    Aaguid, Assertion, Ceremony, Challenge, CredentialId, Descriptor, PublicKey, WebAuthnError,
    client_data,
};

/// The most bytes of an attestation object. Statements with certificates of a TPM have about 6 KiB.
const MAX_ATTESTATION: usize = 16 << 10;
/// The most transports that are kept, and the longest. There are six, and the longest has 10 letters.
const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT: usize = 16;

/// A credential of a user, as it is stored (§4, credential record).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Names it. No two users may have the same.
    pub id: CredentialId,
    /// Verifies its signatures.
    pub public_key: PublicKey,
    /// The signature counter of the last accepted answer; 0 if the authenticator does not count.
    pub counter: u32,
    /// Whether the authenticator verified its user at the registration. Never changes: a thief of a security key without
    /// a PIN can set one.
    pub user_verified: bool,
    /// Whether it may be backed up: a passkey that devices share. Never changes.
    pub backup_eligible: bool,
    /// Whether it was backed up when it was used last.
    pub backed_up: bool,
    /// The model of the authenticator. Not attested, so it is a hint for a name only.
    pub aaguid: Aaguid,
    /// How browsers reach the authenticator.
    pub transports: Vec<String>,
}

impl Credential {
    /// Its entry in the options of a browser.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.id.clone(), self.transports.clone())
    }

    /// The state after an accepted log-in (§7.2 step 24). Store it with the old counter as a condition, so that one of
    /// two copies fails.
    #[must_use]
    pub fn after(self, assertion: &Assertion) -> Self {
        Self { counter: assertion.counter, backed_up: assertion.backed_up, ..self }
    }
}

/// The answer of a browser to [`CreationOptions`](super::CreationOptions), not yet verified.
#[derive(Clone, Debug)]
pub struct RegistrationResponse {
    answer: Answer,
    attestation_object: Vec<u8>,
    transports: Vec<String>,
}

impl RegistrationResponse {
    /// Reads a `RegistrationResponseJSON`: the text of `JSON.stringify(credential)`.
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
        let answer = Answer::read(json)?;
        let attestation_object = answer.bytes("attestationObject", MAX_ATTESTATION)?;
        let transports = transports(answer.optional("transports"))?;
        Ok(Self { answer, attestation_object, transports })
    }

    /// The challenge that it claims to answer: to find the stored one. Proves nothing.
    ///
    /// # Errors
    /// Client data without a challenge of the right length.
    pub fn challenge(&self) -> Result<Challenge, WebAuthnError> {
        client_data::challenge(&self.answer.client_data)
    }

    /// The new credential, if the answer passes all checks of §7.1 except two: the caller has consumed the challenge,
    /// and ensures that no user has the id of the credential (step 27).
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, ceremony: Ceremony<'_>) -> Result<Credential, WebAuthnError> {
        client_data::check(&self.answer.client_data, "webauthn.create", ceremony)?;
        let data = authenticator_data(&self.attestation_object)?;
        let data = AuthenticatorData::parse(data)?;
        data.check(ceremony)?;
        self.credential(data)
    }

    /// The credential of a registration that another system has verified and stored, at that RP ID. Neither the challenge
    /// nor the origin is checked again.
    ///
    /// # Errors
    /// [`WebAuthnError::RelyingParty`] for a credential of another RP ID; a part that is malformed or not supported.
    pub fn recorded(&self, rp_id: &str) -> Result<Credential, WebAuthnError> {
        let data = AuthenticatorData::parse(authenticator_data(&self.attestation_object)?)?;
        data.check_stored(rp_id)?;
        self.credential(data)
    }

    fn credential(&self, data: AuthenticatorData<'_>) -> Result<Credential, WebAuthnError> {
        let (counter, user_verified) = (data.counter, data.user_verified());
        let (backup_eligible, backed_up) = (data.backup_eligible(), data.backed_up());
        let attested = data.credential.ok_or(WebAuthnError::NoCredential)?;
        if attested.id != self.answer.id {
            return Err(WebAuthnError::IdsDiffer);
        }
        Ok(Credential {
            id: attested.id,
            public_key: attested.public_key,
            counter,
            user_verified,
            backup_eligible,
            backed_up,
            aaguid: attested.aaguid,
            transports: self.transports.clone(),
        })
    }
}

/// The authenticator data in an attestation object (§6.5.4). The statement must be well-formed; it proves nothing that
/// the options asked for, so it is not verified.
fn authenticator_data(object: &[u8]) -> Result<&[u8], WebAuthnError> {
    let mut reader = Reader::new(object);
    let data = read_object(&mut reader).ok_or(WebAuthnError::AttestationObject)?;
    if reader.rest().is_empty() { Ok(data) } else { Err(WebAuthnError::TrailingBytes) }
}

fn read_object<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..reader.map()? {
        let is_new = match reader.text()? {
            "fmt" => format.replace(reader.text()?).is_none(),
            "attStmt" => statement.replace(reader.skip()?).is_none(),
            "authData" => data.replace(reader.bytes()?).is_none(),
            // CTAP 2 has members that browsers drop.
            _ => reader.skip().is_some(),
        };
        if !is_new {
            return None;
        }
    }
    format.and(statement).and(data)
}

/// Keeps unknown transports, too, because later browsers may know them (§5.2.1.1). The texts of strangers are bounded.
fn transports(given: Option<&Value>) -> Result<Vec<String>, WebAuthnError> {
    const MALFORMED: WebAuthnError = WebAuthnError::Malformed("transports");
    let Some(given) = given else { return Ok(Vec::new()) };
    let given = given.as_array().ok_or(MALFORMED)?;
    let mut transports = Vec::new();
    for transport in given {
        let transport = transport.as_str().ok_or(MALFORMED)?;
        let is_name = (1..=MAX_TRANSPORT).contains(&transport.len())
            && transport.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let is_new = !transports.iter().any(|kept| kept == transport);
        if is_name && is_new && transports.len() < MAX_TRANSPORTS {
            transports.push(transport.to_owned());
        }
    }
    Ok(transports)
}
