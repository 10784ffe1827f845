use accounts::crypto::TokenError;
use serde_json::{Value, json};

use crate::forge;
use crate::verifier::{ISSUER, NOW, TokenKind, Verifier, with, without};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);
const EXPIRED: Result<(), TokenError> = Err(TokenError::Expired);
const HASURA: &str = "https://hasura.io/jwt/claims";

/// The verdict on a token with that payload and a right signature.
fn validated(kind: TokenKind, payload: &Value) -> Result<(), TokenError> {
    Verifier::default().read(kind, &kind.forged(&kind.header(), payload))
}

/// Asserts the verdict on a token of each kind with that claim.
fn assert_each(name: &str, value: &Value, judgement: Result<(), TokenError>) {
    for kind in TokenKind::ALL {
        let payload = with(kind.payload(), name, value.clone());
        assert_eq!(validated(kind, &payload), judgement, "{kind:?} {name}: {value}");
    }
}

#[test]
fn a_token_is_over_at_its_last_second() {
    assert_each("exp", &json!(NOW + 1), Ok(()));
    for exp in [NOW, NOW - 1, NOW - 60, 1, 0] {
        assert_each("exp", &json!(exp), EXPIRED);
    }
    assert_each("exp", &json!(i64::MAX), Ok(()));
}

#[test]
fn an_end_that_is_no_second_is_refused() {
    for exp in [
        json!(null),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(9_000_000_000.5),
        json!(9_000_000_000.0),
        json!((NOW + 900).to_string()),
        json!("2036-03-01T12:00:00Z"),
        json!("never"),
        json!(true),
        json!([NOW + 900]),
        json!({}),
    ] {
        assert_each("exp", &exp, INVALID);
    }
}

#[test]
fn a_token_is_good_up_to_a_minute_before_its_first_second() {
    for nbf in [0, NOW, NOW + 59, NOW + 60] {
        assert_each("nbf", &json!(nbf), Ok(()));
    }
    for nbf in [NOW + 61, NOW + 900, i64::MAX] {
        assert_each("nbf", &json!(nbf), INVALID);
    }
    for nbf in [json!("0"), json!(0.5), json!(u64::MAX), json!([0]), json!(true)] {
        assert_each("nbf", &nbf, INVALID);
    }
}

#[test]
fn a_token_of_another_issuer_is_refused() {
    for iss in [
        json!(null),
        json!(""),
        json!("https://evil.example"),
        json!("http://accounts.example"),
        json!("https://accounts.example/"),
        json!("https://accounts.example.evil.example"),
        json!("HTTPS://ACCOUNTS.EXAMPLE"),
        json!(" https://accounts.example"),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!({ "iss": ISSUER }),
        json!(1),
    ] {
        assert_each("iss", &iss, INVALID);
    }
}

/// Latchkey never issues a list: it is refused even if it contains the right name.
#[test]
fn a_token_for_another_audience_is_refused() {
    for aud in [
        json!(null),
        json!(""),
        json!("another"),
        json!("LATCHKEY"),
        json!("latchkey "),
        json!(["latchkey"]),
        json!(["latchkey", "another"]),
        json!(["another"]),
        json!([]),
        json!({ "latchkey": true }),
        json!(1),
    ] {
        assert_each("aud", &aud, INVALID);
    }
}

#[test]
fn issuer_and_audience_are_those_of_the_settings() {
    let settings = [("BASE_URL", "https://b.example"), ("JWT_AUDIENCE", "b")];
    for kind in TokenKind::ALL {
        let verifier = Verifier::with(&settings);
        assert_eq!(verifier.read(kind, &kind.token()), INVALID);
        let payload = with(kind.payload(), "iss", "https://b.example".into());
        assert_eq!(verifier.read(kind, &kind.forged(&kind.header(), &payload)), INVALID);
        let payload = with(payload, "aud", "b".into());
        assert_eq!(verifier.read(kind, &kind.forged(&kind.header(), &payload)), Ok(()));
    }
}

