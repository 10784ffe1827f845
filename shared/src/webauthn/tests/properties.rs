//! What holds of answers, whatever a stranger sends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;
use crate::properties::{holds, holds_for_text};
use crate::webauthn::PublicKey;
use crate::webauthn::authenticator_data::AuthenticatorData;
use crate::webauthn::cbor::Reader;

#[test]
fn any_bytes_are_read_without_a_panic_and_only_forward() {
    holds("cbor", 2_000, |bytes| {
        let mut reader = Reader::new(bytes);
        while reader.skip().is_some() {}
        assert!(bytes.ends_with(reader.rest()));
    });
}

#[test]
fn an_accepted_key_is_read_again_as_the_same_key() {
    holds("cose", 2_000, |bytes| {
        let Ok(key) = PublicKey::from_bytes(bytes) else { return };
        assert_eq!(key.as_bytes(), bytes);
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        assert_eq!(key.verify(b"", b""), Err(WebAuthnError::Signature));
    });
}

#[test]
fn accepted_authenticator_data_have_no_byte_too_much() {
    holds("authenticator-data", 2_000, |bytes| {
        let Ok(data) = AuthenticatorData::parse(bytes) else { return };
        let read = data.credential.map_or(0, |credential| {
            18 + credential.id.as_bytes().len() + credential.public_key.as_bytes().len()
        });
        assert!(37 + read <= bytes.len());
        for cut in 0..bytes.len() {
            assert!(AuthenticatorData::parse(&bytes[..cut]).is_err(), "cut to {cut}");
        }
        assert!(AuthenticatorData::parse(&[bytes, &[0]].concat()).is_err());
    });
}

#[test]
fn no_answer_of_a_stranger_logs_in() {
    let site = Site::new(Key::es256());
    let credential = site.credential();
    holds_for_text("webauthn", 2_000, |text| {
        let required = site.ceremony(UserVerification::Required);
        if let Ok(response) = RegistrationResponse::parse(text) {
            assert!(response.verify(required).is_err(), "{text}");
        }
        if let Ok(response) = AuthenticationResponse::parse(text) {
            let owner = Owner::Known(&site.handle);
            assert!(response.verify(&credential, owner, required).is_err(), "{text}");
        }
    });
}

/// The bytes of a member of an answer.
fn member(answer: &Value, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(answer["response"][name].as_str().unwrap()).unwrap()
}

fn with(answer: &Value, name: &str, bytes: &[u8]) -> Value {
    let mut answer = answer.clone();
    answer["response"][name] = URL_SAFE_NO_PAD.encode(bytes).into();
    answer
}

const SIGNED: [&str; 3] = ["clientDataJSON", "authenticatorData", "signature"];

#[test]
fn a_log_in_with_a_flipped_bit_is_refused() {
    for key in [Key::es256(), Key::ed_dsa(), Key::rs256()] {
        let site = Site::new(key);
        let mut credential = site.credential();
        credential.counter = 0;
        let answer = site.device.assertion();
        let log_in = |answer| {
            let response = AuthenticationResponse::from_json(answer)?;
            let owner = Owner::Discovered(&site.handle);
            response.verify(&credential, owner, site.ceremony(UserVerification::Required))
        };
        assert!(log_in(answer.clone()).is_ok());
        for name in SIGNED.into_iter().chain(["userHandle"]) {
            let bytes = member(&answer, name);
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(log_in(with(&answer, name, &flipped)).is_err(), "bit {bit} of {name}");
            }
        }
    }
}

#[test]
fn an_answer_that_is_cut_is_refused() {
    for key in [Key::es256(), Key::ed_dsa(), Key::rs256()] {
        let site = Site::new(key);
        let mut credential = site.credential();
        credential.counter = 0;
        let required = site.ceremony(UserVerification::Required);
        let registration = site.device.registration();
        for name in ["clientDataJSON", "attestationObject"] {
            let bytes = member(&registration, name);
            for cut in 0..bytes.len() {
                let response =
                    RegistrationResponse::from_json(with(&registration, name, &bytes[..cut]));
                let refused = response.and_then(|response| response.verify(required)).is_err();
                assert!(refused, "{name} cut to {cut}");
            }
        }
        let assertion = site.device.assertion();
        for name in SIGNED {
            let bytes = member(&assertion, name);
            for cut in 0..bytes.len() {
                let response =
                    AuthenticationResponse::from_json(with(&assertion, name, &bytes[..cut]));
                let owner = Owner::Discovered(&site.handle);
                let refused = response
                    .and_then(|response| response.verify(&credential, owner, required))
                    .is_err();
                assert!(refused, "{name} cut to {cut}");
            }
        }
    }
}
