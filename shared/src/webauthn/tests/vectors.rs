//! The test vectors of the standard: W3C Web Authentication Level 3, section 16, as it publishes them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::webauthn::Algorithm;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    section: String,
    registration: Message,
    authentication: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    challenge: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: Option<String>,
    authenticator_data: Option<String>,
    signature: Option<String>,
}

impl Message {
    fn json(&self, id: &[u8]) -> Value {
        let base64 = |hex: &String| URL_SAFE_NO_PAD.encode(unhex(hex));
        let id = URL_SAFE_NO_PAD.encode(id);
        let mut response = json!({ "clientDataJSON": base64(&self.client_data) });
        let members = [
            ("attestationObject", &self.attestation_object),
            ("authenticatorData", &self.authenticator_data),
            ("signature", &self.signature),
        ];
        for (name, hex) in members {
            response[name] = hex.as_ref().map(base64).into();
        }
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response })
    }
}

/// The id of the credential in an attestation object.
fn id(attestation_object: &str) -> Vec<u8> {
    let object = unhex(attestation_object);
    let name = b"hauthData";
    let start = object.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    let data = &object[start + if object[start] == 0x58 { 2 } else { 3 }..];
    let length = usize::from(data[53]) << 8 | usize::from(data[54]);
    data[55..55 + length].to_vec()
}

#[test]
fn the_vectors_of_the_standard_are_accepted_unless_they_are_cross_origin() {
    let vectors = include_str!("../../../../tests/fixtures/webauthn-level-3.json");
    let vectors: Vec<Vector> = serde_json::from_str(vectors).unwrap();
    let party = RelyingParty::parse("example.org", &["https://example.org"]).unwrap();
    let owner = UserHandle::new(&Random::seeded(1));
    let mut algorithms = Vec::new();
    for Vector { section, registration, authentication } in vectors {
        let id = id(registration.attestation_object.as_ref().unwrap());
        let response = RegistrationResponse::from_json(registration.json(&id)).unwrap();
        let challenge = |hex: &str| Challenge::from_bytes(&unhex(hex)).unwrap();
        let ceremony = |challenge, user_verification| Ceremony {
            relying_party: &party,
            challenge,
            user_verification,
        };
        let asked = challenge(&registration.challenge);
        let registered = response.verify(ceremony(&asked, UserVerification::Discouraged));
        let log_in = AuthenticationResponse::from_json(authentication.json(&id)).unwrap();
        let asked = challenge(&authentication.challenge);
        if section.contains("Origin\"") {
            assert_eq!(registered, Err(WebAuthnError::CrossOrigin), "{section}");
            continue;
        }
        let credential = registered.unwrap_or_else(|error| panic!("{section}: {error}"));
        let owner = Owner::Known(&owner);
        let accepted =
            log_in.verify(&credential, owner, ceremony(&asked, UserVerification::Discouraged));
        let accepted = accepted.unwrap_or_else(|error| panic!("{section}: {error}"));
        assert_eq!(accepted.counter, 0);
        let strict =
            log_in.verify(&credential, owner, ceremony(&asked, UserVerification::Required));
        let is_verified = strict != Err(WebAuthnError::UserNotVerified);
        assert_eq!(is_verified, accepted.user_verified, "{section}");
        algorithms.push(credential.public_key.algorithm());
    }
    let (es256, rs256, ed_dsa) = (Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa);
    assert_eq!(algorithms, [es256, es256, es256, rs256, ed_dsa]);
}
