//! What holds of tokens and of imported password hashes, whatever a stranger sends.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::imported::{self, Unusable};
use super::{Issuer, Proofs, Seal, Secret, Signing, Tokens};
use crate::config::Settings;
use crate::model::{Client, Email, Mail, Purpose, Session, User, Username};
use crate::properties::{check, holds, holds_for_text};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn issuer() -> Issuer {
    Issuer { name: "https://a.example".into(), audience: "latchkey".into() }
}

fn secret() -> Secret {
    Secret::parse(&"a".repeat(32)).unwrap()
}

fn ann() -> User {
    let (name, email) = (Username::parse("ann"), Email::parse("ann@example.com"));
    User::new(Uuid::from_u128(1).into(), &name.unwrap(), &email.unwrap(), None, now())
}

/// What each kind of token is read by, and a valid one. Each reader returns whether it accepts the token.
type Kind = (Box<dyn Fn(&str) -> bool>, String);

fn kinds() -> Vec<Kind> {
    let user = ann();
    let policy = Settings::new(|_| None).policy().unwrap();
    let id = Uuid::from_u128(2).into();
    let session =
        Session::new(id, &user, crate::model::Factor::Password, &Client::default(), &policy, now());
    let mut kinds: Vec<Kind> = Vec::new();
    for signing in [Signing::Hs256, Signing::EdDsa, Signing::Es256] {
        let tokens = std::sync::Arc::new(Tokens::new(&secret(), &signing, issuer()).unwrap());
        let access = tokens.access(&tokens.access_claims(&user, &session, &policy));
        let refresh = tokens.refresh(&user, &session);
        let of_access = tokens.clone();
        kinds.push((Box::new(move |token| of_access.read_access(token, now()).is_ok()), access));
        kinds.push((Box::new(move |token| tokens.read_refresh(token, now()).is_ok()), refresh));
    }
    let proofs = Proofs::new(&secret(), issuer());
    let token = proofs.devices().token(&user, "device".to_owned(), now());
    let (id, purpose, email) =
        (Uuid::from_u128(3).into(), Purpose::PasswordReset, user.first_email());
    let mail = Mail::link(id, purpose, (&user, &email), now(), now().as_second() + 60);
    let link = proofs.link(&mail, purpose);
    let devices = proofs.devices().clone();
    kinds.push((Box::new(move |token| devices.read(token, now()).is_ok()), token));
    let read = move |link: &str| proofs.read_link(link, Purpose::PasswordReset, now()).is_ok();
    kinds.push((Box::new(read), link));
    kinds
}

#[test]
fn a_token_with_a_changed_byte_is_refused() {
    let kinds = kinds();
    assert!(kinds.iter().all(|(accepts, token)| accepts(token)));
    let change = (any::<Index>(), any::<Index>(), any::<u8>());
    check(512, &change, |(kind, at, byte)| {
        let (accepts, token) = kind.get(&kinds);
        let mut changed = token.clone().into_bytes();
        let at = at.index(changed.len());
        // Half of the changes stay within the alphabet of tokens.
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
        changed[at] =
            if byte % 2 == 0 { byte } else { alphabet[usize::from(byte) % alphabet.len()] };
        let changed = String::from_utf8_lossy(&changed);
        assert!(changed == *token || !accepts(&changed), "{token} accepted as {changed}");
    });
}

#[test]
fn a_token_is_refused_unless_it_is_the_one_that_was_issued() {
    let kinds = kinds();
    holds_for_text("token", 256, |text| {
        for (accepts, _) in &kinds {
            assert!(!accepts(text), "{text}");
        }
    });
}

#[test]
fn the_parts_of_different_tokens_make_no_token() {
    let kinds = kinds();
    let picks = (any::<Index>(), any::<Index>(), any::<Index>());
    check(256, &picks, |picks| {
        let parts = [picks.0, picks.1, picks.2].map(|pick| pick.index(kinds.len()));
        let of = |at: usize, part: usize| kinds[at].1.split('.').nth(part).unwrap();
        let mixed = [of(parts[0], 0), of(parts[1], 1), of(parts[2], 2)].join(".");
        for (accepts, token) in &kinds {
            assert!(mixed == *token || !accepts(&mixed), "{mixed}");
        }
    });
}

#[test]
fn each_token_is_accepted_by_its_own_reader_alone() {
    let kinds = kinds();
    for (accepts, own) in &kinds {
        for (_, token) in &kinds {
            // Refresh tokens do not depend on how access tokens are signed.
            assert_eq!(accepts(token), own == token, "{own} {token}");
        }
    }
}

/// A hash of a few bytes would accept one password in some hundred.
#[test]
fn a_changed_password_hash_accepts_no_other_password() {
    holds_for_text("password-hash", 256, |hash| {
        for password in ["", "a", "wrong", "another"] {
            assert_ne!(imported::verify(password.as_bytes(), hash), Ok(true), "{password} {hash}");
        }
    });
}

#[test]
fn a_hash_that_was_cut_short_is_refused() {
    for hash in [
        "pbkdf2_sha256$1$salt$AA==",
        "pbkdf2_sha1$1$salt$AAAAAAAAAAAAAAAAAAAA",
        "scrypt$16$salt$8$1$AAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$wuAKNdrr+Ce9x5EfMqRf",
        "$pbkdf2-sha256$i=1$c2l4dGVlbiBieXRlcyBvaw$lu/FQqVdumH6dJ83bfMB",
        "$argon2id$v=19$m=8,t=1,p=1$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxK",
        "0504168347d455f3fd984e1ad4f6e482:02ef59adf6cea39c",
        "$fbscrypt$v=1,n=4,r=8,p=1,sk=AAAAAAAAAAAAAAAAAAAA$AAAA$AAAAAAAAAAAAAAAAAAAA",
    ] {
        assert_eq!(imported::verify(b"a", hash), Err(Unusable::Unknown), "{hash}");
    }
}

#[test]
fn a_seal_opens_its_own_texts_and_no_others() {
    let seal = Seal::new(&secret(), "cursor");
    check(256, &(any::<Vec<u8>>(), any::<Index>(), 1..=255_u8), |(plain, at, change)| {
        let sealed = seal.seal(plain.clone());
        assert_eq!(seal.open(&sealed), Some(plain));
        let mut changed = sealed.into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= change;
        assert_eq!(seal.open(&String::from_utf8_lossy(&changed)), None);
    });
    holds("cursor", 256, |bytes| assert_eq!(seal.open(&String::from_utf8_lossy(bytes)), None));
}
