//! Answers of a browser: what `credential.toJSON()` of Chromium and of its virtual authenticator returned.

use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    origin: String,
    challenge: Challenge,
    user_handle: UserHandle,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    algorithm: i64,
    registration: Value,
    authentication: Value,
}

#[test]
fn the_answers_of_chromium_are_accepted() {
    let recording = include_str!("../../../../tests/fixtures/webauthn-chromium.json");
    let recording: Recording = serde_json::from_str(recording).unwrap();
    let party = RelyingParty::parse("localhost", &[recording.origin]).unwrap();
    let challenge = &recording.challenge;
    let ceremony = Ceremony {
        relying_party: &party,
        challenge,
        user_verification: UserVerification::Required,
    };
    let mut algorithms = Vec::new();
    for Answer { algorithm, registration, authentication } in recording.answers {
        let registration = RegistrationResponse::from_json(registration).unwrap();
        let credential = registration.verify(ceremony).unwrap();
        assert_eq!(credential.public_key.algorithm().cose(), algorithm);
        assert!(credential.backup_eligible && credential.user_verified);
        assert_eq!(credential.transports, ["internal"]);
        let authentication = AuthenticationResponse::from_json(authentication).unwrap();
        let owner = Owner::Discovered(&recording.user_handle);
        let assertion = authentication.verify(&credential, owner, ceremony).unwrap();
        assert!(assertion.counter > credential.counter && assertion.user_verified);
        algorithms.push(algorithm);
    }
    assert_eq!(algorithms, [-8, -7, -257]);
}
