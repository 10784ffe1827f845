use accounts::crypto::TokenError;
use serde_json::{Value, json};

use crate::forge::{self, Signer, derived, key_id};
use crate::judge::{Judge, Kind, SECRET, with};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);

#[test]
fn a_token_of_one_kind_is_none_of_another() {
    let judge = Judge::default();
    for wanted in Kind::ALL {
        for given in Kind::ALL {
            let verdict = judge.read(wanted, &given.token());
            assert_eq!(verdict, if wanted == given { Ok(()) } else { INVALID }, "{given:?}");
        }
    }
}

/// The claims of all kinds at once. Only `typ` and the key distinguish the kinds.
fn everything() -> Value {
    let mut all = json!({});
    for kind in Kind::ALL {
        all.as_object_mut().unwrap().extend(kind.payload().as_object().cloned().unwrap());
    }
    all
}

#[test]
fn claims_of_all_kinds_make_no_token_of_more_than_one() {
    let judge = Judge::default();
    for wanted in Kind::ALL {
        for key in Kind::ALL {
            for typ in Kind::ALL {
                let header = with(key.header(), "typ", typ.typ().into());
                let is_right = key == wanted && typ == wanted;
                let verdict = judge.read(wanted, &key.forged(&header, &everything()));
                let right = if is_right { Ok(()) } else { INVALID };
                assert_eq!(verdict, right, "{wanted:?} by the key of {key:?}, typ {typ:?}");
            }
        }
    }
}

#[test]
fn where_all_keys_are_shared_ones_each_kind_still_has_its_own() {
    let judge = Judge::with(&[("JWT_ALGORITHM", "HS256")]);
    let keys = [
        // As text, because other services that verify get text.
        (Kind::Access, forge::part(derived(SECRET, "access token, HS256")).into_bytes()),
        (Kind::Refresh, derived(SECRET, "refresh token").to_vec()),
        (Kind::Link, derived(SECRET, "link token").to_vec()),
    ];
    for (wanted, name) in keys.clone() {
        for (given, key) in keys.clone() {
            let header = json!({ "typ": wanted.typ(), "alg": "HS256", "kid": key_id(&name) });
            let payload = everything().to_string();
            let token = forge::token(&header.to_string(), &payload, &Signer::hs256(key));
            let right = if wanted == given { Ok(()) } else { INVALID };
            assert_eq!(judge.read(wanted, &token), right, "{wanted:?} by the key of {given:?}");
        }
    }
}

#[test]
fn a_key_for_another_use_signs_no_token() {
    let judge = Judge::default();
    for label in ["", "one-time code", "access token, HS256", "access token, ES256", "latchkey"] {
        for kind in [Kind::Refresh, Kind::Link] {
            let signer = Signer::hs256(derived(SECRET, label));
            let (header, payload) = (kind.header().to_string(), kind.payload().to_string());
            assert_eq!(judge.read(kind, &forge::token(&header, &payload, &signer)), INVALID);
        }
    }
    for kind in [Kind::Refresh, Kind::Link] {
        let (header, payload) = (kind.header().to_string(), kind.payload().to_string());
        let token = forge::token(&header, &payload, &Signer::hs256(SECRET));
        assert_eq!(judge.read(kind, &token), INVALID, "by the secret itself");
    }
}

#[test]
fn a_link_for_one_purpose_is_none_for_another() {
    let judge = Judge::default();
    for purpose in ["password_reset", "password_set", "Activation", "", "unknown"] {
        let payload = with(Kind::Link.payload(), "purpose", purpose.into());
        let token = Kind::Link.forged(&Kind::Link.header(), &payload);
        assert_eq!(judge.read(Kind::Link, &token), INVALID, "{purpose}");
    }
}
