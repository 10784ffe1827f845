//! Which registrations are accepted.

use serde_json::json;

use super::device::{
    BACKED_UP, CREDENTIAL, ELIGIBLE, EXTENSIONS, PRESENT, VERIFIED, bytes, int, map, text,
};
use super::*;
use crate::webauthn::Algorithm;

#[test]
fn a_credential_of_each_offered_algorithm_is_registered() {
    let keys = [
        (Key::ed_dsa(), Algorithm::EdDsa),
        (Key::es256(), Algorithm::Es256),
        (Key::rs256(), Algorithm::Rs256),
    ];
    for (key, algorithm) in keys {
        let site = Site::new(key);
        let credential = site.credential();
        assert_eq!(credential.public_key.as_bytes(), site.device.cose);
        assert_eq!(credential.public_key.algorithm(), algorithm);
        assert_eq!(credential.id.as_bytes(), b"credential");
        assert_eq!((credential.counter, credential.user_verified), (7, true));
        assert!(credential.backup_eligible && credential.backed_up);
        assert_eq!(credential.aaguid.to_string(), "09090909-0909-0909-0909-090909090909");
        assert_eq!(credential.transports, ["internal", "hybrid"]);
        // The stored form.
        let stored = serde_json::to_value(&credential).unwrap();
        assert_eq!(stored["id"], "Y3JlZGVudGlhbA");
        assert_eq!(serde_json::from_value::<Credential>(stored).unwrap(), credential);
    }
}

/// Type, challenge, origin, top origin and the hash of the RP ID.
#[test]
fn a_registration_for_another_request_or_site_is_refused() {
    let cases: &[Case] = &[
        (
            "type of a log-in",
            |d| d.client_data["type"] = "webauthn.get".into(),
            WebAuthnError::CeremonyType,
        ),
        (
            "no type",
            |d| drop(d.client_data.as_object_mut().unwrap().remove("type")),
            WebAuthnError::Malformed("clientDataJSON"),
        ),
        (
            "another challenge",
            |d| {
                d.client_data["challenge"] =
                    Challenge::from_bytes(&[7; 32]).unwrap().to_string().into();
            },
            WebAuthnError::Challenge,
        ),
        (
            "the challenge with padding",
            |d| {
                d.client_data["challenge"] =
                    format!("{}=", d.client_data["challenge"].as_str().unwrap()).into();
            },
            WebAuthnError::Challenge,
        ),
        (
            "no challenge",
            |d| d.client_data["challenge"] = json!(null),
            WebAuthnError::Malformed("clientDataJSON"),
        ),
        (
            "another origin",
            |d| d.client_data["origin"] = "https://evil-example.org".into(),
            WebAuthnError::Origin,
        ),
        (
            "a subdomain that is not listed",
            |d| d.client_data["origin"] = "https://x.example.org".into(),
            WebAuthnError::Origin,
        ),
        (
            "an origin with a slash",
            |d| d.client_data["origin"] = "https://example.org/".into(),
            WebAuthnError::Origin,
        ),
        (
            "an origin with another port",
            |d| d.client_data["origin"] = "https://example.org:8443".into(),
            WebAuthnError::Origin,
        ),
        (
            "no origin",
            |d| d.client_data["origin"] = json!(["https://example.org"]),
            WebAuthnError::Malformed("clientDataJSON"),
        ),
        (
            "a frame of another origin",
            |d| d.client_data["crossOrigin"] = true.into(),
            WebAuthnError::CrossOrigin,
        ),
        (
            "an odd crossOrigin",
            |d| d.client_data["crossOrigin"] = "false".into(),
            WebAuthnError::CrossOrigin,
        ),
        (
            "a top origin",
            |d| d.client_data["topOrigin"] = "https://example.org".into(),
            WebAuthnError::CrossOrigin,
        ),
        (
            "client data that are no object",
            |d| d.client_data = json!([]),
            WebAuthnError::Malformed("clientDataJSON"),
        ),
        ("another RP ID", |d| d.rp_id = "app.example.org", WebAuthnError::RelyingParty),
    ];
    each_is_refused(cases, |device| Site::new(Key::es256()).register(device).err());
}

