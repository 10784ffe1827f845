//! Tokens made by hand: keys by RFC 5869, parts in base64url, signatures by aws-lc. Neither our own
//! encoder nor a JWT library has a part in them.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// The signer of a token.
#[derive(Debug)]
pub enum Signer {
    /// No signature.
    None,
    /// A signer who knows a secret.
    Hmac(hmac::Algorithm, Vec<u8>),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
    /// ECDSA on P-256.
    Ecdsa(EcdsaKeyPair),
    /// RSA, with that padding and digest.
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Signer {
    /// HMAC with SHA-256.
    pub fn hs256(key: impl Into<Vec<u8>>) -> Self {
        Self::Hmac(hmac::HMAC_SHA256, key.into())
    }

    /// Ed25519 with that seed.
    pub fn ed25519(seed: [u8; 32]) -> Self {
        Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed"))
    }

    /// ECDSA on P-256 with that scalar.
    pub fn es256(scalar: [u8; 32]) -> Self {
        let private = PrivateKey::from_private_key(&ECDH_P256, &scalar).expect("a scalar");
        let public = private.compute_public_key().expect("a public key");
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &scalar, public.as_ref());
        Self::Ecdsa(pair.expect("a key pair"))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Hmac(algorithm, key) => {
                hmac::sign(&hmac::Key::new(*algorithm, key), message).as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
            }
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(*encoding, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

/// A new RSA key of 2048 bits, as PKCS#8.
pub fn rsa_pkcs8() -> Vec<u8> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair");
    let der: Pkcs8V1Der = pair.as_der().expect("an encoding");
    der.as_ref().to_vec()
}

/// A key pair from PKCS#8.
pub fn rsa(pkcs8: &[u8]) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(pkcs8).expect("an RSA key")
}

/// The key of 32 bytes for one use: HKDF-SHA256 (RFC 5869) with the salt `latchkey`, written out.
pub fn derived(secret: &str, label: &str) -> [u8; 32] {
    let hmac_sha256 = |key: &[u8], text: &[u8]| -> [u8; 32] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
        tag.as_ref().try_into().expect("32 bytes")
    };
    let extracted = hmac_sha256(b"latchkey", secret.as_bytes());
    hmac_sha256(&extracted, &[label.as_bytes(), &[1]].concat())
}

/// The id of a key in a token's header: derived from a shared key itself, or from the thumbprint of a key pair.
pub fn key_id(key: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, key.as_ref()).as_ref()[..9])
}

/// The thumbprint of a public key (RFC 7638), of which `required` are the members that count, in
/// their order.
pub fn thumbprint(jwk: &Value, required: &[&str]) -> String {
    let members: Vec<_> =
        required.iter().map(|name| format!("\"{name}\":{}", jwk[*name])).collect();
    let json = format!("{{{}}}", members.join(","));
    URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes()))
}

/// A token with exactly that header and that payload.
pub fn token(header: &str, payload: &str, signer: &Signer) -> String {
    let message = format!("{}.{}", part(header), part(payload));
    let signature = part(signer.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Whether a published key verifies the signature of the token.
pub fn is_signed_by(jwk: &Value, token: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let (message, signature) = (message.as_bytes(), bytes(signature));
    let member = |name: &str| bytes(jwk[name].as_str().expect("a member"));
    let verdict = match jwk["kty"].as_str().expect("a kind of key") {
        "OKP" => UnparsedPublicKey::new(&ED25519, member("x")).verify(message, &signature),
        "EC" => {
            let point = [&[4], &*member("x"), &*member("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, &signature)
        }
        _ => RsaPublicKeyComponents { n: member("n"), e: member("e") }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            message,
            &signature,
        ),
    };
    verdict.is_ok()
}

/// Base64url, without padding.
pub fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a part.
pub fn bytes(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// The header of a token.
pub fn header(token: &str) -> Value {
    serde_json::from_slice(&bytes(token.split('.').next().expect("a header"))).expect("JSON")
}

/// The payload of a token.
pub fn payload(token: &str) -> Value {
    serde_json::from_slice(&bytes(token.split('.').nth(1).expect("a payload"))).expect("JSON")
}

/// Those bytes in PEM, under that label.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
