//! A first address that is replaced: it gets mails before and after the change, and can stop the change or take the
//! account back.

pub(crate) mod notices;
mod races;
pub(crate) mod requests;

use accounts::model::{Client, PlainPassword};
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site, failure_code, link_token};
use serde_json::{Value, json};

const OLD: &str = "ann@example.com";
const EVIL: &str = "mallory@evil.example";
const EVIL_TOO: &str = "mallory2@evil.example";
const NEW_PASSWORD: &str = "another jf84jfKKd";
const EVIL_PASSWORD: &str = "an evil jf84jfKKd";
const CANCEL: &str = "cancel-email-change";
const RESTORE: &str = "restore-email";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

/// The token of the newest link of that kind that was mailed to an address.
async fn mailed(site: &Site, address: &str, path: &str) -> Option<String> {
    let mails = site.mails_to(address).await;
    let path = format!("/{path}/");
    let found = mails.iter().rev().find(|mail| mail.text.as_ref().unwrap().contains(&path));
    found.map(link_token)
}

async fn call(site: &Site, actor: Option<&Actor>, call: &str) -> Value {
    let header = actor.map(Actor::authorization);
    let document = format!("mutation {{ it: {call} }}");
    let answer = site.graphql_as(header.as_deref(), &document, Value::Null).await;
    answer.json()["data"]["it"].clone()
}

async fn cancel(site: &Site, token: &str) -> Value {
    call(site, None, &format!("cancelEmailChange(token: \"{token}\") {{ success errors }}")).await
}

async fn restore(site: &Site, token: &str) -> Value {
    let fields = "{ success errors resetToken }";
    call(site, None, &format!("restoreEmail(token: \"{token}\") {fields}")).await
}

async fn change(site: &Site, actor: &Actor, email: &str) {
    let token = site.email_change_link(actor, email).await;
    site.accounts.verify_new_email(&token).await.unwrap();
}

async fn add_second(site: &Site, actor: &Actor, email: &str, password: &str) {
    let caller = site.caller(actor).await;
    let password = PlainPassword::new(password.to_owned());
    site.accounts
        .send_secondary_email_activation(&caller, email, password, &Client::default())
        .await
        .unwrap();
    site.accounts.verify_secondary_email(&site.link_token(email).await).await.unwrap();
}

async fn with_password(site: &Site, actor: &Actor, what: &str, password: &str) {
    let done =
        call(site, Some(actor), &format!("{what}(password: \"{password}\") {{ success }}")).await;
    assert_eq!(done["success"], true, "{what}");
}

async fn emails(site: &Site, actor: &Actor) -> (Option<String>, Option<String>) {
    let user = site.item(&format!("USER#{}", actor.user_id()), "USER").await;
    let text = |name: &str| user.get(name).and_then(|it| it.as_s().ok().cloned());
    (text("email"), text("secondary_email"))
}

async fn subjects(site: &Site, address: &str) -> Vec<String> {
    site.mails_to(address).await.into_iter().map(|mail| mail.subject).collect()
}

async fn open(site: &Site, method: Method, path: &str, token: &str) -> Answer {
    site.send(method, &format!("/{path}/{token}"), &[], "").await
}

