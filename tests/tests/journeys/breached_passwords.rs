//! A breached password is refused wherever a user chooses one, and nowhere else.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use accounts::breached::{Filter, PasswordDigest};
use accounts::model::PlainPassword;
use journeys::{Actor, PASSWORD, Site, at_once, s};

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
    // A fault that is found without the list is in the answer, and the password is not accepted.
    let answer = site.register("eve@example.com", "eve", "password1", "password1").await;
    assert_eq!(answer["errors"]["password2"][0]["code"], "password_too_common");
    fs::write(&path, whole).unwrap();
    assert_eq!(site.set_password(&first, new, new).await["success"], true);
}

/// The number of mails to Ann about a breached password.
async fn warnings(site: &Site, ann: &Actor) -> usize {
    let mails = site.mails_to(&ann.email()).await;
    mails.iter().filter(|mail| mail.subject == "Please choose another password for Example").count()
}

/// The user gets one mail for each password, and each password is compared once: later log-ins cost what they cost
/// without a list.
#[tokio::test]
async fn a_log_in_with_a_breached_password_tells_the_user_once() {
    let (_, settings) = filter_of("once", &[PASSWORD]);
    let (site, ann, _) = with_ann_and_a_link(&[]).await;
    site.calls.take();
    site.log_in(&ann).await;
    let without = site.calls.take();
    let site = site.restarted_with(settings);
    site.log_in(&ann).await;
    assert_eq!(site.calls.take().calls, without.calls + 1);
    assert_eq!(warnings(&site, &ann).await, 1);
    site.calls.take();
    for _ in 0..3 {
        site.log_in(&ann).await;
        assert_eq!(site.calls.take(), without);
    }
    let new = "zmxn73hhQQq";
    let ann = site.log_in(&ann).await;
    assert_eq!(site.change_password(&ann, PASSWORD, new, new).await["success"], true);
    for more in [1, 0, 0] {
        site.calls.take();
        assert!(site.is_password(&ann, new).await);
        assert_eq!(site.calls.take().calls, without.calls + more);
    }
    assert_eq!(warnings(&site, &ann).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_log_ins_at_once_one_tells_the_user() {
    let (_, settings) = filter_of("at-once", &[PASSWORD]);
    let (site, ann, _) = with_ann_and_a_link(settings).await;
    let site = Arc::new(site);
    let accepted = at_once(5, |_| {
        let (site, ann) = (site.clone(), ann.clone());
        async move { site.is_password(&ann, PASSWORD).await }
    })
    .await;
    assert_eq!(accepted, [true; 5]);
    assert_eq!(warnings(&site, &ann).await, 1);
}

/// The address of a user who has not proven it may belong to a stranger. The mail comes after the proof.
#[tokio::test]
async fn a_user_with_an_unproven_address_gets_no_mail_about_a_breached_password() {
    let (_, settings) = filter_of("unproven", &[PASSWORD]);
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let token = site.link_token(&ann.email()).await;
    let both = [settings, &[("ALLOW_LOGIN_NOT_VERIFIED", "true")]].concat().leak();
    let site = site.restarted_with(both);
    site.log_in(&ann).await;
    assert_eq!(warnings(&site, &ann).await, 0);
    site.verify_account(&token).await;
    site.log_in(&ann).await;
    assert_eq!(warnings(&site, &ann).await, 1);
}

/// An imported hash is replaced by the log-in, and the new one is what was compared.
#[tokio::test]
async fn a_log_in_that_replaces_the_hash_tells_the_user_once() {
    let (_, settings) = filter_of("replaced", &[PASSWORD]);
    let (site, ann, _) = with_ann_and_a_link(settings).await;
    let weak = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";
    site.set_on_user(&ann, "password", s(weak)).await;
    for _ in 0..3 {
        site.log_in(&ann).await;
    }
    assert_ne!(site.hash_of(&ann).await, weak);
    assert_eq!(warnings(&site, &ann).await, 1);
}

/// A list that cannot be loaded stops no log-in, and the next log-in compares the password. A wrong password is not
/// compared.
#[tokio::test]
async fn a_log_in_goes_on_without_the_list() {
    let (path, settings) = filter_of("not-read", &[PASSWORD]);
    let (site, ann, _) = with_ann_and_a_link(settings).await;
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(site.is_password(&ann, PASSWORD).await);
    assert_eq!(warnings(&site, &ann).await, 0);
    fs::write(&path, whole).unwrap();
    assert!(!site.is_password(&ann, "zmxn73hhQQq").await);
    assert_eq!(warnings(&site, &ann).await, 0);
    assert!(site.is_password(&ann, PASSWORD).await);
    assert_eq!(warnings(&site, &ann).await, 1);
}
