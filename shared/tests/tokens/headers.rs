use std::io::ErrorKind;
use std::net::TcpListener;

use accounts::crypto::TokenError;
use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use aws_lc_rs::signature::KeyPair;
use serde_json::{Value, json};

use crate::forge::{self, Signer, derived};
use crate::verifier::{SECRET, TokenKind, Verifier, with, without};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);

/// Asserts that a token of that header, signed as it should be, is refused.
fn assert_refused(kind: TokenKind, header: &Value) {
    let token = kind.forged(header, &kind.payload());
    assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?} {header}");
}

#[test]
fn no_algorithm_is_honoured_but_ours() {
    for kind in TokenKind::ALL {
        let other = if kind == TokenKind::Access { "HS256" } else { "EdDSA" };
        let mut headers: Vec<_> = [
            json!("none"),
            json!("None"),
            json!("NONE"),
            json!("nOnE"),
            json!("none "),
            json!(""),
            json!(null),
            json!(0),
            json!([kind.header()["alg"]]),
            json!(other),
            json!("HS1"),
            json!("HS384"),
            json!("HS512"),
            json!("ES256"),
            json!("ES384"),
            json!("ES256K"),
            json!("RS256"),
            json!("PS256"),
            json!("Ed25519"),
            json!("Ed448"),
            json!("eddsa"),
            json!("hs256"),
            json!("dir"),
        ]
        .into_iter()
        .map(|alg| with(kind.header(), "alg", alg))
        .collect();
        headers.push(without(kind.header(), "alg"));
        for header in headers {
            assert_refused(kind, &header);
            let payload = kind.payload().to_string();
            let unsigned = forge::token(&header.to_string(), &payload, &Signer::None);
            assert_eq!(Verifier::default().read(kind, &unsigned), INVALID, "{kind:?} {header}");
        }
    }
}

#[test]
fn the_verifier_refuses_an_unsigned_token() {
    for kind in TokenKind::ALL {
        let (header, payload) = (kind.header().to_string(), kind.payload().to_string());
        let token = forge::token(&header, &payload, &Signer::None);
        assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?}");
    }
}

/// Every form in which a program might use a published key as a secret.
fn as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let member = |name: &str| jwk[name].as_str().unwrap_or_default();
    let raw = ["x", "y", "n", "kid"].map(|name| member(name).as_bytes().to_vec());
    let point = [&[4], &*forge::bytes(member("x")), &*forge::bytes(member("y"))].concat();
    let der = match member("kty") {
        "OKP" => [ED25519_SPKI, &forge::bytes(member("x"))].concat(),
        "EC" => [P256_SPKI, &point].concat(),
        _ => Vec::new(),
    };
    let pem = forge::pem("PUBLIC KEY", &der);
    let mut secrets = Vec::from(raw);
    secrets.extend(["x", "y", "n"].map(|name| forge::bytes(member(name))));
    secrets.extend([point, der, pem.trim_end().as_bytes().to_vec(), pem.into_bytes()]);
    secrets.extend([jwk.to_string(), json!({ "keys": [jwk] }).to_string()].map(String::into_bytes));
    secrets.push(Vec::new());
    secrets
}

/// RFC 8410, 4.
const ED25519_SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// RFC 5480, 2.
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

