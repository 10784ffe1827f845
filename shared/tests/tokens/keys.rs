//! Keys that a site brings along, and settings that make no sense.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};

use crate::forge::{pem, rsa_pkcs8};
use crate::verifier::{Verifier, settings};

/// PKCS#8 puts that many bytes before the PKCS#1 key of 2048 bits.
const BEFORE_PKCS1: usize = 26;

/// One of two RSA keys, as PKCS#8.
pub(crate) fn rsa_key(number: usize) -> &'static [u8] {
    static KEYS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [rsa_pkcs8(), rsa_pkcs8()]);
    &keys[number]
}

/// A private RSA key in PEM.
pub(crate) fn rsa_pem(pkcs8: &[u8]) -> String {
    pem("PRIVATE KEY", pkcs8)
}

/// The modulus, without leading zeros.
pub(crate) fn modulus(pkcs8: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
    pair.public_key().modulus().big_endian_without_leading_zero().to_vec()
}

/// A key of 1024 bits, made with OpenSSL for this test only.
const SHORT: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAN1i06vUO5SXWEAc\n\
v4Gf7MKudzYS7inaDcqp6a7vJex1W1LeHF72hJeQab0TCUkFVGeFadZdaK1mO+xT\n\
Q10yLT89I9WkUQy3CfWAD/Z4Mwx2jIq81ZLcPb0oaIgAuBb0p43kdGeq+0FAZ6/V\n\
8HH8k+XOwELvY6JeVTy4RRfOqDDPAgMBAAECgYAOrXOtK7f7hQEz1vQXavvueFSt\n\
ABpMKgnKCvPURkS0ZZ91YgZtgViPF+L6xx1Rewn6hwzaSn0bKfEFHQwVTLNVI1+Y\n\
2cQsCj/uyxEauHWIV9xKM1jDtDZGEmoThmYzaHXbBFgEeTPPsLA/6MpXx9QhFvA4\n\
K4RjdgdHb4XJDG73UQJBAPzpBXoy2wdXotiPF3mii1VcTkCxlkR35HbF+bXcEIZZ\n\
X2wdKgQ4uAzbGpr+lakzLRx/r/JPu1vAInpe2cxXMPkCQQDgFzaaHstwLysPrU7Y\n\
14M6QBTpyiIgDVtGdDDR6pbcDf3KtN9tl6ZWI0K+BesLj81QT9PfhtpvmLpktqlY\n\
ZSoHAkEAtTSQBBnj7MLRnrAHddMMWcClIJ0cuTndq2v1mmNuQ5RNVj0fGZ8535ws\n\
19iIio5sR/sEqWyPJRHoohzLmCjwoQJAcH+W3Naa4S382zjxPXEsIyEqnpfoe9jY\n\
usz3+Vpg9AZeI9ab2EPqsJGxHv6PmlVOCISa5DuqC55L7OW6rHLVHwJAI9mlVAxf\n\
6MWXpqVpeWbJAzAv9tpyygdAlTNHqQhxlbEtEO8y1AGOHnprxo/rbrkLMcq3d9X+\n\
7njusPK93LnjSw==\n\
-----END PRIVATE KEY-----\n\
";

/// The problem of the settings with that key; `None` if the key can be used.
fn problem(pem: &str) -> Option<String> {
    let settings = settings(&[("JWT_ALGORITHM", "RS256"), ("JWT_PRIVATE_KEY", pem)]);
    settings.tokens().err().map(|error| error.to_string())
}

#[test]
fn an_rsa_key_may_be_pkcs8_or_pkcs1_and_on_one_line() {
    let pkcs8 = rsa_pem(rsa_key(0));
    let pkcs1 = pem("RSA PRIVATE KEY", &rsa_key(0)[BEFORE_PKCS1..]);
    let mut kids = Vec::new();
    for pem in [
        pkcs8.clone(),
        pkcs1.clone(),
        pkcs8.replace('\n', "\\n"),
        pkcs1.replace('\n', "\r\n"),
        format!("\n  {pkcs8}\n\n"),
    ] {
        let verifier = Verifier::with(&[("JWT_ALGORITHM", "RS256"), ("JWT_PRIVATE_KEY", &pem)]);
        kids.push(verifier.published()[0]["kid"].clone());
    }
    kids.dedup();
    assert_eq!(kids.len(), 1, "{kids:?}");
}

#[test]
fn an_error_names_the_setting_with_a_key_that_is_not_rsa_of_2048_bits() {
    let good = rsa_pem(rsa_key(0));
    let pair = RsaKeyPair::from_pkcs8(rsa_key(0)).unwrap();
    let public: PublicKeyX509Der = pair.public_key().as_der().unwrap();
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed25519 = Ed25519KeyPair::generate().unwrap();
    for bad in [
        String::new(),
        "secret".to_owned(),
        SHORT.to_owned(),
        format!("{good}{SHORT}"),
        pem("PRIVATE KEY", b"garbage"),
        pem("PRIVATE KEY", b""),
        "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----".to_owned(),
        pem("ENCRYPTED PRIVATE KEY", rsa_key(0)),
        pem("PUBLIC KEY", public.as_ref()),
        pem("CERTIFICATE", public.as_ref()),
        pem("PRIVATE KEY", p256.to_pkcs8v1().unwrap().as_ref()),
        pem("PRIVATE KEY", ed25519.to_pkcs8v1().unwrap().as_ref()),
        pem("RSA PRIVATE KEY", &rsa_key(0)[BEFORE_PKCS1..600]),
        // Cut short, as by a limit on the length of a variable.
        good[..good.len() / 2].to_owned(),
        format!("{good}{}", &good[..good.len() / 2]),
        format!("{good}{}", pem("PUBLIC KEY", public.as_ref())),
    ] {
        let text = "JWT_PRIVATE_KEY must be RSA private keys of 2048 bits or more, in PEM";
        assert_eq!(problem(&bad).as_deref(), Some(text), "{bad}");
    }
    assert_eq!(problem(&good), None);
}

#[test]
fn an_algorithm_that_is_none_of_ours_is_refused_and_named() {
    for name in ["none", "None", "eddsa", "RS512", "PS256", "HS512", "ES384", "Ed25519"] {
        let error = settings(&[("JWT_ALGORITHM", name)]).tokens().err().unwrap();
        let text = "JWT_ALGORITHM must be EdDSA, ES256, RS256 or HS256";
        assert_eq!(error.to_string(), text, "{name}");
    }
}

#[test]
fn a_short_secret_is_refused_and_not_shown() {
    let long = "a".repeat(32);
    for secret in [
        "a".repeat(31),
        format!("{long},short"),
        format!("short,{long}"),
        format!("{long},"),
        format!(",{long}"),
        format!("{long},,{long}"),
        format!("{}  ,{long}", "a".repeat(30)),
    ] {
        let settings = settings(&[("AUTH_SECRET", &secret)]);
        let text = "AUTH_SECRET must have 32 bytes or more in each of its secrets";
        assert_eq!(settings.tokens().err().unwrap().to_string(), text, "{secret}");
        assert_eq!(settings.proofs().err().unwrap().to_string(), text, "{secret}");
    }
}
