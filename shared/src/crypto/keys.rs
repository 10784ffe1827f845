//! Everything secret, derived from `AUTH_SECRET`.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The fewest bytes of a secret (RFC 7518, 3.2: as many as the output of the hash).
pub const MIN_SECRET_BYTES: usize = 32;
/// The fewest bytes of an RSA modulus (RFC 7518, 3.3): 2048 bits.
const MIN_RSA_BYTES: usize = 256;
/// The label from which the key of access tokens under `HS256` is derived.
const HS256_ACCESS: &str = "access token, HS256";

/// The secrets of a site, newest first. The newest one signs. A token that an older one signed stays valid until it
/// expires, so that a rotation logs no user out.
#[derive(Clone)]
pub struct Secret(Vec<SecretString>);

/// Why a secret cannot be used. It reveals nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// One of the secrets is too short, or empty.
    #[error("must have {MIN_SECRET_BYTES} bytes or more in each of its secrets")]
    TooShort,
    /// An RSA key that is malformed or too short.
    #[error("must be RSA private keys of 2048 bits or more, in PEM")]
    NotRsa,
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

    /// A key of 32 bytes for one use, from each secret. Keys for different uses reveal nothing about each other (RFC
    /// 5869).
    pub(super) fn derive(&self, label: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.0.iter().map(|secret| derive(secret.expose_secret().as_bytes(), label)).collect()
    }
}