/// Asserts that the link gives the whole account back to its owner, and to no other user.
async fn assert_taken_back(site: &Site, ann: &Actor, token: &str, passwords: &[&str]) {
    let done = restore(site, token).await;
    assert_eq!(done["success"], true, "{done}");
    assert_eq!(emails(site, ann).await, (Some(OLD.to_owned()), None));
    for password in passwords {
        assert!(!site.is_password(ann, password).await, "{password}");
    }
    let reset = done["resetToken"].as_str().unwrap();
    let chosen = site.reset_password(reset, NEW_PASSWORD, NEW_PASSWORD).await;
    assert_eq!(chosen["success"], true, "{chosen}");
    let by_address = json!({ "email": OLD, "password": NEW_PASSWORD });
    assert_eq!(site.token_auth(by_address).await["success"], true);
    assert_eq!(failure_code(&restore(site, token).await), "invalid_token", "it works once");
    for evil in [EVIL, EVIL_TOO] {
        if let Some(theirs) = mailed(site, evil, RESTORE).await {
            assert_eq!(failure_code(&restore(site, &theirs).await), "invalid_token", "{evil}");
        }
    }
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn the_old_address_hears_of_a_change_that_is_asked_for_and_can_stop_it() {
    let (site, ann) = with_ann().await;
    let thief = site.log_in(&ann).await;
    let change = site.email_change_link(&thief, EVIL).await;
    let notice = site.mails_to(OLD).await.pop().unwrap();
    assert_eq!(notice.subject, "Another address was asked for on Example");
    let text = notice.text.unwrap();
    assert!(text.contains("wants m***@evil.example to be the address"), "{text}");
    let token = mailed(&site, OLD, CANCEL).await.unwrap();

    let before = site.dump().await;
    for method in [Method::GET, Method::GET, Method::HEAD] {
        assert_eq!(open(&site, method, CANCEL, &token).await.status, 200);
    }
    assert_eq!(site.dump().await, before, "looking changes nothing");
    let page = open(&site, Method::POST, CANCEL, &token).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(page.headers["location"], "/done/change-stopped");
    let page = site.send(Method::GET, "/done/change-stopped", &[], "").await;
    assert!(page.text.contains("Your address stays"), "{}", page.text);

    let outcome = site.accounts.verify_new_email(&change).await;
    assert_eq!(outcome.unwrap_err().code(), "invalid_token");
    site.assert_over(&thief).await;
    site.assert_goes_on(&ann).await;
    assert_eq!(failure_code(&cancel(&site, &token).await), "invalid_token");
    assert_eq!(open(&site, Method::POST, CANCEL, &token).await.status, 400);
}

#[tokio::test]
async fn a_link_to_stop_a_change_stops_any_pending_change_and_does_nothing_else() {
    let (site, ann) = with_ann().await;
    site.change_email(&ann, EVIL).await.unwrap();
    let token = mailed(&site, OLD, CANCEL).await.unwrap();
    // A flood of mails must not keep the owner from stopping the last of them.
    let change = site.email_change_link(&ann, EVIL_TOO).await;
    let ours = site.log_in(&ann).await;
    for other in [&change, &ann.access, &site.reset_link(&ours).await] {
        assert_eq!(failure_code(&cancel(&site, other).await), "invalid_token");
    }
    assert_eq!(cancel(&site, &token).await["success"], true);
    let outcome = site.accounts.verify_new_email(&change).await;
    assert_eq!(outcome.unwrap_err().code(), "invalid_token");
    // A link to stop a change cannot take the account back, and the other way round.
    assert_eq!(failure_code(&restore(&site, &token).await), "invalid_token");
    assert_eq!(site.accounts.confirm_address(&token).await.unwrap_err().code(), "invalid_token");
    assert!(site.mails_to(OLD).await.len() > 2);
    site.advance(SignedDuration::from_hours(1));
    assert_eq!(failure_code(&cancel(&site, &token).await), "expired_token");
    assert_eq!(open(&site, Method::GET, CANCEL, &token).await.status, 410);
}

#[tokio::test]
async fn an_address_that_was_never_proven_gets_a_mail_and_can_neither_stop_nor_take_back() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    change(&site, &ann, "ann@right.example").await;
    let expected = ["Activate your account on Example", "Your address on Example was changed"];
    assert_eq!(subjects(&site, OLD).await, expected);
    for path in [CANCEL, RESTORE] {
        assert_eq!(mailed(&site, OLD, path).await, None);
    }
    assert_eq!(site.register(OLD, "eve", PASSWORD, PASSWORD).await["success"], true);
}

