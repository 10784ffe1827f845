//! The byte strings of WebAuthn that JSON and the table contain as base64url without padding.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::WebAuthnError;
use crate::random::Random;

/// The bytes of a text, of at most `most` bytes. Accepts one text for each byte string.
pub(super) fn decode(
    name: &'static str,
    text: &str,
    most: usize,
) -> Result<Vec<u8>, WebAuthnError> {
    if text.len() > most.div_ceil(3) * 4 {
        return Err(WebAuthnError::TooLong(name));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| WebAuthnError::Base64(name))?;
    if bytes.len() > most { Err(WebAuthnError::TooLong(name)) } else { Ok(bytes) }
}

/// Implements the text form of bytes: `Display`, `FromStr` and serde. `Debug` shows the name of the type only.
macro_rules! text_form {
    ($name:ident, $label:literal, $most:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = WebAuthnError;

            fn from_str(text: &str) -> Result<Self, WebAuthnError> {
                Self::from_bytes(&crate::webauthn::ids::decode($label, text, $most)?)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(super) use text_form;

/// The most bytes of the id of a credential (§7.1 step 26).
pub(super) const MAX_ID: usize = 1023;
/// The most bytes of a user handle (§5.4.3).
pub(super) const MAX_HANDLE: usize = 64;

/// Names a credential: the authenticator chose it, so it is unique only if the caller ensures it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// The id of those bytes, from 1 to 1023.
    ///
    /// # Errors
    /// [`WebAuthnError::CredentialIdLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        let fits = (1..=MAX_ID).contains(&bytes.len());
        if fits { Ok(Self(bytes.to_vec())) } else { Err(WebAuthnError::CredentialIdLength) }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl CredentialId {
    /// A short name of it: 32 bytes as text, whatever its length.
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.0))
    }
}

text_form!(CredentialId, "id", MAX_ID);

/// Names a user to authenticators. It is random, so that it reveals neither an id nor an address (§14.6.1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserHandle(Vec<u8>);

impl UserHandle {
    /// A new handle: 32 random bytes.
    pub fn new(random: &Random) -> Self {
        Self(random.bytes::<32>().to_vec())
    }

    /// A handle of another system: from 1 to 64 bytes.
    ///
    /// # Errors
    /// [`WebAuthnError::Malformed`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        let fits = (1..=MAX_HANDLE).contains(&bytes.len());
        if fits { Ok(Self(bytes.to_vec())) } else { Err(WebAuthnError::Malformed("userHandle")) }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

text_form!(UserHandle, "userHandle", MAX_HANDLE);

/// The bytes of a challenge.
const CHALLENGE: usize = 32;

/// Binds an answer to one request, so that an old answer does not count again (§13.4.3). Counts once.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge([u8; CHALLENGE]);

impl Challenge {
    /// A new challenge: 32 random bytes.
    pub fn new(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// A stored challenge.
    ///
    /// # Errors
    /// [`WebAuthnError::Malformed`] unless it has 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        bytes.try_into().map(Self).map_err(|_| WebAuthnError::Malformed("challenge"))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

text_form!(Challenge, "challenge", CHALLENGE);