impl Secret {
    /// The key that access tokens are signed with under `HS256`, as text. The characters themselves are the key; they
    /// are not decoded. Anyone who has it can make tokens.
    pub fn shared_access_key(&self) -> Zeroizing<String> {
        as_text(&self.derive(HS256_ACCESS)[0])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[expect(clippy::expect_used, reason = "HKDF fails only for outputs of more than 8160 bytes")]
fn derive(secret: &[u8], label: &str) -> Zeroizing<[u8; 32]> {
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

/// How access tokens are signed.
#[derive(Clone, Debug, Default)]
pub enum Signing {
    /// Ed25519 (RFC 8037), by keys derived from the secret.
    #[default]
    EdDsa,
    /// ECDSA on P-256, by keys derived from the secret.
    Es256,
    /// HMAC, by keys derived from the secret. A service that verifies tokens needs the key that signs.
    Hs256,
    /// RSA, by keys of the operator: PEM, newest first.
    Rs256(SecretString),
}

/// The keys for one use: the newest signs, all of them verify.
#[derive(Clone)]
pub(super) struct KeyRing {
    pub(super) algorithm: Algorithm,
    keys: Vec<Key>,
}

/// One key, with the name that it has in a token's header.
#[derive(Clone)]
pub(super) struct Key {
    id: String,
    pub(super) signs: Signer,
    pub(super) verifies: DecodingKey,
    /// The public key of a key pair.
    public: Option<Jwk>,
}

/// A private key.
#[derive(Clone)]
pub(super) enum Signer {
    /// A key pair that is ready to sign. From its encoding, the library would compute the public key again for each
    /// token.
    Ed25519(Arc<Ed25519KeyPair>),
    /// Any other key, as the library takes it.
    Encoded(EncodingKey),
}

impl KeyRing {
    /// Keys that only Latchkey holds, for tokens that no other service verifies.
    pub(super) fn shared(secret: &Secret, label: &str) -> Self {
        let keys = secret.derive(label);
        Self::hmac(keys.iter().map(|key| key.as_slice()))
    }

    /// The same, for tokens that other services verify: the key is the text that they get ([`as_text`]).
    fn shared_as_text(secret: &Secret, label: &str) -> Self {
        let keys: Vec<_> = secret.derive(label).iter().map(as_text).collect();
        Self::hmac(keys.iter().map(|key| key.as_bytes()))
    }

    fn hmac<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Self {
        let keys = keys.map(|key| Key {
            id: key_id(key),
            signs: Signer::Encoded(EncodingKey::from_secret(key)),
            verifies: DecodingKey::from_secret(key),
            public: None,
        });
        Self { algorithm: Algorithm::HS256, keys: keys.collect() }
    }

    /// Keys for tokens that others verify.
    pub(super) fn for_access(secret: &Secret, signing: &Signing) -> Result<Self, SecretError> {
        let pairs = |algorithm, keys: Vec<EncodingKey>| {
            Self::of(algorithm, keys.into_iter().map(|key| pair(algorithm, key)))
        };
        match signing {
            Signing::Hs256 => Ok(Self::shared_as_text(secret, HS256_ACCESS)),
            Signing::EdDsa => {
                let seeds = secret.derive("access token, EdDSA");
                Self::of(Algorithm::EdDSA, seeds.iter().map(|seed| ed25519(seed)))
            }
            Signing::Es256 => {
                let seeds = secret.derive("access token, ES256");
                pairs(Algorithm::ES256, seeds.iter().map(|seed| p256(seed)).collect())
            }
            Signing::Rs256(pem) => pairs(Algorithm::RS256, rsa_keys(pem.expose_secret())?),
        }
    }

    fn of(
        algorithm: Algorithm,
        keys: impl Iterator<Item = Result<Key, jsonwebtoken::errors::Error>>,
    ) -> Result<Self, SecretError> {
        let keys = keys.collect::<Result<_, _>>().map_err(|_| SecretError::NotRsa)?;
        Ok(Self { algorithm, keys })
    }

    /// The key to sign with.
    pub(super) fn newest(&self) -> &Key {
        &self.keys[0]
    }

    /// The key of that name.
    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The public keys as a JSON Web Key Set.
    pub(super) fn public_keys(&self) -> serde_json::Value {
        let keys: Vec<_> = self.keys.iter().filter_map(|key| key.public.as_ref()).collect();
        serde_json::json!({ "keys": keys })
    }
}

impl Key {
    /// The key's name: that of the newest is in the header of every token.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

fn pair(algorithm: Algorithm, signs: EncodingKey) -> Result<Key, jsonwebtoken::errors::Error> {
    published(Jwk::from_encoding_key(&signs, algorithm)?, Signer::Encoded(signs))
}

/// The key pair of a seed. The public key is computed once, because that is a large part of what a cold start computes.
#[expect(clippy::expect_used, reason = "any 32 bytes are a seed (RFC 8032, 5.1.5)")]
fn ed25519(seed: &[u8; 32]) -> Result<Key, jsonwebtoken::errors::Error> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
    let verifies = DecodingKey::from_ed_der(pair.public_key().as_ref());
    let public = Jwk::from_decoding_key(&verifies, Some(Algorithm::EdDSA))?;
    published(public, Signer::Ed25519(Arc::new(pair)))
}

/// A key with that public key, which other services read.
fn published(mut public: Jwk, signs: Signer) -> Result<Key, jsonwebtoken::errors::Error> {
    let id = key_id(public.thumbprint(ThumbprintHash::SHA256)?.as_bytes());
    public.common.key_id = Some(id.clone());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(Key { id, signs, verifies: DecodingKey::from_jwk(&public)?, public: Some(public) })
}

#[expect(clippy::expect_used, reason = "the scalar is one that was accepted")]
fn p256(seed: &[u8; 32]) -> EncodingKey {
    // One of 2^32 seeds is no scalar of the curve. Then the next seed is derived from it.
    let mut scalar = Zeroizing::new(*seed);
    let public = loop {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar.as_slice());
        match private.and_then(|private| Ok(private.compute_public_key()?)) {
            Ok(public) => break public,
            Err(_) => scalar = derive(scalar.as_slice(), "the next scalar"),
        }
    };
    let pair = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        scalar.as_slice(),
        public.as_ref(),
    );
    let pkcs8 = pair.ok().and_then(|pair| pair.to_pkcs8v1().ok());
    EncodingKey::from_ec_der(pkcs8.expect("a key pair has an encoding").as_ref())
}

/// One or more private keys, PKCS#1 or PKCS#8, each in its own PEM block.
fn rsa_keys(pem: &str) -> Result<Vec<EncodingKey>, SecretError> {
    // An environment variable on one line spells its line breaks.
    let pem = Zeroizing::new(pem.replace("\\n", "\n"));
    let keys: Result<Vec<_>, _> = pem
        .split("-----BEGIN")
        .skip(1)
        .map(|block| {
            let block = Zeroizing::new(format!("-----BEGIN{block}"));
            EncodingKey::from_rsa_pem(block.trim().as_bytes()).ok().filter(is_long)
        })
        .map(|key| key.ok_or(SecretError::NotRsa))
        .collect();
    keys.and_then(|keys| if keys.is_empty() { Err(SecretError::NotRsa) } else { Ok(keys) })
}

fn is_long(key: &EncodingKey) -> bool {
    let Ok(jwk) = Jwk::from_encoding_key(key, Algorithm::RS256) else { return false };
    let AlgorithmParameters::RSA(rsa) = jwk.algorithm else { return false };
    URL_SAFE_NO_PAD.decode(rsa.n).is_ok_and(|modulus| modulus.len() >= MIN_RSA_BYTES)
}

/// The whole key as 43 characters: other services take a shared key as text.
fn as_text(key: &Zeroizing<[u8; 32]>) -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(key.as_slice()))
}

