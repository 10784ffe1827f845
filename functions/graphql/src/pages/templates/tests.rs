//! The texts of the languages, and the files of a deployer.

use std::collections::BTreeSet;

use accounts::error::Violation;
use accounts::model::{EventKind, Role};
use tempfile::TempDir;

use super::*;
use crate::pages::form::FieldError;

fn built_in() -> Templates {
    Templates::built_in(DEFAULT_LANGUAGE.to_owned())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_files(default: &str, files: &[(&str, &str)]) -> Result<Templates, String> {
    Templates::with_folder(default.to_owned(), folder(files).path())
}

fn message(templates: &Templates, language: &str) -> String {
    let sample = samples("message.html", language).remove(0);
    templates.render(language, "message.html", sample).unwrap()
}

#[test]
fn every_language_has_every_text_and_no_other() {
    let texts = TEXTS.map(|(name, source)| {
        let texts: Texts = serde_json::from_str(source).unwrap();
        assert!(texts.values().all(|text| !text.trim().is_empty()), "{name}");
        texts.into_keys().collect::<BTreeSet<_>>()
    });
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[2], texts[1]);
}

/// A text shows the same values in each language: a translation without the name of the account fails.
#[test]
fn every_translation_shows_what_the_english_text_shows() {
    let shows = |text: &str| {
        let found = text.split("{{ ").skip(1).filter_map(|rest| rest.split_once(" }}"));
        found.map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>()
    };
    let english: Texts = serde_json::from_str(FALLBACK).unwrap();
    for (name, source) in TEXTS {
        let texts: Texts = serde_json::from_str(source).unwrap();
        for (key, text) in texts {
            assert_eq!(shows(&text), shows(&english[&key]), "{name} {key}");
        }
    }
}

/// The console shows each kind of events, each role and each change in words.
#[test]
fn every_event_and_role_has_a_text() {
    let texts: Texts = serde_json::from_str(FALLBACK).unwrap();
    let events = EventKind::ALL.iter().map(|kind| format!("console_event_{kind}"));
    let roles = Role::ALL.iter().map(|role| format!("console_role_{role}"));
    for key in events.chain(roles) {
        assert!(texts.contains_key(&key), "{key}");
    }
}

#[test]
fn every_page_renders_in_every_language() {
    let templates = built_in();
    let languages: Vec<_> = templates.languages().unwrap();
    assert_eq!(languages, [("de", "Deutsch"), ("en", "English"), ("fa", "فارسی")]);
    templates.try_all().unwrap();
}

/// A page refuses an input in the same words as the API.
#[test]
fn the_english_texts_of_violations_are_the_ones_of_the_api() {
    let templates = built_in();
    for violation in [
        Violation::Required,
        Violation::EmailMalformed,
        Violation::EmailTaken,
        Violation::SecondaryEmailTaken,
        Violation::UsernameMalformed,
        Violation::UsernameNotOwnEmail,
        Violation::UsernameIsEmail,
        Violation::UsernameMixedScripts,
        Violation::UsernameReserved,
        Violation::UsernameTaken,
        Violation::UsernameFixed,
        Violation::TooLong { limit: 150, actual: 151 },
        Violation::NullCharacter,
        Violation::ControlCharacter,
        Violation::PasswordMismatch,
        Violation::PasswordLikeUsername,
        Violation::PasswordLikeFirstName,
        Violation::PasswordLikeLastName,
        Violation::PasswordLikeEmail,
        Violation::PasswordLikeSite,
        Violation::PasswordTooShort { limit: 15 },
        Violation::PasswordTooCommon,
        Violation::PasswordBreached,
        Violation::PasswordNumeric,
        Violation::PictureEmpty,
        Violation::PictureTooLarge,
        Violation::PictureDimensions,
        Violation::PictureInvalid,
    ] {
        let FieldError { key, limit, actual } = violation.into();
        let shown = context! { limit, actual };
        let text = templates.render("en", &text_name(key), shown).unwrap();
        assert_eq!(text, violation.to_string());
    }
}

#[test]
fn a_folder_replaces_texts_and_files_and_adds_a_language() {
    let templates = with_files(
        "fr",
        &[
            ("en.json", r#"{ "too_old_title": "Too late, {{ username }}" }"#),
            ("fr.json", r#"{ "language_name": "Français", "too_old_title": "Trop tard" }"#),
            ("errors.html", "Ours"),
        ],
    )
    .unwrap();
    let names: Vec<_> = templates.languages().unwrap().into_iter().map(|(tag, _)| tag).collect();
    assert_eq!(names, ["de", "en", "fa", "fr"]);
    assert_eq!(templates.default_language(), "fr");
    assert!(message(&templates, "en").contains("<h1>Too late, user</h1>"));
    assert!(message(&templates, "de").contains("<h1>Dieser Link ist zu alt</h1>"));
    // A text that the new language lacks is the English one.
    let french = message(&templates, "fr");
    assert!(french.contains("<h1>Trop tard</h1>"), "{french}");
    assert!(french.contains("Links in mails are good for a limited time only."), "{french}");
    let shown = samples("errors.html", "en").remove(0);
    assert_eq!(templates.render("en", "errors.html", shown).unwrap(), "Ours");
}

#[test]
fn a_site_whose_mails_have_a_language_that_its_pages_lack_has_english_pages() {
    assert_eq!(Templates::built_in("tlh".to_owned()).default_language(), "en");
    assert_eq!(with_files("tlh", &[]).unwrap().default_language(), "en");
    assert_eq!(with_files("de", &[]).unwrap().default_language(), "de");
}

#[test]
fn a_broken_file_is_found_at_the_start_and_named() {
    for (name, text, problem) in [
        ("en.json", "{", "en.json: EOF while parsing"),
        ("en.json", r#"{ "titel": "x" }"#, "en.json: no page has a text titel"),
        ("en.json", r#"{ "too_old_title": 1 }"#, "en.json: invalid type: integer"),
        ("en.json", r#"{ "too_old_title": "{{ password }}" }"#, "a page makes no sense in en: "),
        ("en.json", r#"{ "too_old_title": "{{ site" }"#, "a page makes no sense in en: "),
        ("fr.json", r#"{ "too_old_title": "x" }"#, "fr.json: language_name is missing"),
        ("FR.json", "{}", "FR.json: the name is no language tag in lower case"),
        ("layout.html", "{{ text(\"titel\") }}", "a page makes no sense in de: "),
        ("message.html", "{% if %}", "a page makes no sense in de: "),
        ("mesage.html", "", "no page has the file mesage.html"),
    ] {
        let error = with_files("en", &[(name, text)]).unwrap_err();
        assert!(error.starts_with(problem), "{name} {text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
