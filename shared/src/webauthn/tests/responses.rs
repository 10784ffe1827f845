//! The JSON of answers, and of options.

use serde_json::{Value, json};

use super::*;
use crate::webauthn::Account;

#[test]
fn the_json_of_a_credential_is_checked() {
    let cases: &[Case] = &[
        ("no object", |d| d.json = |json| *json = json!([]), WebAuthnError::Malformed("type")),
        (
            "another type",
            |d| d.json = |json| json["type"] = "password".into(),
            WebAuthnError::CredentialType,
        ),
        (
            "no raw id",
            |d| d.json = |json| json["rawId"] = Value::Null,
            WebAuthnError::Malformed("rawId"),
        ),
        ("no id", |d| d.json = |json| json["id"] = Value::Null, WebAuthnError::Malformed("id")),
        ("another id", |d| d.json = |json| json["id"] = "AAAA".into(), WebAuthnError::IdsDiffer),
        (
            "an id with padding",
            |d| d.json = |json| json["rawId"] = "AAA=".into(),
            WebAuthnError::Base64("rawId"),
        ),
        (
            "an id in plain base64",
            |d| d.json = |json| json["rawId"] = "++++".into(),
            WebAuthnError::Base64("rawId"),
        ),
        (
            "an id with bits at its end",
            |d| d.json = |json| json["rawId"] = "AAB".into(),
            WebAuthnError::Base64("rawId"),
        ),
        (
            "no response",
            |d| d.json = |json| json["response"] = Value::Null,
            WebAuthnError::Malformed("clientDataJSON"),
        ),
        (
            "long client data",
            |d| d.json = |json| json["response"]["clientDataJSON"] = "A".repeat(10_000).into(),
            WebAuthnError::TooLong("clientDataJSON"),
        ),
    ];
    each_is_refused(cases, |device| RegistrationResponse::from_json(device.registration()).err());
    each_is_refused(cases, |device| AuthenticationResponse::from_json(device.assertion()).err());
}

#[test]
fn the_members_of_each_answer_are_checked() {
    let cases: &[Case] = &[
        (
            "a long attestation object",
            |d| d.json = |json| json["response"]["attestationObject"] = "A".repeat(40_000).into(),
            WebAuthnError::TooLong("attestationObject"),
        ),
        (
            "no attestation object",
            |d| d.json = |json| json["response"]["attestationObject"] = Value::Null,
            WebAuthnError::Malformed("attestationObject"),
        ),
        (
            "transports that are no list",
            |d| d.json = |json| json["response"]["transports"] = "usb".into(),
            WebAuthnError::Malformed("transports"),
        ),
    ];
    each_is_refused(cases, |device| RegistrationResponse::from_json(device.registration()).err());
    let cases: &[Case] = &[
        (
            "no signature",
            |d| d.json = |json| json["response"]["signature"] = Value::Null,
            WebAuthnError::Malformed("signature"),
        ),
        (
            "a long signature",
            |d| d.json = |json| json["response"]["signature"] = "A".repeat(2_000).into(),
            WebAuthnError::TooLong("signature"),
        ),
        (
            "long authenticator data",
            |d| d.json = |json| json["response"]["authenticatorData"] = "A".repeat(10_000).into(),
            WebAuthnError::TooLong("authenticatorData"),
        ),
        (
            "an empty user handle",
            |d| d.json = |json| json["response"]["userHandle"] = "".into(),
            WebAuthnError::Malformed("userHandle"),
        ),
        (
            "a long user handle",
            |d| d.json = |json| json["response"]["userHandle"] = "A".repeat(87).into(),
            WebAuthnError::TooLong("userHandle"),
        ),
    ];
    each_is_refused(cases, |device| AuthenticationResponse::from_json(device.assertion()).err());
    let long = format!("{{{}}}", " ".repeat(64 << 10));
    let refused = RegistrationResponse::parse(&long).err();
    assert_eq!(refused, Some(WebAuthnError::TooLong("credential")));
    let refused = AuthenticationResponse::parse("{").err();
    assert_eq!(refused, Some(WebAuthnError::Malformed("credential")));
}

#[test]
fn the_transports_that_are_kept_are_few_and_short() {
    let site = Site::new(Key::es256());
    let mut device = Site::new(Key::es256()).device;
    device.json = |json| {
        let mut given =
            vec![json!("usb"), json!("usb"), json!(""), json!("<b>"), json!("x".repeat(17))];
        given.extend(('a'..='z').map(|name| json!(name)));
        json["response"]["transports"] = given.into();
    };
    let kept = site.register(&device).unwrap().transports;
    assert_eq!(kept, ["usb", "a", "b", "c", "d", "e", "f", "g"]);
    device.json = |json| json["response"]["transports"] = Value::Null;
    assert!(site.register(&device).unwrap().transports.is_empty());
}

/// The options of a registration and of a log-in.
#[test]
fn the_options_have_the_form_that_browsers_parse() {
    let site = Site::new(Key::es256());
    let credential = site.credential();
    let account = Account { handle: &site.handle, name: "ann", display_name: "Ann" };
    let existing = vec![credential.descriptor()];
    let required = UserVerification::Required;
    let options =
        site.party.creation_options("A Site", account, &site.challenge, existing, required);
    let descriptor =
        json!({"type": "public-key", "id": "Y3JlZGVudGlhbA", "transports": ["internal", "hybrid"]});
    assert_eq!(
        serde_json::to_value(&options).unwrap(),
        json!({
            "rp": {"id": "example.org", "name": "A Site"},
            "user": {"id": site.handle, "name": "ann", "displayName": "Ann"},
            "challenge": site.challenge,
            "pubKeyCredParams": [
                {"type": "public-key", "alg": -8},
                {"type": "public-key", "alg": -7},
                {"type": "public-key", "alg": -257}
            ],
            "timeout": 300_000,
            "excludeCredentials": [descriptor],
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required"
            },
            "attestation": "none"
        })
    );
    let options =
        site.party.request_options(&site.challenge, Vec::new(), UserVerification::Preferred);
    assert_eq!(
        serde_json::to_value(&options).unwrap(),
        json!({
            "challenge": site.challenge, "timeout": 300_000, "rpId": "example.org", "allowCredentials": [],
            "userVerification": "preferred"
        })
    );
    assert_eq!(site.challenge.to_string().len(), 43);
    assert_eq!(site.handle.as_bytes().len(), 32);
    assert_ne!(Challenge::new(&Random::System), Challenge::new(&Random::System));
}

#[test]
fn ids_are_read_from_their_text_and_not_logged() {
    let site = Site::new(Key::es256());
    let credential = site.credential();
    assert_eq!(site.challenge.to_string().parse(), Ok(site.challenge.clone()));
    assert_eq!(site.handle.to_string().parse(), Ok(site.handle.clone()));
    assert_eq!(credential.id.to_string().parse(), Ok(credential.id.clone()));
    assert_eq!("AAAA".parse::<Challenge>(), Err(WebAuthnError::Malformed("challenge")));
    assert_eq!("".parse::<UserHandle>(), Err(WebAuthnError::Malformed("userHandle")));
    let shown = format!("{:?} {:?} {credential:?}", site.challenge, site.handle);
    assert!(
        shown.starts_with(
            "Challenge UserHandle Credential { id: CredentialId, public_key: PublicKey,"
        )
    );
}
