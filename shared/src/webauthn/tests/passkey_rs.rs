//! Another implementation as browser and authenticator: the crates of 1Password. It reads our options, and we read its
//! answers.

use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::iana;
use passkey_crypto::rust_crypto::RustCryptoBackend;
use passkey_types::Passkey;
use passkey_types::ctap2::{Aaguid, Ctap2Error};
use serde_json::json;
use url::Url;

use super::*;
use crate::webauthn::{Account, Algorithm};

/// A user who is present, and verified if the site asks for it.
struct User;

#[async_trait::async_trait]
impl UserValidationMethod for User {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        hint: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        if matches!(hint, UiHint::InformExcludedCredentialFound(_)) {
            return Err(Ctap2Error::CredentialExcluded);
        }
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

#[tokio::test]
async fn another_implementation_reads_the_options_and_its_answers_are_accepted() {
    for (named, algorithm) in
        [(iana::Algorithm::ES256, Algorithm::Es256), (iana::Algorithm::EdDSA, Algorithm::EdDsa)]
    {
        for counts in [false, true] {
            let aaguid = Aaguid::from([0xba; 16]);
            let mut authenticator =
                Authenticator::new(aaguid, None::<Passkey>, User, RustCryptoBackend);
            authenticator.set_algorithms(&[named]).unwrap();
            authenticator.set_make_credentials_with_signature_counter(counts);
            let mut client = Client::new(authenticator);
            let page = Url::parse("https://app.example.org").unwrap();
            let site = Site::new(Key::es256());
            let required = UserVerification::Required;

            let account = Account { handle: &site.handle, name: "ann", display_name: "" };
            let options =
                site.party.creation_options("Site", account, &site.challenge, Vec::new(), required);
            let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
            let created = client.register(&page, options, DefaultClientData).await.unwrap();
            let created = serde_json::to_string(&created).unwrap();
            let response = RegistrationResponse::parse(&created).unwrap();
            let mut credential = response.verify(site.ceremony(required)).unwrap();
            assert_eq!(credential.public_key.algorithm(), algorithm);
            assert_eq!(credential.aaguid.to_string(), "babababa-baba-baba-baba-babababababa");

            for allowed in [Vec::new(), vec![credential.descriptor()]] {
                let options = site.party.request_options(&site.challenge, allowed, required);
                let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
                let answer = client.authenticate(&page, options, DefaultClientData).await.unwrap();
                let answer = serde_json::to_string(&answer).unwrap();
                let response = AuthenticationResponse::parse(&answer).unwrap();
                assert_eq!(response.credential_id(), &credential.id);
                assert_eq!(response.user_handle(), Some(&site.handle));
                let owner = Owner::Discovered(&site.handle);
                let assertion =
                    response.verify(&credential, owner, site.ceremony(required)).unwrap();
                assert_eq!(assertion.counter > credential.counter, counts);
                credential = credential.after(&assertion);
                let again = response.verify(&credential, owner, site.ceremony(required));
                assert_eq!(again.is_err(), counts, "the counter does not repeat");
            }

            // A page of another site cannot ask for this RP ID.
            let options = site.party.request_options(&site.challenge, Vec::new(), required);
            let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
            let evil = Url::parse("https://evil-example.org").unwrap();
            assert!(client.authenticate(&evil, options, DefaultClientData).await.is_err());
        }
    }
}

#[tokio::test]
async fn another_implementation_obeys_the_list_of_existing_credentials() {
    let site = Site::new(Key::es256());
    let aaguid = Aaguid::from([0; 16]);
    let authenticator = Authenticator::new(aaguid, None::<Passkey>, User, RustCryptoBackend);
    let mut client = Client::new(authenticator);
    let page = Url::parse("https://example.org").unwrap();
    let required = UserVerification::Required;
    let mut existing = Vec::new();
    for is_new in [true, false] {
        let account = Account { handle: &site.handle, name: "ann", display_name: "Ann" };
        let options = site.party.creation_options(
            "Site",
            account,
            &site.challenge,
            std::mem::take(&mut existing),
            required,
        );
        let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
        let created = client.register(&page, options, DefaultClientData).await;
        assert_eq!(created.is_ok(), is_new);
        if let Ok(created) = created {
            let created = serde_json::to_string(&created).unwrap();
            let response = RegistrationResponse::parse(&created).unwrap();
            existing.push(response.verify(site.ceremony(required)).unwrap().descriptor());
        }
    }
}