#[tokio::test]
async fn the_address_that_was_first_takes_the_account_back_on_the_page() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, EVIL).await;
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    let before = site.dump().await;
    for method in [Method::GET, Method::GET, Method::HEAD] {
        assert_eq!(open(&site, method, RESTORE, &token).await.status, 200);
    }
    assert_eq!(site.dump().await, before, "looking changes nothing");
    let page = open(&site, Method::POST, RESTORE, &token).await;
    assert_eq!(page.status, 303, "{}", page.text);
    site.assert_over(&ann).await;
    let form = page.headers["location"].to_str().unwrap();
    assert!(form.starts_with("/password-reset/"), "{form}");
    let shown = site.send(Method::GET, form, &[], "").await;
    assert!(shown.text.contains("<h1>Choose a new password</h1>"), "{}", shown.text);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("password={NEW_PASSWORD}&again={NEW_PASSWORD}").replace(' ', "+");
    let done = site.send(Method::POST, form, &headers, body).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(site.is_password(&ann, NEW_PASSWORD).await);
    assert_eq!(open(&site, Method::POST, RESTORE, &token).await.status, 400);
    assert_eq!(
        subjects(&site, EVIL).await.pop().unwrap(),
        "This address was removed from your account on Example"
    );
}

/// Operations of an attacker with password and session, until the owner reads the mail.
#[tokio::test]
pub(crate) async fn nothing_that_an_attacker_does_in_between_keeps_the_first_address_from_taking_back()
 {
    for moves in [
        "change",
        "change change",
        "change password",
        "change change password others",
        "change archive",
        "change second swap remove",
        "second swap",
        "second swap remove",
        "second swap remove password",
        "second swap swap",
        "second swap swap swap remove change password",
        "change many",
        "second many swap many",
        "change pending",
    ] {
        let (site, ann) = with_ann().await;
        let mut thief = site.log_in(&ann).await;
        let mut password = PASSWORD;
        for (at, step) in moves.split(' ').enumerate() {
            match step {
                "change" if at == 0 => change(&site, &thief, EVIL).await,
                "change" => change(&site, &thief, EVIL_TOO).await,
                "second" if at == 0 => add_second(&site, &thief, EVIL, password).await,
                "second" => add_second(&site, &thief, EVIL_TOO, password).await,
                "swap" => with_password(&site, &thief, "swapEmails", password).await,
                "remove" => with_password(&site, &thief, "removeSecondaryEmail", password).await,
                "password" => {
                    let done = site.change_password(&thief, password, EVIL_PASSWORD, EVIL_PASSWORD);
                    thief = thief.with_tokens(&done.await);
                    password = EVIL_PASSWORD;
                }
                "others" => {
                    assert_eq!(site.end_other_sessions(&thief).await["success"], true);
                }
                "archive" => with_password(&site, &thief, "archiveAccount", password).await,
                "many" => {
                    for number in 0..10 {
                        let email = format!("mallory-{at}-{number}@evil.example");
                        add_second(&site, &thief, &email, password).await;
                        if moves.starts_with("change") {
                            change(&site, &thief, &format!("x{email}")).await;
                        }
                    }
                }
                _ => site.change_email(&thief, EVIL_TOO).await.unwrap(),
            }
        }
        let token = mailed(&site, OLD, RESTORE).await;
        let token = token.unwrap_or_else(|| panic!("no link after {moves}"));
        assert_taken_back(&site, &ann, &token, &[PASSWORD, EVIL_PASSWORD]).await;
        site.assert_over(&thief).await;
    }
}

/// The links of every mail, not only of the last one: it may be the only one that arrived.
#[tokio::test]
async fn each_link_that_the_first_address_got_takes_the_account_back() {
    let (site, ann) = with_ann().await;
    add_second(&site, &ann, EVIL, PASSWORD).await;
    with_password(&site, &ann, "swapEmails", PASSWORD).await;
    let first = mailed(&site, OLD, RESTORE).await.unwrap();
    for _ in 0..6 {
        with_password(&site, &ann, "swapEmails", PASSWORD).await;
    }
    assert_eq!(emails(&site, &ann).await.0.unwrap(), EVIL);
    let last = mailed(&site, OLD, RESTORE).await.unwrap();
    assert_ne!(first, last);
    assert_taken_back(&site, &ann, &first, &[PASSWORD]).await;
    assert_eq!(failure_code(&restore(&site, &last).await), "invalid_token");
}

