//! Tests of both ceremonies.

mod assertions;
mod chromium;
mod device;
mod keys;
mod passkey_rs;
mod properties;
mod registrations;
mod responses;
mod vectors;

use device::{Device, Key};

use super::{
    Assertion, AuthenticationResponse, Ceremony, Challenge, Credential, Owner,
    RegistrationResponse, RelyingParty, UserHandle, UserVerification, WebAuthnError,
};
use crate::random::Random;

/// The bytes of hexadecimal digits.
pub(super) fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// A site with two origins, and a user with a device.
struct Site {
    party: RelyingParty,
    challenge: Challenge,
    handle: UserHandle,
    device: Device,
}

impl Site {
    fn new(key: Key) -> Self {
        let random = Random::seeded(1);
        let origins = ["https://example.org", "https://app.example.org"];
        let challenge = Challenge::new(&random);
        Self {
            party: RelyingParty::parse("example.org", &origins).unwrap(),
            device: Device::new(key, &challenge),
            challenge,
            handle: UserHandle::new(&random),
        }
    }

    fn ceremony(&self, user_verification: UserVerification) -> Ceremony<'_> {
        Ceremony { relying_party: &self.party, challenge: &self.challenge, user_verification }
    }

    fn register(&self, device: &Device) -> Result<Credential, WebAuthnError> {
        let response = RegistrationResponse::from_json(device.registration())?;
        response.verify(self.ceremony(UserVerification::Required))
    }

    fn credential(&self) -> Credential {
        self.register(&self.device).unwrap()
    }

    fn log_in(&self, device: &Device, credential: &Credential) -> Result<Assertion, WebAuthnError> {
        let response = AuthenticationResponse::from_json(device.assertion())?;
        let ceremony = self.ceremony(UserVerification::Required);
        response.verify(credential, Owner::Discovered(&self.handle), ceremony)
    }
}

/// A change of a message, and the expected refusal.
type Case = (&'static str, fn(&mut Device), WebAuthnError);

/// Tries each change, and reports all that are not refused as expected.
fn each_is_refused(cases: &[Case], answer: impl Fn(&Device) -> Option<WebAuthnError>) {
    let mut wrong = Vec::new();
    for (change, apply, expected) in cases {
        let mut device = Site::new(Key::es256()).device;
        apply(&mut device);
        let answer = answer(&device);
        if answer != Some(*expected) {
            wrong.push(format!("{change}: {answer:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
