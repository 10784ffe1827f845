use accounts::crypto::TokenError;
use accounts::model::{Client, Email, Session, User, Username};
use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::forge::{self, Signer, derived, key_id, thumbprint};
use crate::keys::{rsa_key, rsa_pem};
use crate::verifier::{NOW, SECRET, TokenKind, Verifier, settings, with};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);

/// An access token of our own.
fn given_out(verifier: &Verifier) -> String {
    let now = Timestamp::from_second(NOW).unwrap();
    let (email, name) = (Email::parse("ann@example.com"), Username::parse("ann"));
    let user = User::new(Uuid::from_u128(1).into(), &name.unwrap(), &email.unwrap(), None, now);
    let policy = settings(&[]).policy().unwrap();
    let session = Session::new(
        Uuid::from_u128(2).into(),
        &user,
        accounts::model::Factor::Password,
        &Client::default(),
        &policy,
        now,
    );
    verifier.tokens.access(&verifier.tokens.access_claims(&user, &session, &policy))
}

fn es256() -> Verifier {
    Verifier::with(&[("JWT_ALGORITHM", "ES256")])
}

fn rs256(pem: &str) -> Verifier {
    Verifier::with(&[("JWT_ALGORITHM", "RS256"), ("JWT_PRIVATE_KEY", pem)])
}

/// Computed with Python's `cryptography`.
#[test]
fn the_published_keys_are_those_derived_from_the_secret() {
    let x = "BK65yvFb5mJCLwKcOJxYKLJTIsDntG2uooKVGap31bg";
    let kid = key_id(thumbprint(
        &json!({ "crv": "Ed25519", "kty": "OKP", "x": x }),
        &["crv", "kty", "x"],
    ));
    let ed25519 = json!({
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": x, "kid": kid,
    });
    assert_eq!(Verifier::default().published(), [ed25519]);

    let x = "N6apQ5iaG7IZ_2BbXpTlqHm_-4wy45BL-gBD-JWU-tg";
    let y = "B3GntilRt_wNBxMCJvu1v6rCbKA9FC3guQbh0HSsZng";
    let point = json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y });
    let kid = key_id(thumbprint(&point, &["crv", "kty", "x", "y"]));
    let p256 = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "x": x, "y": y, "kid": kid,
    });
    assert_eq!(es256().published(), [p256]);
}

#[test]
fn of_an_rsa_key_the_modulus_and_the_exponent_are_published() {
    let jwk = rs256(&rsa_pem(rsa_key(0))).published().remove(0);
    let kid = key_id(thumbprint(&jwk, &["e", "kty", "n"]));
    let n = forge::part(crate::keys::modulus(rsa_key(0)));
    let right = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": "AQAB", "kid": kid,
    });
    assert_eq!(jwk, right);
}

#[test]
fn nothing_is_published_where_the_keys_are_shared_ones() {
    assert_eq!(Verifier::with(&[("JWT_ALGORITHM", "HS256")]).published(), Vec::<Value>::new());
}

#[test]
fn the_published_key_verifies_what_is_given_out() {
    for (alg, verifier) in
        [("EdDSA", Verifier::default()), ("ES256", es256()), ("RS256", rs256(&rsa_pem(rsa_key(0))))]
    {
        let token = given_out(&verifier);
        let jwk = verifier.published().remove(0);
        assert_eq!(
            forge::header(&token),
            json!({ "typ": "at+jwt", "alg": alg, "kid": jwk["kid"] })
        );
        assert!(forge::is_signed_by(&jwk, &token), "{alg}");
        assert_eq!(verifier.read(TokenKind::Access, &token), Ok(()), "{alg}");
        let altered = token.replace('.', ".e");
        assert!(!forge::is_signed_by(&jwk, &altered), "{alg}");
        assert_eq!(verifier.read(TokenKind::Access, &altered), INVALID, "{alg}");
    }
}

#[test]
fn a_token_made_by_hand_is_honoured_under_each_algorithm() {
    let pem = rsa_pem(rsa_key(0));
    let hs256 = forge::part(derived(SECRET, "access token, HS256"));
    let kid = |verifier: &Verifier| verifier.published()[0]["kid"].clone();
    let rsa = Signer::Rsa(forge::rsa(rsa_key(0)), &aws_lc_rs::signature::RSA_PKCS1_SHA256);
    let p256 = Signer::es256(derived(SECRET, "access token, ES256"));
    let shared = Verifier::with(&[("JWT_ALGORITHM", "HS256")]);
    for (alg, verifier, kid, signer) in [
        ("HS256", shared, key_id(&hs256).into(), Signer::hs256(hs256)),
        ("ES256", es256(), kid(&es256()), p256),
        ("RS256", rs256(&pem), kid(&rs256(&pem)), rsa),
    ] {
        let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid }).to_string();
        let token = forge::token(&header, &TokenKind::Access.payload().to_string(), &signer);
        assert_eq!(verifier.read(TokenKind::Access, &token), Ok(()), "{alg}");
    }
}