#[tokio::test]
async fn an_address_that_came_later_takes_the_account_from_none_that_was_before_it() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, EVIL).await;
    change(&site, &ann, EVIL_TOO).await;
    let (ours, theirs) =
        (mailed(&site, OLD, RESTORE).await.unwrap(), mailed(&site, EVIL, RESTORE).await.unwrap());
    assert_eq!(restore(&site, &theirs).await["success"], true);
    assert_eq!(emails(&site, &ann).await.0.unwrap(), EVIL);
    assert_taken_back(&site, &ann, &ours, &[PASSWORD]).await;
}

#[tokio::test]
async fn an_owner_who_changes_the_address_back_leaves_the_other_one_no_way_in() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, EVIL).await;
    let theirs = site.mails_to(EVIL).await.len();
    change(&site, &ann, OLD).await;
    assert_eq!(emails(&site, &ann).await.0.unwrap(), OLD);
    assert_eq!(mailed(&site, EVIL, RESTORE).await, None);
    assert!(site.mails_to(EVIL).await.len() > theirs, "it gets a mail all the same");
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
pub(crate) async fn an_address_is_kept_for_its_account_for_seven_days_and_free_after_that() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, "ann@new.example").await;
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    let bob = site.signed_in("bob").await;
    site.advance(SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(1));
    let refused = site.register(OLD, "eve", PASSWORD, PASSWORD).await;
    assert_eq!(refused["errors"]["email"][0]["code"], "unique", "{refused}");
    let bob = site.log_in(&bob).await;
    assert!(site.change_email(&bob, OLD).await.is_err());
    let by_address = json!({ "email": OLD, "password": PASSWORD });
    assert_eq!(site.token_auth(by_address).await["success"], false, "it logs no user in");
    site.send_password_reset(OLD).await;
    let reset = mailed(&site, OLD, "password-reset").await;
    assert_eq!(reset, None, "it resets no password");

    site.advance(SignedDuration::from_secs(1));
    assert_eq!(failure_code(&restore(&site, &token).await), "expired_token");
    assert_eq!(open(&site, Method::GET, RESTORE, &token).await.status, 410);
    assert_eq!(site.register(OLD, "eve", PASSWORD, PASSWORD).await["success"], true);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn an_address_that_is_kept_is_free_when_the_account_is_deleted_for_good() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = site.signed_in("ann").await;
    change(&site, &ann, "ann@new.example").await;
    with_password(&site, &ann, "deleteAccount", PASSWORD).await;
    assert_eq!(site.register(OLD, "eve", PASSWORD, PASSWORD).await["success"], true);
    let notice = subjects(&site, "ann@new.example").await.pop().unwrap();
    assert_eq!(notice, "Your account on Example was deleted");
    let text = site.mails_to("ann@new.example").await.pop().unwrap().text.unwrap();
    assert!(text.contains("Your account ann was deleted"), "{text}");
}

#[tokio::test]
async fn the_owner_who_takes_the_account_back_voids_all_unproven_requests() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, EVIL).await;
    let change = site.email_change_link(&ann, EVIL_TOO).await;
    let caller = site.caller(&ann).await;
    let (email, password) = ("third@evil.example", PlainPassword::new(PASSWORD.to_owned()));
    site.accounts
        .send_secondary_email_activation(&caller, email, password, &Client::default())
        .await
        .unwrap();
    let second = site.link_token(email).await;
    site.send_password_reset(EVIL).await;
    let reset = mailed(&site, EVIL, "password-reset").await.unwrap();
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    assert_taken_back(&site, &ann, &token, &[PASSWORD]).await;
    assert!(site.accounts.verify_new_email(&change).await.is_err());
    assert!(site.accounts.verify_secondary_email(&second).await.is_err());
    let answer = site.reset_password(&reset, EVIL_PASSWORD, EVIL_PASSWORD).await;
    assert_eq!(failure_code(&answer), "invalid_token");
    assert_eq!(emails(&site, &ann).await, (Some(OLD.to_owned()), None));
}

#[tokio::test]
async fn a_banned_user_does_not_take_the_account_back() {
    let (site, ann) = with_ann().await;
    change(&site, &ann, EVIL).await;
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    site.store.set_active(ann.user_id(), false).await.unwrap();
    assert_eq!(failure_code(&restore(&site, &token).await), "invalid_token");
}