fn key_id(key: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key);
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::parse(&"a".repeat(32)).unwrap()
    }

    #[test]
    fn a_secret_of_31_bytes_is_refused_and_one_of_32_is_not() {
        assert_eq!(Secret::parse(&"a".repeat(31)).err(), Some(SecretError::TooShort));
        assert!(Secret::parse(&"a".repeat(32)).is_ok());
        assert!(Secret::parse(&format!("{},", "a".repeat(32))).is_err());
    }

    /// Computed with Python's `cryptography` (HKDF-SHA256).
    #[test]
    fn keys_are_derived_by_hkdf_with_a_label_for_each_use() {
        let hex = |key: &[u8; 32]| key.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(&secret().derive("refresh token")[0]),
            "74ec290ec4ce4ac8c0b3c727255882527e7e70d0f0779c47b46149b78dc932ad"
        );
        assert_eq!(
            hex(&secret().derive("link token")[0]),
            "893d23c1d58b65b0089117f1d0f38de6b053020be8139c2c0c21aa9a805f889b"
        );
    }

    #[test]
    fn debug_output_reveals_nothing() {
        assert_eq!(format!("{:?}", secret()), "Secret");
    }

    #[test]
    fn the_published_keys_hold_nothing_private() {
        for (signing, names) in [
            (Signing::EdDsa, vec!["alg", "crv", "kid", "kty", "use", "x"]),
            (Signing::Es256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        ] {
            let keys = KeyRing::for_access(&secret(), &signing).unwrap().public_keys();
            let key = keys["keys"][0].as_object().unwrap();
            let mut found: Vec<_> = key.keys().map(String::as_str).collect();
            found.sort_unstable();
            assert_eq!(found, names, "{signing:?}");
        }
    }

    #[test]
    fn the_public_key_of_a_seed_is_the_one_that_the_library_computes() {
        let ring = KeyRing::for_access(&secret(), &Signing::EdDsa).unwrap();
        let seed = &secret().derive("access token, EdDSA")[0];
        let encoded = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).unwrap();
        let encoded = EncodingKey::from_ed_der(encoded.to_pkcs8v1().unwrap().as_ref());
        let expected = pair(Algorithm::EdDSA, encoded).unwrap();
        assert_eq!(ring.newest().public, expected.public);
        assert_eq!(ring.newest().id, expected.id);
    }

    #[test]
    fn shared_keys_are_not_published() {
        let keys = KeyRing::for_access(&secret(), &Signing::Hs256).unwrap().public_keys();
        assert_eq!(keys, serde_json::json!({ "keys": [] }));
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        for pem in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            let refused = KeyRing::for_access(&secret(), &Signing::Rs256(pem.into()));
            assert_eq!(refused.err(), Some(SecretError::NotRsa), "{pem}");
        }
    }
}