/// Presence, verification and backup.
#[test]
fn a_registration_with_wrong_flags_is_refused() {
    let cases: &[Case] = &[
        ("no user", |d| d.flags ^= PRESENT, WebAuthnError::UserNotPresent),
        ("a user who was not verified", |d| d.flags ^= VERIFIED, WebAuthnError::UserNotVerified),
        ("a backup that may not be", |d| d.flags ^= ELIGIBLE, WebAuthnError::BackupState),
        ("no credential", |d| d.flags ^= CREDENTIAL, WebAuthnError::NoCredential),
        (
            "extensions that are missing",
            |d| d.flags ^= EXTENSIONS,
            WebAuthnError::AuthenticatorData,
        ),
        (
            "extensions without their flag",
            |d| d.extensions = map(&[]),
            WebAuthnError::TrailingBytes,
        ),
    ];
    each_is_refused(cases, |device| Site::new(Key::es256()).register(device).err());
    let site = Site::new(Key::es256());
    let mut device = Site::new(Key::es256()).device;
    device.flags ^= VERIFIED | ELIGIBLE | BACKED_UP;
    let response = RegistrationResponse::from_json(device.registration()).unwrap();
    for lenient in [UserVerification::Preferred, UserVerification::Discouraged] {
        let credential = response.verify(site.ceremony(lenient)).unwrap();
        assert!(!credential.user_verified && !credential.backup_eligible && !credential.backed_up);
    }
}

/// The algorithm, the id of the credential and the form.
#[test]
fn a_registration_that_is_malformed_is_refused() {
    fn member(device: &mut Device, at: usize, value: Vec<u8>) {
        device.attestation[at].1 = value;
    }
    let cases: &[Case] = &[
        (
            "an empty id",
            |d| (d.attested_id, d.id) = (vec![], vec![]),
            WebAuthnError::CredentialIdLength,
        ),
        ("an empty attested id", |d| d.attested_id.clear(), WebAuthnError::CredentialIdLength),
        (
            "an attested id of 1024 bytes",
            |d| d.attested_id = vec![1; 1024],
            WebAuthnError::CredentialIdLength,
        ),
        ("an id of 1024 bytes", |d| d.id = vec![1; 1024], WebAuthnError::TooLong("rawId")),
        ("another id in the JSON", |d| d.id = b"another".to_vec(), WebAuthnError::IdsDiffer),
        (
            "bytes after the attestation object",
            |d| d.after_object.push(0),
            WebAuthnError::TrailingBytes,
        ),
        (
            "bytes after the authenticator data",
            |d| d.extensions.push(0),
            WebAuthnError::TrailingBytes,
        ),
        ("no format", |d| drop(d.attestation.remove(0)), WebAuthnError::AttestationObject),
        ("no statement", |d| drop(d.attestation.remove(1)), WebAuthnError::AttestationObject),
        (
            "a statement that is cut",
            |d| member(d, 1, vec![0xa1, 1]),
            WebAuthnError::AttestationObject,
        ),
        (
            "a statement with a tag",
            |d| member(d, 1, vec![0xc0, 0]),
            WebAuthnError::AttestationObject,
        ),
        ("a format that is a number", |d| member(d, 0, int(1)), WebAuthnError::AttestationObject),
        (
            "two formats",
            |d| d.attestation.push((text("fmt"), text("none"))),
            WebAuthnError::AttestationObject,
        ),
        (
            "two statements",
            |d| d.attestation.push((text("attStmt"), map(&[]))),
            WebAuthnError::AttestationObject,
        ),
        (
            "two authenticator data",
            |d| d.attestation.push((text("authData"), bytes(&[0; 37]))),
            WebAuthnError::AttestationObject,
        ),
        (
            "extensions that are no map",
            |d| {
                d.flags ^= EXTENSIONS;
                d.extensions = int(1);
            },
            WebAuthnError::AuthenticatorData,
        ),
    ];
    each_is_refused(cases, |device| Site::new(Key::es256()).register(device).err());
}

#[test]
fn members_that_are_not_known_are_ignored() {
    let site = Site::new(Key::es256());
    let mut device = Site::new(Key::es256()).device;
    device.client_data["extraData"] = "later".into();
    device.client_data["origin"] = "https://app.example.org".into();
    device.client_data.as_object_mut().unwrap().remove("crossOrigin");
    device.attestation.insert(0, (text("epAtt"), vec![0xf4]));
    device.flags ^= EXTENSIONS;
    device.extensions = map(&[(text("credProtect"), int(3))]);
    device.cose[0] += 2;
    device.cose.extend([int(4), vec![0x81, 2], text("x"), int(1)].concat());
    device.json = |json| json["response"]["authenticatorData"] = 1.into();
    let credential = site.register(&device).unwrap();
    assert_eq!(credential.public_key.as_bytes(), device.cose);
    device.attested_id = vec![1; 1023];
    device.id = vec![1; 1023];
    assert!(site.register(&device).is_ok());
}
