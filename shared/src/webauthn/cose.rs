//! Public keys in the form of COSE (RFC 9052, RFC 9053, RFC 8230), and the signatures that they verify.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::WebAuthnError;
use super::cbor::Reader;
use super::ids::text_form;

/// The most bytes of a key: an RSA key of 8192 bits and some room.
const MAX_KEY: usize = 1200;
/// The exponent of RSA keys. Authenticators use no other.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// How a credential signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// EdDSA with Ed25519.
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256, for Windows Hello.
    Rs256,
}

impl Algorithm {
    /// The offered algorithms, in the order of preference.
    pub const OFFERED: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Its number in the IANA registry of COSE algorithms.
    pub fn cose(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }
}

/// The public key of a credential: a COSE key of an offered algorithm, as the authenticator wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    cose: Vec<u8>,
}

/// The members of a COSE key that we know. Each label means something else for each type of key.
#[derive(Default)]
struct Members<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    /// Label −1 of an RSA key.
    modulus: Option<&'a [u8]>,
    /// Label −2: the coordinate x, or the exponent of an RSA key.
    second: Option<&'a [u8]>,
    /// Label −3: the coordinate y.
    third: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut members = Self::default();
        for _ in 0..reader.map()? {
            let mut ahead = *reader;
            let Some(label) = ahead.integer() else {
                // The name of an unknown member.
                reader.skip()?;
                reader.skip()?;
                continue;
            };
            *reader = ahead;
            let is_new = match label {
                1 => members.kind.replace(reader.integer()?).is_none(),
                3 => members.algorithm.replace(reader.integer()?).is_none(),
                -1 => {
                    if let Some(curve) = ahead.integer() {
                        *reader = ahead;
                        members.curve.replace(curve).is_none()
                    } else {
                        members.modulus.replace(reader.bytes()?).is_none()
                    }
                }
                -2 => members.second.replace(reader.bytes()?).is_none(),
                -3 => members.third.replace(reader.bytes()?).is_none(),
                _ => reader.skip().is_some(),
            };
            if !is_new {
                return None;
            }
        }
        Some(members)
    }

    /// The key, if it is a valid one of its algorithm.
    fn key(&self) -> Result<(Algorithm, ParsedPublicKey), WebAuthnError> {
        let number = self.algorithm.ok_or(WebAuthnError::Key)?;
        let algorithm = Algorithm::OFFERED.into_iter().find(|offered| offered.cose() == number);
        let algorithm = algorithm.ok_or(WebAuthnError::Algorithm)?;
        let key = match (algorithm, self) {
            (
                Algorithm::EdDsa,
                Self { kind: Some(1), curve: Some(6), second: Some(x), third: None, .. },
            ) => ParsedPublicKey::new(&ED25519, x).ok(),
            (
                Algorithm::Es256,
                Self { kind: Some(2), curve: Some(1), second: Some(x), third: Some(y), .. },
            ) if x.len() == 32 && y.len() == 32 => {
                // The library checks that the point is on the curve.
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, [&[4], *x, *y].concat()).ok()
            }
            (Algorithm::Rs256, Self { kind: Some(3), modulus: Some(n), second: Some(e), .. })
                if is_modulus(n) && *e == EXPONENT =>
            {
                let components = RsaPublicKeyComponents { n: *n, e: *e };
                components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
            }
            _ => None,
        };
        Ok((algorithm, key.ok_or(WebAuthnError::Key)?))
    }
}

/// Whether the number has 2048 to 8192 bits and is odd.
fn is_modulus(n: &[u8]) -> bool {
    let has_bits = match n.len() {
        256 => n[0] >= 0x80,
        257..=1024 => n[0] != 0,
        _ => false,
    };
    has_bits && n.last().is_some_and(|last| last % 2 == 1)
}

impl PublicKey {
    /// The key of those bytes.
    ///
    /// # Errors
    /// [`WebAuthnError::Algorithm`] if its algorithm is not offered, [`WebAuthnError::Key`] if it is no valid key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        let mut reader = Reader::new(bytes);
        let key = Self::read(&mut reader)?;
        if reader.rest().is_empty() { Ok(key) } else { Err(WebAuthnError::Key) }
    }

    /// The key at the start of those bytes.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WebAuthnError> {
        let all = reader.rest();
        let members = Members::read(reader).ok_or(WebAuthnError::Key)?;
        let (algorithm, _) = members.key()?;
        let cose = all[..all.len() - reader.rest().len()].to_vec();
        if cose.len() > MAX_KEY { Err(WebAuthnError::Key) } else { Ok(Self { algorithm, cose }) }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes: a COSE key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.cose
    }

    /// Whether it signed that message (§7.2 step 21).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebAuthnError> {
        let members = Members::read(&mut Reader::new(&self.cose)).ok_or(WebAuthnError::Key)?;
        let (_, key) = members.key()?;
        key.verify_sig(message, signature).map_err(|_| WebAuthnError::Signature)
    }
}

text_form!(PublicKey, "publicKey", MAX_KEY);