#[test]
fn a_subject_that_is_no_user_id_is_refused() {
    for sub in [
        json!(null),
        json!(""),
        json!("ann"),
        json!("1"),
        json!("019ca93c-8000-7000-8000-00000000000"),
        json!("019ca93c-8000-7000-8000-00000000000g"),
        json!("USER#019ca93c-8000-7000-8000-000000000001"),
        json!(["019ca93c-8000-7000-8000-000000000001"]),
        json!(1),
    ] {
        assert_each("sub", &sub, INVALID);
    }
}

#[test]
fn a_session_that_is_no_id_is_refused() {
    for kind in [TokenKind::Access, TokenKind::Refresh] {
        for sid in [json!(null), json!(""), json!("*"), json!(1), json!(["x"])] {
            assert_eq!(validated(kind, &with(kind.payload(), "sid", sid)), INVALID);
        }
    }
}

#[test]
fn a_generation_that_is_none_is_refused() {
    for generation in [json!(null), json!(-1), json!(0.5), json!("0"), json!(1e300)] {
        let payload = with(TokenKind::Refresh.payload(), "generation", generation);
        assert_eq!(validated(TokenKind::Refresh, &payload), INVALID, "{payload}");
    }
}

#[test]
fn a_token_that_lacks_any_of_its_claims_is_refused() {
    for kind in TokenKind::ALL {
        for name in kind.payload().as_object().unwrap().keys() {
            let payload = without(kind.payload(), name);
            assert_eq!(validated(kind, &payload), INVALID, "{kind:?} without {name}");
        }
    }
    let payload = TokenKind::Access.payload();
    for name in payload[HASURA].as_object().unwrap().keys() {
        let less = with(payload.clone(), HASURA, without(payload[HASURA].clone(), name));
        assert_eq!(validated(TokenKind::Access, &less), INVALID, "without {name}");
    }
}

#[test]
fn a_token_that_says_something_twice_is_refused() {
    for kind in TokenKind::ALL {
        let payload = kind.payload();
        let text = payload.to_string();
        let inside = &text[1..text.len() - 1];
        for (name, value) in payload.as_object().unwrap() {
            // The last letter as an escape: another spelling of the same name.
            let (stem, last) = name.split_at(name.len() - 1);
            let escaped = format!("{stem}\\u{:04x}", last.as_bytes()[0]);
            for name in [name, &escaped] {
                for twice in [
                    format!("{{\"{name}\":{value},{inside}}}"),
                    format!("{{{inside},\"{name}\":{value}}}"),
                ] {
                    let token = forge::token(&kind.header().to_string(), &twice, &kind.signer());
                    assert_eq!(Verifier::default().read(kind, &token), INVALID, "{twice}");
                }
            }
        }
    }
}

#[test]
fn a_role_that_is_hidden_among_hasuras_claims_a_second_time_is_refused() {
    let payload = TokenKind::Access.payload().to_string();
    let role = "\"x-hasura-default-role\":\"user\"";
    let twice = payload.replace(role, &format!("{role},\"x-hasura-default-role\":\"admin\""));
    assert_ne!(twice, payload);
    let header = TokenKind::Access.header().to_string();
    let token = forge::token(&header, &twice, &TokenKind::Access.signer());
    assert_eq!(Verifier::default().read(TokenKind::Access, &token), INVALID);
}

#[test]
fn a_payload_that_is_no_object_is_refused() {
    for kind in TokenKind::ALL {
        let whole = kind.payload().to_string();
        for payload in [
            "",
            "{}",
            "[]",
            "null",
            "1",
            "\"ann\"",
            "{",
            &whole[..whole.len() - 1],
            &format!("{whole}}}"),
            &format!("{whole}{whole}"),
            &format!("[{whole}]"),
            &format!("\u{feff}{whole}"),
            &whole.replace('"', "'"),
        ] {
            let token = forge::token(&kind.header().to_string(), payload, &kind.signer());
            assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?} {payload}");
        }
    }
}

#[test]
fn claims_that_are_not_ours_say_nothing() {
    assert_each("admin", &json!(true), Ok(()));
    assert_each("x-hasura-role", &json!("admin"), Ok(()));
}
