//! A software authenticator with its browser. It makes right messages, and any wrong one.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::random::Random;
use crate::webauthn::{Challenge, UserHandle};

pub(super) const PRESENT: u8 = 1;
pub(super) const VERIFIED: u8 = 1 << 2;
pub(super) const ELIGIBLE: u8 = 1 << 3;
pub(super) const BACKED_UP: u8 = 1 << 4;
pub(super) const CREDENTIAL: u8 = 1 << 6;
pub(super) const EXTENSIONS: u8 = 1 << 7;

/// The key of a credential.
pub(super) enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    pub(super) fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub(super) fn ed_dsa() -> Self {
        Self::EdDsa(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn rs256() -> Self {
        Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// The COSE key.
    pub(super) fn cose(&self) -> Vec<u8> {
        let point = |key: &EcdsaKeyPair| {
            let public = key.public_key().as_ref()[1..].to_vec();
            (public[..32].to_vec(), public[32..].to_vec())
        };
        match self {
            Self::Es256(key) => {
                let (x, y) = point(key);
                map(&[
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), bytes(&x)),
                    (int(-3), bytes(&y)),
                ])
            }
            Self::EdDsa(key) => {
                let x = bytes(key.public_key().as_ref());
                map(&[(int(1), int(1)), (int(3), int(-8)), (int(-1), int(6)), (int(-2), x)])
            }
            Self::Rs256(key) => rsa(&modulus(key), &[1, 0, 1]),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A COSE key of RSA.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    map(&[
        (int(1), int(3)),
        (int(3), int(-257)),
        (int(-1), bytes(modulus)),
        (int(-2), bytes(exponent)),
    ])
}

/// The modulus of a key of 2048 bits. It stands at the end of the DER, before the exponent of five bytes.
pub(super) fn modulus(key: &RsaKeyPair) -> Vec<u8> {
    let der = key.public_key().as_der().unwrap();
    let der = der.as_ref();
    der[der.len() - 5 - 256..der.len() - 5].to_vec()
}

/// The parts of the next messages. Tests change them.
pub(super) struct Device {
    pub(super) key: Key,
    pub(super) client_data: Value,
    pub(super) rp_id: &'static str,
    pub(super) flags: u8,
    pub(super) counter: u32,
    /// The id in the JSON.
    pub(super) id: Vec<u8>,
    /// The id in the authenticator data.
    pub(super) attested_id: Vec<u8>,
    pub(super) cose: Vec<u8>,
    /// After the credential.
    pub(super) extensions: Vec<u8>,
    pub(super) attestation: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) after_object: Vec<u8>,
    pub(super) user_handle: Option<UserHandle>,
    /// Changes the JSON of both answers.
    pub(super) json: fn(&mut Value),
}

impl Device {
    pub(super) fn new(key: Key, challenge: &Challenge) -> Self {
        let random = Random::seeded(1);
        let _challenge = Challenge::new(&random);
        let cose = key.cose();
        Self {
            key,
            client_data: json!({
                "type": "", "challenge": challenge.to_string(), "origin": "https://example.org", "crossOrigin": false
            }),
            rp_id: "example.org",
            flags: PRESENT | VERIFIED | ELIGIBLE | BACKED_UP,
            counter: 7,
            id: b"credential".to_vec(),
            attested_id: b"credential".to_vec(),
            cose,
            extensions: Vec::new(),
            attestation: vec![(text("fmt"), text("none")), (text("attStmt"), map(&[]))],
            after_object: Vec::new(),
            user_handle: Some(UserHandle::new(&random)),
            json: |_| {},
        }
    }

    /// The authenticator data, with these flags reversed.
    fn data(&self, flags: u8) -> Vec<u8> {
        let flags = self.flags ^ flags;
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        if flags & CREDENTIAL != 0 {
            data.extend([9; 16]);
            data.extend(u16::try_from(self.attested_id.len()).unwrap().to_be_bytes());
            data.extend(&self.attested_id);
            data.extend(&self.cose);
        }
        data.extend(&self.extensions);
        data
    }

    fn client_data(&self, kind: &str) -> Vec<u8> {
        let mut data = self.client_data.clone();
        if data.get("type").is_some_and(|kind| kind == "") {
            data["type"] = kind.into();
        }
        data.to_string().into_bytes()
    }

    fn answer(&self, response: &Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        let mut answer = json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "authenticatorAttachment": "platform", "clientExtensionResults": {}
        });
        (self.json)(&mut answer);
        answer
    }

    /// A `RegistrationResponseJSON`.
    pub(super) fn registration(&self) -> Value {
        let mut members = self.attestation.clone();
        members.push((text("authData"), bytes(&self.data(CREDENTIAL))));
        let object = [map(&members), self.after_object.clone()].concat();
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create")),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": -7,
        }))
    }

    /// An `AuthenticationResponseJSON`.
    pub(super) fn assertion(&self) -> Value {
        let (data, client_data) = (self.data(0), self.client_data("webauthn.get"));
        let message = [&data, digest(&SHA256, &client_data).as_ref()].concat();
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(self.key.sign(&message)),
            "userHandle": self.user_handle,
        }))
    }
}

fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    let be = value.to_be_bytes();
    match value {
        0..24 => vec![major + be[7]],
        24..0x100 => vec![major + 24, be[7]],
        0x100..0x1_0000 => vec![major + 25, be[6], be[7]],
        _ => [&[major + 26], &be[4..]].concat(),
    }
}

/// A CBOR integer.
pub(super) fn int(value: i64) -> Vec<u8> {
    if value < 0 { head(1, (-1 - value).unsigned_abs()) } else { head(0, value.unsigned_abs()) }
}

/// A CBOR byte string.
pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

/// A CBOR text.
pub(super) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

/// A CBOR map.
pub(super) fn map(members: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let members_bytes = members.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    let mut map = head(5, members.len() as u64);
    map.extend(members_bytes.flatten());
    map
}
