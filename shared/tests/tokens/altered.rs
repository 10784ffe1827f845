use accounts::crypto::TokenError;

use crate::verifier::{NOW, TokenKind, Verifier, with};

const INVALID: Result<(), TokenError> = Err(TokenError::Invalid);
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn assert_refused(verifier: &Verifier, kind: TokenKind, token: &str) {
    let shown: String = token.chars().take(2000).collect();
    assert_eq!(verifier.read(kind, token), INVALID, "{kind:?} {shown}");
}

fn replaced(token: &str, at: usize, by: u8) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = by;
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_token_with_any_one_character_changed_is_refused() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let token = kind.token();
        for at in 0..token.len() {
            let was = token.as_bytes()[at];
            let by = ALPHABET[(usize::from(was) * 7 + at) % 64];
            let by = if by == was { b'.' } else { by };
            assert_refused(&verifier, kind, &replaced(&token, at, by));
        }
    }
}

/// The last character of a part has unused bits: a lenient decoder ignores them.
#[test]
fn the_last_character_of_each_part_can_be_written_in_one_way() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let token = kind.token();
        let dots: Vec<_> = token.match_indices('.').map(|(at, _)| at).collect();
        for end in [dots[0], dots[1], token.len()] {
            let was = token.as_bytes()[end - 1];
            for by in ALPHABET.iter().filter(|by| **by != was) {
                assert_refused(&verifier, kind, &replaced(&token, end - 1, *by));
            }
        }
    }
}

#[test]
fn a_token_with_any_one_character_more_or_less_is_refused() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let token = kind.token();
        for at in 0..token.len() {
            assert_refused(&verifier, kind, &[&token[..at], &token[at + 1..]].concat());
            for more in ["A", ".", "=", " ", "\n", "\0", "é"] {
                assert_refused(&verifier, kind, &[&token[..at], more, &token[at..]].concat());
            }
        }
    }
}

#[test]
fn text_before_or_after_a_token_makes_it_invalid() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let token = kind.token();
        for garbage in
            ["A", "=", "==", ".", "..", ".A", " ", "\n", "\r\n", "\t", "\0", ";", "\u{a0}"]
        {
            assert_refused(&verifier, kind, &format!("{token}{garbage}"));
            assert_refused(&verifier, kind, &format!("{garbage}{token}"));
        }
        assert_refused(&verifier, kind, &format!("{token}.{token}"));
        assert_refused(&verifier, kind, &format!("Bearer {token}"));
        assert_refused(&verifier, kind, &format!("\"{token}\""));
    }
}

#[test]
fn a_token_without_three_parts_is_refused() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let token = kind.token();
        let parts: Vec<_> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("three parts") };
        for broken in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "...".to_owned(),
            header.to_owned(),
            format!("{header}.{payload}"),
            format!("{header}.{payload}."),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{header}.."),
            format!("{payload}.{header}.{signature}"),
            format!("{header}.{payload}.{signature}.{signature}"),
            format!("{header}.{header}.{payload}.{signature}"),
            // As an encrypted token has them.
            format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        ] {
            assert_refused(&verifier, kind, &broken);
        }
    }
}

#[test]
fn another_alphabet_is_refused() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        // Long enough that one of the two characters that differ is among them.
        let claims = with(kind.payload(), "note", "~~~???>>>ÿÿÿ".repeat(9).into());
        let token = kind.forged(&kind.header(), &claims);
        assert_eq!(verifier.read(kind, &token), Ok(()));
        let other = token.replace('-', "+").replace('_', "/");
        assert_ne!(other, token);
        assert_refused(&verifier, kind, &other);
        let padded: Vec<_> = token
            .split('.')
            .map(|part| format!("{part:=<width$}", width = part.len().next_multiple_of(4)))
            .collect();
        assert_ne!(padded.join("."), token);
        assert_refused(&verifier, kind, &padded.join("."));
    }
}

#[test]
fn a_signature_belongs_to_one_token() {
    let verifier = Verifier::default();
    for kind in TokenKind::ALL {
        let (one, other) = (
            kind.token(),
            kind.forged(&kind.header(), &with(kind.payload(), "exp", (NOW + 901).into())),
        );
        assert_eq!(verifier.read(kind, &other), Ok(()));
        let (message, _) = one.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_refused(&verifier, kind, &format!("{message}.{signature}"));
    }
}

#[test]
fn a_token_of_a_megabyte_is_judged_like_any_other() {
    let verifier = Verifier::default();
    let long = "x".repeat(1 << 20);
    for kind in TokenKind::ALL {
        let token = kind.token();
        let padded = kind.forged(&kind.header(), &with(kind.payload(), "pad", long.clone().into()));
        assert_eq!(verifier.read(kind, &padded), Ok(()));
        for token in [
            long.clone(),
            format!("{token}{long}"),
            format!("{long}.{long}.{long}"),
            ".".repeat(1 << 20),
            replaced(&padded, 1 << 19, b'.'),
            kind.forged(&kind.header(), &long.clone().into()),
            crate::forge::token(&"[".repeat(1 << 20), &"[".repeat(1 << 20), &kind.signer()),
        ] {
            assert_refused(&verifier, kind, &token);
        }
    }
}
