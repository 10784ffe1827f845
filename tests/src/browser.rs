//! A browser with an authenticator, by the crates of 1Password.

use std::fmt;

use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::rust_crypto::RustCryptoBackend;
use passkey_types::Passkey;
use passkey_types::ctap2::{Aaguid, Ctap2Error};
use public_suffix::PublicSuffixList;
use serde_json::{Value, json};
use url::Url;

/// A user who touches the authenticator, and gives the PIN if the page asks for it.
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

/// A page in a browser, with an authenticator for one passkey.
pub struct Browser {
    client: Client<Option<Passkey>, User, RustCryptoBackend, PublicSuffixList, ()>,
    page: Url,
}

impl Browser {
    /// At the site itself, with an authenticator that does not count its signatures.
    pub fn new() -> Self {
        Self::at(crate::BASE_URL)
    }

    /// On that page.
    pub fn at(page: &str) -> Self {
        Self::holding(None, page)
    }

    fn holding(passkey: Option<Passkey>, page: &str) -> Self {
        let aaguid = Aaguid::from([0xba; 16]);
        let authenticator = Authenticator::new(aaguid, passkey, User, RustCryptoBackend);
        Self { client: Client::new(authenticator), page: Url::parse(page).expect("an address") }
    }

    /// With an authenticator that counts its signatures.
    pub fn counting() -> Self {
        let mut browser = Self::new();
        browser.client.authenticator_mut().set_make_credentials_with_signature_counter(true);
        browser
    }

    /// A copy of the authenticator with its key.
    #[must_use]
    pub fn copied(&self) -> Self {
        let passkey = self.client.authenticator().store().clone();
        Self::holding(passkey, self.page.as_str())
    }

    /// Makes a passkey, as `navigator.credentials.create` does. `None` if the browser refuses.
    pub async fn try_create(&mut self, options: &str) -> Option<String> {
        let options: Value = serde_json::from_str(options).expect("JSON");
        let options = serde_json::from_value(json!({ "publicKey": options }));
        let options = options.expect("options");
        let created = self.client.register(&self.page, options, DefaultClientData).await.ok()?;
        Some(serde_json::to_string(&created).expect("JSON"))
    }

    /// Makes a passkey.
    pub async fn create(&mut self, options: &str) -> String {
        self.try_create(options).await.expect("a new passkey")
    }

    /// Answers with the passkey, as `navigator.credentials.get` does. `None` if the browser refuses.
    pub async fn try_get(&mut self, options: &str) -> Option<String> {
        let options: Value = serde_json::from_str(options).expect("JSON");
        let options = serde_json::from_value(json!({ "publicKey": options }));
        let options = options.expect("options");
        let answer = self.client.authenticate(&self.page, options, DefaultClientData).await.ok()?;
        Some(serde_json::to_string(&answer).expect("JSON"))
    }

    /// Answers with the passkey.
    pub async fn get(&mut self, options: &str) -> String {
        self.try_get(options).await.expect("an answer")
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("page", &self.page).finish_non_exhaustive()
    }
}