#[test]
fn another_algorithm_of_the_same_pair_of_keys_is_refused() {
    let verifier = rs256(&rsa_pem(rsa_key(0)));
    let others: [(&str, &'static dyn RsaEncoding); 3] =
        [("RS384", &RSA_PKCS1_SHA384), ("RS512", &RSA_PKCS1_SHA512), ("PS256", &RSA_PSS_SHA256)];
    let payload = TokenKind::Access.payload().to_string();
    let kid = verifier.published()[0]["kid"].clone();
    for (alg, encoding) in others {
        let signer = Signer::Rsa(forge::rsa(rsa_key(0)), encoding);
        for alg in [alg, "RS256"] {
            let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid }).to_string();
            let token = forge::token(&header, &payload, &signer);
            assert_eq!(verifier.read(TokenKind::Access, &token), INVALID, "{alg}");
        }
    }
    let (verifier, signer) = (es256(), Signer::es256(derived(SECRET, "access token, ES256")));
    let kid = verifier.published()[0]["kid"].clone();
    for alg in ["ES384", "ES512", "ES256K"] {
        let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid }).to_string();
        let token = forge::token(&header, &payload, &signer);
        assert_eq!(verifier.read(TokenKind::Access, &token), INVALID, "{alg}");
    }
}

/// Psychic signatures: a verifier that forgets to look lets r = s = 0 pass for anything.
#[test]
fn a_signature_of_nothing_but_zeros_is_refused() {
    for (alg, verifier, length) in [
        ("EdDSA", Verifier::default(), 64),
        ("ES256", es256(), 64),
        ("RS256", rs256(&rsa_pem(rsa_key(0))), 256),
    ] {
        let header = json!({ "typ": "at+jwt", "alg": alg, "kid": verifier.published()[0]["kid"] })
            .to_string();
        let message =
            forge::token(&header, &TokenKind::Access.payload().to_string(), &Signer::None);
        for length in [length, 0, 1, 32, 512] {
            let token = format!("{message}{}", forge::part(vec![0; length]));
            assert_eq!(verifier.read(TokenKind::Access, &token), INVALID, "{alg} {length}");
        }
    }
}

const NEW: &str = "another secret for tests of as many bytes";

#[test]
fn a_token_of_the_older_secret_is_valid_until_it_expires() {
    for algorithm in ["EdDSA", "ES256", "HS256"] {
        let both = format!("{NEW}, {SECRET}");
        let with =
            |secret: &str| Verifier::with(&[("JWT_ALGORITHM", algorithm), ("AUTH_SECRET", secret)]);
        let (old, new, both) = (with(SECRET), with(NEW), with(&both));
        let token = given_out(&old);
        assert_eq!(both.read(TokenKind::Access, &token), Ok(()), "{algorithm}");
        assert_eq!(new.read(TokenKind::Access, &token), INVALID, "{algorithm}");
        let end = Timestamp::from_second(NOW + 900).unwrap();
        assert_eq!(both.tokens.read_access(&token, end).err(), Some(TokenError::Expired));

        let newest = forge::header(&given_out(&both))["kid"].clone();
        assert_eq!(newest, forge::header(&given_out(&new))["kid"], "{algorithm}");
        assert_ne!(newest, forge::header(&token)["kid"], "{algorithm}");
        assert_eq!(both.published(), [new.published(), old.published()].concat(), "{algorithm}");
    }
}

#[test]
fn refresh_and_link_tokens_of_the_older_secret_are_good_as_well() {
    for kind in [TokenKind::Refresh, TokenKind::Link] {
        let both = Verifier::with(&[("AUTH_SECRET", &format!("{NEW},{SECRET}"))]);
        assert_eq!(both.read(kind, &kind.token()), Ok(()), "{kind:?}");
        let new = Verifier::with(&[("AUTH_SECRET", NEW)]);
        assert_eq!(new.read(kind, &kind.token()), INVALID, "{kind:?}");
    }
}

#[test]
fn a_token_of_the_older_rsa_key_is_valid_as_long_as_the_key_is_set() {
    let (old, new) = (rsa_pem(rsa_key(0)), rsa_pem(rsa_key(1)));
    let (before, both, after) = (rs256(&old), rs256(&format!("{new}{old}")), rs256(&new));
    let token = given_out(&before);
    assert_eq!(both.read(TokenKind::Access, &token), Ok(()));
    assert_eq!(after.read(TokenKind::Access, &token), INVALID);
    assert_eq!(both.published(), [after.published(), before.published()].concat());
    let jwk = &both.published()[0];
    let token = given_out(&both);
    assert_eq!(forge::header(&token)["kid"], jwk["kid"]);
    assert!(forge::is_signed_by(jwk, &token));
    assert_eq!(before.read(TokenKind::Access, &token), INVALID);
}

#[test]
fn a_kid_of_one_key_does_not_help_the_signature_of_another() {
    let (old, new) = (rsa_pem(rsa_key(0)), rsa_pem(rsa_key(1)));
    let both = rs256(&format!("{new}{old}"));
    let [newest, oldest] = &both.published()[..] else { panic!("two keys") };
    let header = with(json!({ "typ": "at+jwt", "alg": "RS256" }), "kid", newest["kid"].clone());
    let rsa = Signer::Rsa(forge::rsa(rsa_key(0)), &aws_lc_rs::signature::RSA_PKCS1_SHA256);
    let payload = TokenKind::Access.payload().to_string();
    let token = forge::token(&header.to_string(), &payload, &rsa);
    assert_eq!(both.read(TokenKind::Access, &token), INVALID);
    let header = with(header, "kid", oldest["kid"].clone());
    let token = forge::token(&header.to_string(), &payload, &rsa);
    assert_eq!(both.read(TokenKind::Access, &token), Ok(()));
}
