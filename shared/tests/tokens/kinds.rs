use accounts::crypto::TokenError;
use serde_json::{Value, json};

use crate::forge::{self, Signer, derived, key_id};
use crate::verifier::{SECRET, TokenKind, Verifier, with};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);

#[test]
fn a_token_of_one_kind_is_none_of_another() {
    let verifier = Verifier::default();
    for wanted in TokenKind::ALL {
        for given in TokenKind::ALL {
            let verdict = verifier.read(wanted, &given.token());
            assert_eq!(verdict, if wanted == given { Ok(()) } else { INVALID }, "{given:?}");
        }
    }
}

/// The claims of all kinds at once. Only `typ` and the key distinguish the kinds.
fn everything() -> Value {
    let mut all = json!({});
    for kind in TokenKind::ALL {
        all.as_object_mut().unwrap().extend(kind.payload().as_object().cloned().unwrap());
    }
    all
}

#[test]
fn claims_of_all_kinds_make_no_token_of_more_than_one() {
    let verifier = Verifier::default();
    for wanted in TokenKind::ALL {
        for key in TokenKind::ALL {
            for typ in TokenKind::ALL {
                let header = with(key.header(), "typ", typ.typ().into());
                let is_right = key == wanted && typ == wanted;
                let verdict = verifier.read(wanted, &key.forged(&header, &everything()));
                let right = if is_right { Ok(()) } else { INVALID };
                assert_eq!(verdict, right, "{wanted:?} by the key of {key:?}, typ {typ:?}");
            }
        }
    }
}

#[test]
fn where_all_keys_are_shared_ones_each_kind_still_has_its_own() {
    let verifier = Verifier::with(&[("JWT_ALGORITHM", "HS256")]);
    let keys = [
        // As text, because other services that verify get text.
        (TokenKind::Access, forge::part(derived(SECRET, "access token, HS256")).into_bytes()),
        (TokenKind::Refresh, derived(SECRET, "refresh token").to_vec()),
        (TokenKind::Link, derived(SECRET, "link token").to_vec()),
    ];
    for (wanted, name) in keys.clone() {
        for (given, key) in keys.clone() {
            let header = json!({ "typ": wanted.typ(), "alg": "HS256", "kid": key_id(&name) });
            let payload = everything().to_string();
            let token = forge::token(&header.to_string(), &payload, &Signer::hs256(key));
            let right = if wanted == given { Ok(()) } else { INVALID };
            assert_eq!(verifier.read(wanted, &token), right, "{wanted:?} by the key of {given:?}");
        }
    }
}

#[test]
fn a_key_for_another_use_signs_no_token() {
    let verifier = Verifier::default();
    for label in ["", "one-time code", "access token, HS256", "access token, ES256", "latchkey"] {
        for kind in [TokenKind::Refresh, TokenKind::Link] {
            let signer = Signer::hs256(derived(SECRET, label));
            let (header, payload) = (kind.header().to_string(), kind.payload().to_string());
            assert_eq!(verifier.read(kind, &forge::token(&header, &payload, &signer)), INVALID);
        }
    }
    for kind in [TokenKind::Refresh, TokenKind::Link] {
        let (header, payload) = (kind.header().to_string(), kind.payload().to_string());
        let token = forge::token(&header, &payload, &Signer::hs256(SECRET));
        assert_eq!(verifier.read(kind, &token), INVALID, "by the secret itself");
    }
}

#[test]
fn a_link_for_one_purpose_is_none_for_another() {
    let verifier = Verifier::default();
    for purpose in ["password_reset", "password_set", "Activation", "", "unknown"] {
        let payload = with(TokenKind::Link.payload(), "purpose", purpose.into());
        let token = TokenKind::Link.forged(&TokenKind::Link.header(), &payload);
        assert_eq!(verifier.read(TokenKind::Link, &token), INVALID, "{purpose}");
    }
}
