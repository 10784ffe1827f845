//! The three kinds of tokens, and their validation.

use accounts::config::Settings;
use accounts::crypto::{Proofs, TokenError, Tokens};
use accounts::model::Purpose;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::forge::{self, Signer, derived, key_id, thumbprint};

pub(crate) const SECRET: &str = "a secret for tests that has more than 32 bytes";
/// When every test is: 2026-03-01T12:00:00Z.
pub(crate) const NOW: i64 = 1_772_366_400;
pub(crate) const ISSUER: &str = "https://accounts.example";
const ANN: &str = "019ca93c-8000-7000-8000-000000000001";
const SESSION: &str = "019ca93c-8000-7000-8000-000000000002";

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
    Link,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::Link];

    pub(crate) fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
            Self::Link => "link+jwt",
        }
    }

    /// The header of a token as it should be.
    pub(crate) fn header(self) -> Value {
        let (alg, kid) = match self {
            Self::Access => {
                let jwk = Verifier::default().published().remove(0);
                ("EdDSA", key_id(thumbprint(&jwk, &["crv", "kty", "x"])))
            }
            Self::Refresh => ("HS256", key_id(derived(SECRET, "refresh token"))),
            Self::Link => ("HS256", key_id(derived(SECRET, "link token"))),
        };
        json!({ "typ": self.typ(), "alg": alg, "kid": kid })
    }

    /// The payload of a token as it should be.
    pub(crate) fn payload(self) -> Value {
        let mut payload = json!({
            "iss": ISSUER, "aud": "latchkey", "sub": ANN, "iat": NOW, "exp": NOW + 900,
            "jti": "019ca93c-8000-7000-8000-000000000003",
        });
        let more = match self {
            Self::Access => json!({
                "sid": SESSION, "origIat": NOW, "username": "ann", "role": "user",
                "https://hasura.io/jwt/claims": {
                    "x-hasura-user-id": ANN,
                    "x-hasura-default-role": "user",
                    "x-hasura-allowed-roles": ["user"],
                },
            }),
            Self::Refresh => json!({
                "sid": SESSION, "generation": 0, "role": "user", "ends_at": NOW + 9000,
            }),
            Self::Link => json!({
                "purpose": "activation", "email": "bm90IGFuIGFkZHJl", "mark": "47DEQpj8HBSa-_TI",
            }),
        };
        payload.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        payload
    }

    /// The key that such tokens are signed with.
    pub(crate) fn signer(self) -> Signer {
        match self {
            Self::Access => Signer::ed25519(derived(SECRET, "access token, EdDSA")),
            Self::Refresh => Signer::hs256(derived(SECRET, "refresh token")),
            Self::Link => Signer::hs256(derived(SECRET, "link token")),
        }
    }

    /// A token as it should be.
    pub(crate) fn token(self) -> String {
        self.forged(&self.header(), &self.payload())
    }

    /// A token of that header and that payload, under the right key.
    pub(crate) fn forged(self, header: &Value, payload: &Value) -> String {
        forge::token(&header.to_string(), &payload.to_string(), &self.signer())
    }
}

/// Validates tokens as the functions do.
pub(crate) struct Verifier {
    pub(crate) tokens: Tokens,
    proofs: Proofs,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Verifier {
    /// With those settings, over the default ones.
    pub(crate) fn with(given: &[(&'static str, &str)]) -> Self {
        let settings = settings(given);
        Self { tokens: settings.tokens().unwrap(), proofs: settings.proofs().unwrap() }
    }

    /// The verdict on a token of that kind, at `NOW`.
    pub(crate) fn read(&self, kind: TokenKind, token: &str) -> Result<(), TokenError> {
        let now = Timestamp::from_second(NOW).unwrap();
        match kind {
            TokenKind::Access => self.tokens.read_access(token, now).map(drop),
            TokenKind::Refresh => self.tokens.read_refresh(token, now).map(drop),
            TokenKind::Link => self.proofs.read_link(token, Purpose::Activation, now).map(drop),
        }
    }

    /// The keys of the published set.
    pub(crate) fn published(&self) -> Vec<Value> {
        self.tokens.public_keys()["keys"].as_array().cloned().unwrap()
    }
}

/// Those settings, over the default ones.
pub(crate) fn settings(given: &[(&'static str, &str)]) -> Settings {
    let given: Vec<_> = given.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Settings::new(move |wanted| {
        let found = given.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        found.or_else(|| match wanted {
            "AUTH_SECRET" => Some(SECRET.to_owned()),
            "BASE_URL" => Some(ISSUER.to_owned()),
            _ => None,
        })
    })
}

/// With that member, in place of any other of the name.
pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// Without that member.
pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

#[test]
fn a_token_made_by_hand_is_honoured() {
    for kind in TokenKind::ALL {
        assert_eq!(Verifier::default().read(kind, &kind.token()), Ok(()), "{kind:?}");
    }
}
