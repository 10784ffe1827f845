//! Sign and validate tokens: the same checks for every kind.
//!
//! They are those of RFC 8725. The code chooses the algorithm, not the token. `typ` and the key distinguish the
//! kinds. Issuer, audience and time are always present and always checked.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{KeyRing, Signer};

/// How many seconds the clock of this machine may be behind that of the issuer.
const SKEW_SECONDS: i64 = 60;

/// Why a token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not ours, not of this kind, altered, or not yet good.
    #[error("not a token of this kind")]
    Invalid,
    /// Genuine, but expired.
    #[error("expired")]
    Expired,
}

/// The issuer and the audience. Every token has both, and both are checked.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// `iss`: the site's base URL.
    pub name: String,
    /// `aud`.
    pub audience: String,
}

/// Claims that a kind of token has.
pub(super) trait Claims: Serialize + DeserializeOwned {
    /// The kind, as the header's `typ` (RFC 8725, 3.11).
    const TYP: &'static str;
    /// When the token expires, in epoch seconds.
    fn exp(&self) -> i64;
    /// When it becomes valid, in epoch seconds. Latchkey never sets it, but checks it.
    fn nbf(&self) -> Option<i64>;
}

macro_rules! claims {
    ($claims:ty, $typ:literal) => {
        impl crate::crypto::jwt::Claims for $claims {
            const TYP: &'static str = $typ;

            fn exp(&self) -> i64 {
                self.exp
            }

            fn nbf(&self) -> Option<i64> {
                self.nbf
            }
        }
    };
}
pub(super) use claims;

/// Signs with the newest key.
#[expect(clippy::expect_used, reason = "our own claims under our own keys can be signed")]
pub(super) fn sign<C: Claims>(ring: &KeyRing, claims: &C) -> String {
    let key = ring.newest();
    let header = Header {
        typ: Some(C::TYP.to_owned()),
        kid: Some(key.id().to_owned()),
        ..Header::new(ring.algorithm)
    };
    match &key.signs {
        Signer::Ed25519(pair) => compact(&header, claims, pair).expect("claims can be signed"),
        Signer::Encoded(key) => {
            jsonwebtoken::encode(&header, claims, key).expect("claims can be signed")
        }
    }
}

/// The token as the library makes it (RFC 7515, 3.1).
fn compact<C: Claims>(
    header: &Header,
    claims: &C,
    pair: &Ed25519KeyPair,
) -> serde_json::Result<String> {
    let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
    let signature = pair.sign(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// Validates a token by itself, without the table.
pub(super) fn read<C: Claims>(
    ring: &KeyRing,
    issuer: &Issuer,
    token: &str,
    now: Timestamp,
) -> Result<C, TokenError> {
    in_time(read_of_any_time(ring, issuer, token)?, now.as_second())
}

/// The same, without a check of the time.
pub(super) fn read_of_any_time<C: Claims>(
    ring: &KeyRing,
    issuer: &Issuer,
    token: &str,
) -> Result<C, TokenError> {
    let invalid = |_| TokenError::Invalid;
    let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
    let key = header.kid.as_deref().and_then(|id| ring.find(id)).ok_or(TokenError::Invalid)?;
    // A critical header must be understood (RFC 7515, 4.1.11), and this code understands no extension.
    if header.typ.as_deref() != Some(C::TYP) || header.crit.is_some() {
        return Err(TokenError::Invalid);
    }
    let mut validation = Validation::new(ring.algorithm);
    validation.set_issuer(&[&issuer.name]);
    validation.set_audience(&[&issuer.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // [`in_time`] checks the time, by our own clock.
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<C>(token, &key.verifies, &validation).map_err(invalid)?;
    Ok(read.claims)
}

/// The claims, if the token is valid at that time, in epoch seconds.
pub(super) fn in_time<C: Claims>(claims: C, now: i64) -> Result<C, TokenError> {
    if claims.nbf().is_some_and(|nbf| now.saturating_add(SKEW_SECONDS) < nbf) {
        Err(TokenError::Invalid)
    } else if now >= claims.exp() {
        Err(TokenError::Expired)
    } else {
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;

    use super::super::{Secret, Signing};
    use super::*;

    #[derive(Serialize, serde::Deserialize)]
    struct Sample {
        exp: i64,
        nbf: Option<i64>,
    }

    claims!(Sample, "sample+jwt");

    #[test]
    fn a_token_by_a_ready_key_is_the_one_that_the_library_makes() {
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        let ring = KeyRing::for_access(&secret, &Signing::EdDsa).unwrap();
        let Signer::Ed25519(pair) = &ring.newest().signs else { panic!("the key is not ready") };
        let encoded = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        let claims = Sample { exp: 1, nbf: None };
        let header = Header {
            typ: Some("sample+jwt".to_owned()),
            kid: Some(ring.newest().id().to_owned()),
            ..Header::new(ring.algorithm)
        };
        let expected = jsonwebtoken::encode(&header, &claims, &encoded).unwrap();
        assert_eq!(sign(&ring, &claims), expected);
    }
}
