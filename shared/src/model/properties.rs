//! What holds of addresses, names, codes, links and languages, whatever a stranger types.

use super::copied::{TypedCode, link_token};
use super::username::fold;
use super::{Email, Languages, Username};
use crate::properties::holds_for_text;

#[test]
fn an_accepted_address_is_read_again_as_the_same_address() {
    holds_for_text("email", 2_000, |typed| {
        let Ok(email) = Email::parse(typed) else { return };
        let address = email.address();
        assert_eq!(Email::parse(address).as_ref(), Ok(&email));
        assert!(!address.chars().any(char::is_control), "{address:?}");
        assert!(address.chars().count() <= super::email::MAX_LENGTH, "{address}");
        // Its key does not depend on the case.
        for other in [address.to_lowercase(), address.to_uppercase()] {
            let other = Email::parse(&other).unwrap_or_else(|error| panic!("{other:?} {error:?}"));
            assert_eq!(other.key(), email.key(), "{address:?}");
        }
        assert!(!email.masked().contains(char::is_control));
    });
}

#[test]
fn an_accepted_name_is_read_again_as_the_same_name() {
    holds_for_text("username", 2_000, |typed| {
        let Ok(name) = Username::parse(typed) else { return };
        assert_eq!(Username::parse(name.name()).as_ref(), Ok(&name));
        // Its key does not depend on the case, or on the composition.
        assert_eq!(fold(name.key()), name.key(), "{:?}", name.name());
        // The capital of the dotless ı is I, which is another letter's, too.
        let upper = name.name().replace('ı', "").to_uppercase();
        let is_same = upper.to_lowercase() == name.name().to_lowercase();
        let upper = Some(upper).filter(|_| is_same);
        for other in upper.into_iter().chain([name.name().to_lowercase()]) {
            if let Ok(other) = Username::parse(&other) {
                assert_eq!(other.key(), name.key(), "{:?}", name.name());
            }
        }
    });
}

#[test]
fn a_code_is_six_digits_however_it_is_typed() {
    holds_for_text("code", 2_000, |typed| {
        let Some(code) = TypedCode::parse(typed) else { return };
        assert_eq!(code.expose().len(), 6);
        assert!(code.expose().bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(TypedCode::parse(code.expose()).as_ref(), Some(&code));
        let spaced: Vec<_> = code.expose().chars().map(|c| format!(" {c}-")).collect();
        assert_eq!(TypedCode::parse(&spaced.concat()), Some(code));
    });
}

#[test]
fn a_link_token_has_no_space_around_it_and_grows_by_nothing() {
    holds_for_text("link-token", 2_000, |copied| {
        let token = link_token(copied);
        assert!(token.len() <= copied.len());
        assert!(!token.contains(char::is_whitespace), "{token:?}");
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if token.chars().all(is_plain) && !token.is_empty() {
            for wrapped in [format!(" <{token}>.\n"), format!("\u{200e}{token}%20")] {
                assert_eq!(link_token(&wrapped), token);
            }
        }
    });
}

#[test]
fn accepted_languages_are_stored_and_read_as_the_same() {
    holds_for_text("languages", 2_000, |header| {
        let languages = Languages::accepted(header);
        let stored = String::from(languages.clone());
        assert!(stored.len() <= 200, "{stored}");
        assert_eq!(Languages::from(stored.clone()), languages);
        assert_eq!(Languages::accepted(&stored), languages);
    });
}
