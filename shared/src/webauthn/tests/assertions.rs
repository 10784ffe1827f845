//! Which log-ins are accepted.

use super::device::{ELIGIBLE, EXTENSIONS, PRESENT, VERIFIED, int, map, text};
use super::*;
use crate::webauthn::PublicKey;

#[test]
fn a_credential_of_each_offered_algorithm_logs_in() {
    for key in [Key::ed_dsa(), Key::es256(), Key::rs256()] {
        let mut site = Site::new(key);
        let credential = site.credential();
        site.device.counter = 8;
        site.device.flags ^= EXTENSIONS;
        site.device.extensions = map(&[(text("prf"), map(&[]))]);
        let assertion = site.log_in(&site.device, &credential).unwrap();
        let expected = Assertion { counter: 8, backed_up: true, user_verified: true };
        assert_eq!(assertion, expected);
        assert_eq!(credential.clone().after(&assertion).counter, 8);
    }
}

/// Each check refuses the answer, although the key of the credential signed it.
#[test]
fn a_signed_log_in_is_refused_if_a_check_fails() {
    let cases: &[Case] = &[
        (
            "type of a registration",
            |d| d.client_data["type"] = "webauthn.create".into(),
            WebAuthnError::CeremonyType,
        ),
        (
            "another challenge",
            |d| d.client_data["challenge"] = "AAAA".into(),
            WebAuthnError::Challenge,
        ),
        (
            "another origin",
            |d| d.client_data["origin"] = "https://example.org.evil.example".into(),
            WebAuthnError::Origin,
        ),
        (
            "a frame of another origin",
            |d| d.client_data["crossOrigin"] = true.into(),
            WebAuthnError::CrossOrigin,
        ),
        (
            "a top origin",
            |d| d.client_data["topOrigin"] = "https://example.org".into(),
            WebAuthnError::CrossOrigin,
        ),
        ("another RP ID", |d| d.rp_id = "example.com", WebAuthnError::RelyingParty),
        ("no user", |d| d.flags ^= PRESENT, WebAuthnError::UserNotPresent),
        ("a user who was not verified", |d| d.flags ^= VERIFIED, WebAuthnError::UserNotVerified),
        ("a backup that may not be", |d| d.flags ^= ELIGIBLE, WebAuthnError::BackupState),
        ("bytes at the end", |d| d.extensions = int(0), WebAuthnError::TrailingBytes),
        (
            "extensions that are missing",
            |d| d.flags ^= EXTENSIONS,
            WebAuthnError::AuthenticatorData,
        ),
        ("another credential", |d| d.id = b"another".to_vec(), WebAuthnError::Credential),
        (
            "another user",
            |d| d.user_handle = Some(UserHandle::from_bytes(&[1; 32]).unwrap()),
            WebAuthnError::UserHandle,
        ),
        ("no user handle", |d| d.user_handle = None, WebAuthnError::UserHandle),
        (
            "the same counter",
            |d| d.counter = 6,
            WebAuthnError::CounterWentBack { stored: 6, received: 6 },
        ),
        (
            "a lower counter",
            |d| d.counter = 5,
            WebAuthnError::CounterWentBack { stored: 6, received: 5 },
        ),
        (
            "a counter that restarts",
            |d| d.counter = 0,
            WebAuthnError::CounterWentBack { stored: 6, received: 0 },
        ),
    ];
    each_is_refused(cases, |device| {
        let site = Site::new(Key::es256());
        let mut credential = site.credential();
        credential.public_key = PublicKey::from_bytes(&device.cose).unwrap();
        credential.counter = 6;
        site.log_in(device, &credential).err()
    });
}

#[test]
fn a_log_in_that_another_key_signed_is_refused() {
    for keys in [Key::es256, Key::ed_dsa, Key::rs256] {
        let site = Site::new(keys());
        let mut credential = site.credential();
        credential.counter = 0;
        let other = Site::new(keys()).device;
        assert_eq!(site.log_in(&other, &credential), Err(WebAuthnError::Signature));
        assert!(site.log_in(&site.device, &credential).is_ok());
    }
}

/// What a credential says of its backup never changes.
#[test]
fn a_credential_whose_backup_eligibility_changed_is_refused() {
    let site = Site::new(Key::es256());
    let mut credential = site.credential();
    (credential.counter, credential.backup_eligible) = (0, false);
    let refused = site.log_in(&site.device, &credential);
    assert_eq!(refused, Err(WebAuthnError::BackupEligibility));
    let mut site = site;
    site.device.flags = PRESENT | VERIFIED;
    credential.backup_eligible = true;
    let refused = site.log_in(&site.device, &credential);
    assert_eq!(refused, Err(WebAuthnError::BackupEligibility));
}

#[test]
fn a_wrong_signature_says_nothing_about_the_counter() {
    let mut site = Site::new(Key::es256());
    let credential = site.credential();
    site.device.counter = 1;
    site.device.json = |json| json["response"]["signature"] = "MAYCAQECAQE".into();
    assert_eq!(site.log_in(&site.device, &credential), Err(WebAuthnError::Signature));
}

#[test]
fn an_authenticator_that_does_not_count_stays_at_zero() {
    let mut site = Site::new(Key::es256());
    site.device.counter = 0;
    let credential = site.credential();
    assert_eq!(site.log_in(&site.device, &credential).unwrap().counter, 0);
}

#[test]
fn a_known_user_needs_no_user_handle_but_never_has_that_of_another() {
    let mut site = Site::new(Key::es256());
    let mut credential = site.credential();
    credential.counter = 0;
    let other = UserHandle::from_bytes(b"another").unwrap();
    let log_in = |site: &Site, owner| {
        let response = AuthenticationResponse::from_json(site.device.assertion()).unwrap();
        response.verify(&credential, Owner::Known(owner), site.ceremony(UserVerification::Required))
    };
    assert!(log_in(&site, &site.handle).is_ok());
    assert_eq!(log_in(&site, &other), Err(WebAuthnError::UserHandle));
    site.device.user_handle = None;
    assert!(log_in(&site, &site.handle).is_ok());
}

#[test]
fn a_second_factor_may_do_without_user_verification() {
    let mut site = Site::new(Key::es256());
    let mut credential = site.credential();
    credential.counter = 0;
    site.device.flags ^= VERIFIED;
    let response = AuthenticationResponse::from_json(site.device.assertion()).unwrap();
    for lenient in [UserVerification::Preferred, UserVerification::Discouraged] {
        let owner = Owner::Discovered(&site.handle);
        let assertion = response.verify(&credential, owner, site.ceremony(lenient)).unwrap();
        assert!(!assertion.user_verified);
    }
}

#[test]
fn a_credential_that_was_registered_without_user_verification_never_logs_in_alone() {
    let site = Site::new(Key::es256());
    let mut credential = site.credential();
    (credential.counter, credential.user_verified) = (0, false);
    assert_eq!(site.log_in(&site.device, &credential), Err(WebAuthnError::UserNotVerified));
    let response = AuthenticationResponse::from_json(site.device.assertion()).unwrap();
    let ceremony = site.ceremony(UserVerification::Preferred);
    let assertion =
        response.verify(&credential, Owner::Discovered(&site.handle), ceremony).unwrap();
    assert!(!assertion.user_verified);
    assert!(!credential.after(&assertion).user_verified);
}
