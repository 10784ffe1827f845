//! A breached password is refused wherever a user chooses one, and nowhere else.

use std::fs;
use std::path::PathBuf;

use accounts::breached::{Filter, PasswordDigest};
use accounts::model::PlainPassword;
use journeys::{PASSWORD, Site};
use serde_json::json;

use crate::new_passwords::{choose_everywhere, sign_up_everywhere, with_ann_and_a_link};

/// Nothing else is wrong with it.
const BREACHED: &str = "zmxn73hhQQp";
const TEXT: &str =
    "This password is known from a breach of another site. Please choose another one.";

/// Writes a filter of those passwords for one test, and returns the settings of a site with it.
fn filter_of(name: &str, passwords: &[&str]) -> (PathBuf, &'static [(&'static str, &'static str)]) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let passwords = passwords.iter().map(|password| PlainPassword::new(*password));
    let digests = passwords.flat_map(|password| PasswordDigest::all_of(&password)).collect();
    let mut file = Vec::new();
    Filter::of(digests).unwrap().write(&mut file).unwrap();
    fs::write(&path, file).unwrap();
    let setting = ("BREACHED_PASSWORDS", &*path.to_str().unwrap().to_owned().leak());
    (path, vec![setting].leak())
}

#[tokio::test]
async fn a_breached_password_is_refused_wherever_one_is_chosen() {
    let (_, settings) = filter_of("refused", &[BREACHED]);
    let (site, ann, first) = with_ann_and_a_link(settings).await;
    let before = site.items("USERNAME#").await;
    let mut answers = sign_up_everywhere(&site, BREACHED).await;
    answers.extend(choose_everywhere(&site, &ann, &first, BREACHED).await);
    for (operation, answer) in answers {
        assert!(answer.contains(TEXT), "{operation}: {answer}");
    }
    assert_eq!(site.items("USERNAME#").await, before);
    assert!(site.is_password(&ann, PASSWORD).await);
    // Another one is accepted by the same links.
    let other = "zmxn73hhQQq";
    assert_eq!(site.set_password(&first, other, other).await["success"], true);
    assert_eq!(site.change_password(&ann, PASSWORD, other, other).await["success"], true);
}

/// The answer has the code, and the password is not compared where the answer says already that others have it.
#[tokio::test]
async fn a_breached_password_has_a_code_beside_those_of_its_other_faults() {
    let (_, settings) = filter_of("codes", &[BREACHED, "kdj84f", "password1"]);
    let site = Site::with(settings).await;
    for (password, expected) in [
        (BREACHED, &["password_breached"] as &[_]),
        ("kdj84f", &["password_too_short", "password_breached"]),
        ("password1", &["password_too_common"]),
    ] {
        let answer = site.register("eve@example.com", "eve", password, password).await;
        let violations = answer["errors"]["password2"].as_array().unwrap();
        let codes: Vec<_> = violations.iter().map(|it| it["code"].as_str().unwrap()).collect();
        assert_eq!(codes, expected, "{password}");
    }
}

/// A pending sign-up holds a password, too. The answer depends on the password alone, not on the address.
#[tokio::test]
async fn a_pending_sign_up_takes_no_breached_password() {
    let (_, settings) = filter_of("pending", &[BREACHED]);
    let settings = [settings, &[("CONCEAL_ACCOUNTS", "true")]].concat().leak();
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(settings);
    for (operation, answer) in sign_up_everywhere(&site, BREACHED).await {
        assert!(answer.contains(TEXT), "{operation}: {answer}");
    }
    assert!(site.items("PENDING#").await.is_empty());
    let taken = site.register(&ann.email(), "carol", BREACHED, BREACHED).await;
    let free = site.register("carol@example.com", "carol", BREACHED, BREACHED).await;
    assert_eq!(taken, free);
}

/// A user must not be locked out by a list that came later.
#[tokio::test]
async fn a_breached_password_still_logs_in_and_confirms() {
    let (_, settings) = filter_of("log-in", &[PASSWORD]);
    let (site, ann, _) = with_ann_and_a_link(settings).await;
    assert!(site.is_password(&ann, PASSWORD).await);
    let ann = site.log_in(&ann).await;
    assert_eq!(site.change_password(&ann, PASSWORD, BREACHED, BREACHED).await["success"], true);
}

/// The file is read at the first new password. If it cannot be read then, no password is accepted, and log-ins go on.
#[tokio::test]
async fn without_its_list_a_site_takes_no_new_password() {
    let (path, settings) = filter_of("unavailable", &[BREACHED]);
    let (site, ann, first) = with_ann_and_a_link(settings).await;
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&path, damaged).unwrap();
    let before = site.dump().await;
    let new = "zmxn73hhQQq";
    for (operation, answer) in sign_up_everywhere(&site, new).await {
        assert!(answer.contains("The service is not available"), "{operation}: {answer}");
    }
    assert_ne!(site.set_password(&first, new, new).await["success"], true);
    assert_ne!(site.change_password(&ann, PASSWORD, new, new).await["success"], true);
    assert_eq!(site.dump().await, before);
    assert!(site.is_password(&ann, PASSWORD).await);
    // A fault that is seen without the list is told, but the password is not accepted.
    let answer = site.register("eve@example.com", "eve", "password1", "password1").await;
    assert_eq!(answer["errors"]["password2"][0]["code"], "password_too_common");
    fs::write(&path, whole).unwrap();
    assert_eq!(site.set_password(&first, new, new).await["success"], true);
}

/// Most starts of a function see no new password: the filter is not theirs to pay for.
#[tokio::test]
async fn a_log_in_does_not_read_the_list() {
    let (path, settings) = filter_of("not-read", &[BREACHED]);
    let (site, ann, _) = with_ann_and_a_link(settings).await;
    fs::remove_file(&path).unwrap();
    assert!(site.is_password(&ann, PASSWORD).await);
    let variables = json!({ "username": "ann", "password": "zmxn73hhQQq" });
    assert_eq!(site.token_auth(variables).await["success"], false);
}
