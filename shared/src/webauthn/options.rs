//! The options that a page passes to the browser: `PublicKeyCredential.parseCreationOptionsFromJSON` and
//! `parseRequestOptionsFromJSON` read them (§5.1.8, §5.1.9).

use jiff::SignedDuration;
use serde::Serialize;

use super::{Algorithm, Challenge, CredentialId, RelyingParty, UserHandle, UserVerification};

/// How long the browser waits for the user. The challenge ends at the same time.
pub const TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

const PUBLIC_KEY: &str = "public-key";

/// The account of a new passkey, as authenticators show it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Names the user to the authenticator. One authenticator keeps one passkey for each handle.
    pub handle: &'a UserHandle,
    /// The username or the address.
    pub name: &'a str,
    /// The name of the person; it may be empty.
    pub display_name: &'a str,
}

/// A credential that the browser may use, or that it must not create again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    id: CredentialId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transports: Vec<String>,
}

impl Descriptor {
    /// The descriptor of a stored credential.
    pub fn new(id: CredentialId, transports: Vec<String>) -> Self {
        Self { kind: PUBLIC_KEY, id, transports }
    }
}

/// Asks the browser for a new passkey.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    rp: Party,
    user: User,
    challenge: Challenge,
    pub_key_cred_params: [Parameter; 3],
    timeout: i64,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Party {
    id: String,
    name: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: UserHandle,
    name: String,
    display_name: String,
}

#[derive(Clone, Debug, Serialize)]
struct Parameter {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    /// For browsers that do not know `residentKey`.
    require_resident_key: bool,
    user_verification: UserVerification,
}

/// Asks the browser for an assertion of a passkey.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    challenge: Challenge,
    timeout: i64,
    rp_id: String,
    allow_credentials: Vec<Descriptor>,
    user_verification: UserVerification,
}

fn timeout() -> i64 {
    TIMEOUT.as_secs().saturating_mul(1000)
}

impl RelyingParty {
    /// Options for a new passkey that works without a name. `existing` are all credentials of the user: the browser
    /// refuses to create a second one on the same authenticator.
    ///
    /// They ask for no attestation, because no decision depends on the model of an authenticator.
    pub fn creation_options(
        &self,
        site: &str,
        account: Account<'_>,
        challenge: &Challenge,
        existing: Vec<Descriptor>,
        user_verification: UserVerification,
    ) -> CreationOptions {
        CreationOptions {
            rp: Party { id: self.id().to_owned(), name: site.to_owned() },
            user: User {
                id: account.handle.clone(),
                name: account.name.to_owned(),
                display_name: account.display_name.to_owned(),
            },
            challenge: challenge.clone(),
            pub_key_cred_params: Algorithm::OFFERED
                .map(|algorithm| Parameter { kind: PUBLIC_KEY, alg: algorithm.cose() }),
            timeout: timeout(),
            exclude_credentials: existing,
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification,
            },
            attestation: "none",
        }
    }

    /// Options for a log-in. Without `allowed` credentials, the browser offers all passkeys of the site, so the options
    /// reveal nothing about a user.
    pub fn request_options(
        &self,
        challenge: &Challenge,
        allowed: Vec<Descriptor>,
        user_verification: UserVerification,
    ) -> RequestOptions {
        RequestOptions {
            challenge: challenge.clone(),
            timeout: timeout(),
            rp_id: self.id().to_owned(),
            allow_credentials: allowed,
            user_verification,
        }
    }
}
