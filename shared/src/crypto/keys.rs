//! Everything secret, derived from `AUTH_SECRET`.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The fewest bytes of a secret (RFC 7518, 3.2: as many as the hash gives out).
pub const MIN_SECRET_BYTES: usize = 32;

/// The secrets of a site, newest first. Signing is done with the newest; what an older one signed is
/// good until its own time is over, so that a rotation logs nobody out.
#[derive(Clone)]
pub struct Secret(Vec<SecretString>);

/// Why a secret cannot be used. Says nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// One of the secrets is short, or there is none.
    #[error("each secret must have {MIN_SECRET_BYTES} bytes or more")]
    TooShort,
}

impl Secret {
    /// Reads secrets that are separated by commas; space around each is dropped.
    ///
    /// # Errors
    /// When one has fewer than [`MIN_SECRET_BYTES`].
    pub fn parse(list: &str) -> Result<Self, SecretError> {
        let secrets: Vec<&str> = list.split(',').map(str::trim).collect();
        if secrets.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
            return Err(SecretError::TooShort);
        }
        Ok(Self(secrets.into_iter().map(SecretString::from).collect()))
    }

    /// A key of 32 bytes for one use, from each secret. Keys for different uses tell nothing of each
    /// other (RFC 5869).
    pub(crate) fn derive(&self, label: &'static str) -> Vec<Zeroizing<[u8; 32]>> {
        self.0.iter().map(|secret| derive(secret.expose_secret().as_bytes(), label)).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[expect(clippy::expect_used, reason = "HKDF fails only for outputs of more than 8160 bytes")]
fn derive(secret: &[u8], label: &'static str) -> Zeroizing<[u8; 32]> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, b"latchkey")
        .extract(secret)
        .expand(&[label.as_bytes()], Length)
        .and_then(|output| output.fill(key.as_mut_slice()))
        .expect("32 bytes can be had");
    key
}

/// The keys for one use: the newest signs, all of them verify.
#[derive(Clone)]
pub(crate) struct KeyRing {
    pub(crate) algorithm: Algorithm,
    keys: Vec<Key>,
}

/// One key, with the name that it has in a token's header.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) signs: EncodingKey,
    pub(crate) verifies: DecodingKey,
    /// What may be published, for a key pair.
    public: Option<Vec<u8>>,
}

impl KeyRing {
    /// Keys that only these functions hold, for tokens that nobody else verifies.
    fn shared(secret: &Secret, label: &'static str) -> Self {
        let keys = secret.derive(label).into_iter().map(|key| Key {
            id: key_id(key.as_slice()),
            signs: EncodingKey::from_secret(key.as_slice()),
            verifies: DecodingKey::from_secret(key.as_slice()),
            public: None,
        });
        Self { algorithm: Algorithm::HS256, keys: keys.collect() }
    }

    /// Key pairs (Ed25519, RFC 8037), for tokens that anybody may verify.
    fn public(secret: &Secret, label: &'static str) -> Self {
        let keys = secret.derive(label).into_iter().map(|seed| ed25519(&seed));
        Self { algorithm: Algorithm::EdDSA, keys: keys.collect() }
    }

    /// The key to sign with.
    pub(crate) fn newest(&self) -> &Key {
        &self.keys[0]
    }

    /// The key of that name.
    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

#[expect(clippy::expect_used, reason = "any 32 bytes are a seed (RFC 8032, 5.1.5)")]
fn ed25519(seed: &[u8; 32]) -> Key {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
    let pkcs8 = pair.to_pkcs8v1().expect("a key pair has an encoding");
    let public = pair.public_key().as_ref().to_vec();
    Key {
        id: key_id(&public),
        signs: EncodingKey::from_ed_der(pkcs8.as_ref()),
        verifies: DecodingKey::from_ed_der(&public),
        public: Some(public),
    }
}

fn key_id(key: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key);
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9])
}

/// All keys of a site.
#[derive(Clone)]
pub struct Keys {
    pub(crate) access: KeyRing,
    pub(crate) refresh: KeyRing,
    pub(crate) link: KeyRing,
    pub(crate) codes: Vec<Zeroizing<[u8; 32]>>,
}

impl Keys {
    /// Derives all keys. Takes some tens of microseconds for each secret.
    pub fn derive(secret: &Secret) -> Self {
        Self {
            access: KeyRing::public(secret, "access token, EdDSA"),
            refresh: KeyRing::shared(secret, "refresh token"),
            link: KeyRing::shared(secret, "link token"),
            codes: secret.derive("one-time code"),
        }
    }

    /// The public keys of all present secrets as a JSON Web Key Set (RFC 7517). Nothing private.
    pub fn public_key_set(&self) -> serde_json::Value {
        let keys = self.access.keys.iter().filter_map(|key| {
            Some(serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": key.id, "x": URL_SAFE_NO_PAD.encode(key.public.as_ref()?),
            }))
        });
        serde_json::json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_31_bytes_is_refused_and_one_of_32_is_not() {
        assert_eq!(Secret::parse(&"a".repeat(31)).err(), Some(SecretError::TooShort));
        assert!(Secret::parse(&"a".repeat(32)).is_ok());
        assert!(Secret::parse(&format!("{},", "a".repeat(32))).is_err());
    }

    #[test]
    fn keys_for_different_uses_differ() {
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        assert_ne!(*secret.derive("refresh token")[0], *secret.derive("link token")[0]);
    }

    #[test]
    fn debug_output_tells_nothing() {
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        assert_eq!(format!("{secret:?} {:?}", Keys::derive(&secret)), "Secret Keys");
    }

    #[test]
    fn the_published_keys_hold_nothing_private() {
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        let keys = Keys::derive(&secret).public_key_set();
        let key = keys["keys"][0].as_object().unwrap();
        let names: Vec<_> = key.keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
    }
}