#[test]
fn a_public_key_as_hmac_secret_signs_no_valid_token() {
    let pem = crate::keys::rsa_pem(crate::keys::rsa_key(0));
    for settings in [
        vec![],
        vec![("JWT_ALGORITHM", "ES256")],
        vec![("JWT_ALGORITHM", "RS256"), ("JWT_PRIVATE_KEY", &*pem)],
    ] {
        let verifier = Verifier::with(&settings);
        let jwk = verifier.published().remove(0);
        for secret in as_secrets(&jwk) {
            for (alg, algorithm) in
                [("HS256", HMAC_SHA256), ("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)]
            {
                let header = json!({ "typ": "at+jwt", "alg": alg, "kid": jwk["kid"] }).to_string();
                let payload = TokenKind::Access.payload().to_string();
                let signer = Signer::Hmac(algorithm, secret.clone());
                let token = forge::token(&header, &payload, &signer);
                assert_eq!(verifier.read(TokenKind::Access, &token), INVALID, "{alg} {secret:?}");
            }
        }
    }
}

#[test]
fn another_digest_under_the_same_secret_is_refused() {
    for kind in [TokenKind::Refresh, TokenKind::Link] {
        let label = if kind == TokenKind::Refresh { "refresh token" } else { "link token" };
        for (alg, algorithm) in [("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)] {
            let signer = Signer::Hmac(algorithm, derived(SECRET, label).to_vec());
            for alg in [alg, "HS256"] {
                let header = with(kind.header(), "alg", alg.into()).to_string();
                let token = forge::token(&header, &kind.payload().to_string(), &signer);
                assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?} {alg}");
            }
        }
    }
}

#[test]
fn a_key_of_another_name_is_refused() {
    for kind in TokenKind::ALL {
        let kid = kind.header()["kid"].as_str().unwrap().to_owned();
        let others = TokenKind::ALL.into_iter().filter(|other| *other != kind);
        let mut names: Vec<Value> = others.map(|other| other.header()["kid"].clone()).collect();
        names.extend(
            [
                "",
                "0",
                "unknown",
                "../../etc/passwd",
                "../../../../../../dev/null",
                "/proc/self/environ",
                "' OR 1=1 --",
                "x' UNION SELECT 'secret",
                "https://evil.example/key",
                "|/bin/sh",
                "\0",
                &format!("{kid} "),
                &format!("{kid}\0"),
                &kid[..kid.len() - 1],
                &kid.to_lowercase(),
                &"k".repeat(1 << 20),
            ]
            .map(Value::from),
        );
        names.extend([json!(null), json!(0), json!([kid]), json!({ "kid": kid })]);
        for name in names {
            assert_refused(kind, &with(kind.header(), "kid", name));
        }
        assert_refused(kind, &without(kind.header(), "kid"));
    }
}

/// The key of an attacker, and the headers that contain it or lead to it.
fn with_keys_from(header: &Value, url: &str) -> Vec<Value> {
    let attacker = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let x = forge::part(attacker.public_key().as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x });
    [
        ("jwk", with(jwk, "kid", header["kid"].clone())),
        ("jku", url.into()),
        ("x5u", url.into()),
        ("x5c", json!([x])),
        ("x5t", "dGh1bWI".into()),
        ("x5t#S256", "dGh1bWI".into()),
        ("url", url.into()),
        ("keys", json!([x])),
    ]
    .map(|(name, value)| with(header.clone(), name, value))
    .to_vec()
}

#[test]
fn a_key_that_a_token_brings_along_or_points_at_is_neither_used_nor_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    for kind in TokenKind::ALL {
        for header in with_keys_from(&kind.header(), &url) {
            let (text, payload) = (header.to_string(), kind.payload().to_string());
            for signer in [Signer::ed25519([7; 32]), Signer::hs256(*b"dGh1bWI"), Signer::None] {
                let token = forge::token(&text, &payload, &signer);
                assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?} {header}");
            }
            // Under our own key it says nothing that counts.
            let ours = kind.forged(&header, &kind.payload());
            assert_eq!(Verifier::default().read(kind, &ours), Ok(()), "{kind:?} {header}");
        }
    }
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// RFC 7515, 4.1.11: we understand no extension.
#[test]
fn a_header_that_must_be_understood_is_refused() {
    for kind in TokenKind::ALL {
        for critical in
            [json!(["exp"]), json!(["b64"]), json!(["kid"]), json!([]), json!("exp"), json!([1])]
        {
            let header = with(kind.header(), "crit", critical);
            assert_refused(kind, &header);
            assert_refused(kind, &with(with(header, "b64", true.into()), "exp", 1.into()));
        }
    }
}

#[test]
fn a_token_that_does_not_say_its_kind_is_refused() {
    for kind in TokenKind::ALL {
        let others = TokenKind::ALL.into_iter().filter(|other| *other != kind).map(TokenKind::typ);
        let mut types: Vec<Value> = others.map(Value::from).collect();
        types.extend(["", "JWT", "jwt", "at", "jwt+at", "at+jwt ", "JOSE"].map(Value::from));
        types.retain(|typ| typ != kind.typ());
        types.extend([json!(null), json!(1), json!([kind.typ()])]);
        for typ in types {
            assert_refused(kind, &with(kind.header(), "typ", typ));
        }
        assert_refused(kind, &without(kind.header(), "typ"));
    }
}

#[test]
fn a_header_that_says_something_twice_is_refused() {
    for kind in TokenKind::ALL {
        let header = kind.header();
        for name in ["alg", "typ", "kid"] {
            for other in [json!("none"), header[name].clone()] {
                let text = header.to_string();
                let inside = text.trim_matches(['{', '}']);
                for twice in [
                    format!("{{\"{name}\":{other},{inside}}}"),
                    format!("{{{inside},\"{name}\":{other}}}"),
                ] {
                    let token = forge::token(&twice, &kind.payload().to_string(), &kind.signer());
                    assert_eq!(Verifier::default().read(kind, &token), INVALID, "{twice}");
                }
            }
        }
    }
}

#[test]
fn a_header_that_is_no_object_is_refused() {
    for kind in TokenKind::ALL {
        for header in ["", "{}", "[]", "null", "\"EdDSA\"", "{", "\u{feff}{}", "\0"] {
            let token = forge::token(header, &kind.payload().to_string(), &kind.signer());
            assert_eq!(Verifier::default().read(kind, &token), INVALID, "{kind:?} {header}");
        }
    }
}
