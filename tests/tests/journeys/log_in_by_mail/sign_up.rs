//! C20: sign up by mail, as a setting: the mail of a log-in with an address without an account creates the account.

use std::sync::Arc;

use accounts::model::{EventKind, Trail};
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Answer, DIALECTS, FORM, PASSWORD, Site, TokenPair, Visit, at_once};
use serde_json::json;

use super::{MINUTE, another, ask, ask_again, log_in, logged_in, post, refusal};
use crate::second_factor::proof;

const ON: &[(&str, &str)] = &[("SIGN_UP_BY_MAIL", "true")];
const CONCEALING: &[(&str, &str)] = &[("SIGN_UP_BY_MAIL", "true"), ("CONCEAL_ACCOUNTS", "true")];
const NEW: &str = "dora@example.com";

/// How many accounts there are.
async fn accounts(site: &Site) -> usize {
    let items = site.all_items().await;
    items.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk == "USER")).count()
}

/// The kinds of events of the user with that access token, oldest first.
async fn events(site: &Site, held: &TokenPair) -> Vec<EventKind> {
    let id = site.accounts.authenticate(&held.access).await.unwrap().user.id;
    let page = site.store.trail(Trail::Of(id), None, 20).await.unwrap();
    page.events.iter().rev().map(|event| event.event).collect()
}

#[tokio::test]
async fn the_code_or_the_link_creates_the_account_and_logs_in_in_each_dialect() {
    for settings in [ON, CONCEALING] {
        let site = Site::with(settings).await;
        for (number, dialect) in DIALECTS.into_iter().enumerate() {
            for is_code in [true, false] {
                let email = format!("new{number}{is_code}@example.com");
                let id = dialect.request_log_in_mail(&site, &email).await.unwrap();
                assert_eq!(site.mails_to(&email).await.len(), 1, "{dialect:?}");
                let before = accounts(&site).await;
                let typed =
                    if is_code { site.code(&email).await } else { site.link_token(&email).await };
                let opened = dialect.log_in_by_mail(&site, &id, &typed).await.unwrap();
                assert_eq!(accounts(&site).await, before + 1);
                let (amr, acr, _) = proof(&opened.access);
                assert_eq!((amr, acr), (json!(["email"]), json!("aal1")));
                let caller = site.accounts.authenticate(&opened.access).await.unwrap();
                let user = &caller.user;
                assert!(user.is_verified && user.password.is_none() && user.is_active);
                assert_eq!(user.email, email);
                let reveals = user.username.contains("new");
                assert_eq!(reveals, settings == ON, "a username is public: {}", user.username);
                let kinds = events(&site, &opened).await;
                let expected =
                    [EventKind::SignedUp, EventKind::AddressVerified, EventKind::LoggedIn];
                assert!(
                    kinds.len() == 3 && expected.iter().all(|it| kinds.contains(it)),
                    "{kinds:?}"
                );
                assert!(dialect.log_in_by_mail(&site, &id, &typed).await.is_err(), "once");
                dialect.refresh(&site, &opened).await.unwrap();
                // From now on, it is an account as any other.
                let id = dialect.request_log_in_mail(&site, &email).await.unwrap();
                let again = dialect.log_in_by_mail(&site, &id, &site.code(&email).await).await;
                let again = site.accounts.authenticate(&again.unwrap().access).await.unwrap();
                assert_eq!((again.user.id, accounts(&site).await), (user.id, before + 1));
            }
        }
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test]
async fn without_the_setting_nothing_is_mailed_and_a_mail_from_before_creates_nothing() {
    let site = Site::with(ON).await;
    let id = ask(&site, NEW).await;
    let (code, link) = (site.code(NEW).await, site.link_token(NEW).await);
    let site = site.restarted_with(&[]);
    assert_eq!(refusal(&site, &id, &code).await, "invalid_otp");
    assert_eq!(refusal(&site, &id, &link).await, "invalid_token");
    let document = "mutation($t: String!) { it: showLoginCode(token: $t) { success errors code } }";
    let shown = post(&site, document, json!({ "t": link }), &[]).await.json();
    assert_eq!(shown["data"]["it"]["success"], false, "{shown}");
    let mails = site.mails_to(NEW).await.len();
    ask(&site, NEW).await;
    assert_eq!((site.mails_to(NEW).await.len(), accounts(&site).await), (mails, 0));
}

/// C20: the same answer, and as many calls and writes, for each address.
#[tokio::test]
async fn a_known_and_an_unknown_address_get_the_same_answers_for_the_same_work() {
    for settings in [ON, CONCEALING] {
        let site = Site::with([settings, &[("THROTTLE", "on")]].concat().leak()).await;
        let bob = site.signed_in("bob").await.user_id();
        site.signed_in_as(accounts::model::Role::Superuser, "eve").await;
        site.accounts.operator("eve").unwrap().ban(bob, "spam", None).await.unwrap();
        // An account whose address was never proven: its mail is to a new address, too.
        if settings == ON {
            site.register("cem@example.com", "cem", PASSWORD, PASSWORD).await;
        }
        site.signed_in("ann").await;
        site.deliver_mail().await;
        let mut seen = Vec::new();
        for email in ["new@example.com", "ann@example.com", "bob@example.com"] {
            site.calls.take();
            let document = "mutation($e: String!) { it: sendLoginEmail(email: $e) { success errors loginId } }";
            let answer = post(&site, document, json!({ "e": email }), &[]).await.json();
            let sent = site.calls.take().round_trips;
            let id = answer["data"]["it"]["loginId"].as_str().unwrap().to_owned();
            let answer = answer.to_string().replace(&id, "_");
            let wrong = refusal(&site, &id, "000000").await;
            seen.push((answer, sent, wrong, site.calls.take().calls, id.len()));
        }
        assert_eq!((&seen[0], &seen[0]), (&seen[1], &seen[2]));
        let before = accounts(&site).await;
        assert!(
            site.mails_to("bob@example.com")
                .await
                .iter()
                .all(|mail| !mail.subject.contains("Log in"))
        );
        assert_eq!(accounts(&site).await, before, "a mail creates nothing");
    }
}

/// The address of a banned user has an account.
#[tokio::test]
async fn a_banned_address_gets_neither_a_mail_nor_another_account() {
    let site = Site::with(ON).await;
    let bob = site.signed_in("bob").await.user_id();
    site.signed_in_as(accounts::model::Role::Superuser, "eve").await;
    site.accounts.operator("eve").unwrap().ban(bob, "spam", None).await.unwrap();
    let (mails, before) = (site.mails_to("bob@example.com").await.len(), accounts(&site).await);
    ask(&site, "bob@example.com").await;
    assert_eq!(
        (site.mails_to("bob@example.com").await.len(), accounts(&site).await),
        (mails, before)
    );
}

/// The second address of a user, where users do not log in by it.
#[tokio::test]
async fn a_second_address_of_a_user_creates_no_account() {
    let site =
        Site::with(&[("SIGN_UP_BY_MAIL", "true"), ("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "false")])
            .await;
    let ann = site.signed_in("ann").await;
    let (caller, second) = (site.caller(&ann).await, "ann@second.example");
    let password = accounts::model::PlainPassword::new(PASSWORD);
    let client = accounts::model::Client::default();
    site.accounts
        .send_secondary_email_activation(&caller, second, password, &client)
        .await
        .unwrap();
    site.accounts.verify_secondary_email(&site.link_token(second).await).await.unwrap();
    let mails = site.mails_to(second).await.len();
    ask(&site, second).await;
    assert_eq!(site.mails_to(second).await.len(), mails);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_at_once_one_creates_the_account() {
    for settings in [ON, CONCEALING] {
        let site = Arc::new(Site::with(settings).await);
        // Two browsers have asked.
        let (first, link) = (ask(&site, NEW).await, site.link_token(NEW).await);
        let (second, other) = (ask(&site, NEW).await, site.link_token(NEW).await);
        let (ids, links) = ([first, second], [link, other]);
        let code = site.code(NEW).await;
        let answers = at_once(12, |number| {
            let site = site.clone();
            let (id, typed) = match number % 3 {
                0 => (&ids[0], &links[0]),
                1 => (&ids[1], &links[1]),
                _ => (&ids[1], &code),
            };
            let (id, typed) = (id.clone(), typed.clone());
            async move { log_in(&site, &id, &typed).await }
        });
        let answers = answers.await;
        let opened = answers.iter().filter(|answer| answer["success"] == true).count();
        assert_eq!((opened, accounts(&site).await), (1, 1), "{answers:?}");
        site.assert_addresses_have_unique_keys().await;
    }
}

/// Another sign-up takes the address between the mail and its use: the mail is of no use then, and another one is.
#[tokio::test]
async fn an_address_that_was_registered_in_the_meantime_gets_another_mail() {
    let site = Site::with(ON).await;
    let (id, link) = (ask(&site, NEW).await, site.link_token(NEW).await);
    let other = ask(&site, NEW).await;
    let code = site.code(NEW).await;
    let registered = site.register(NEW, "dora", PASSWORD, PASSWORD).await;
    assert_eq!(registered["success"], true, "{registered}");
    assert_eq!(refusal(&site, &id, &link).await, "invalid_token");
    assert_eq!(refusal(&site, &other, &code).await, "invalid_otp");
    assert_eq!(accounts(&site).await, 1);
    // The mail proves the address of the account that a stranger may have made: its password is void.
    let id = ask(&site, NEW).await;
    let dora = logged_in(&site, "dora", &id, &site.code(NEW).await).await;
    let user = site.store.user(dora.user_id()).await.unwrap().unwrap();
    assert!(user.is_verified && user.password.is_none());
}

/// A pending sign-up, of a stranger perhaps, has no effect on the account of the mail's owner.
#[tokio::test]
async fn a_pending_sign_up_with_the_address_ends_with_the_account() {
    let site = Site::with(CONCEALING).await;
    site.register(NEW, "stranger", "a strange jf84jfKKd", "a strange jf84jfKKd").await;
    let activation = site.link_token(NEW).await;
    let id = ask(&site, NEW).await;
    let dora = logged_in(&site, "dora", &id, &site.code(NEW).await).await;
    let user = site.store.user(dora.user_id()).await.unwrap().unwrap();
    assert!(user.username != "stranger" && user.password.is_none());
    let late = site.verify_account(&activation).await;
    assert_eq!(journeys::failure_code(&late), "already_verified", "{late}");
    assert_eq!(accounts(&site).await, 1);
    let by_stranger = json!({ "email": NEW, "password": "a strange jf84jfKKd" });
    assert_eq!(site.token_auth(by_stranger).await["success"], false);
}

/// Where users must have a second factor, the sign-up waits for it.
#[tokio::test]
async fn a_newcomer_who_must_have_a_second_factor_gets_no_session_before_it() {
    let site = Site::with(&[("SIGN_UP_BY_MAIL", "true"), ("MFA_REQUIRED", "all")]).await;
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        let email = format!("new{number}@example.com");
        let id = dialect.request_log_in_mail(&site, &email).await.unwrap();
        let code = site.code(&email).await;
        dialect.setup_step_by_mail(&site, &id, &code).await;
        assert!(dialect.log_in_by_mail(&site, &id, &code).await.is_err(), "once");
        assert_eq!(accounts(&site).await, number + 1, "{dialect:?}");
    }
    let items = site.all_items().await;
    let is_session = |sk: &str| sk.starts_with("SESSION#");
    assert!(!items.iter().any(|item| item["sk"].as_s().is_ok_and(|sk| is_session(sk))));
}

#[tokio::test]
async fn the_username_is_free_and_can_be_changed_and_a_password_can_be_set() {
    let site = Site::with(ON).await;
    site.signed_in("dora").await;
    let other = "dora@other.example";
    let id = ask(&site, other).await;
    let new = logged_in(&site, "dora2", &id, &site.code(other).await).await;
    let user = site.store.user(new.user_id()).await.unwrap().unwrap();
    assert!(user.username.starts_with("dora") && user.username != "dora", "{}", user.username);
    let asked = site.send_password_reset(other).await;
    assert_eq!(asked["success"], true, "{asked}");
    let set = site.reset_password(&site.link_token(other).await, PASSWORD, PASSWORD).await;
    assert_eq!(set["success"], true, "{set}");
    let by_password = json!({ "email": other, "password": PASSWORD });
    assert_eq!(site.token_auth(by_password).await["success"], true);
}

/// A mail to an address without an account is one to a new address: the limits of a network, of an address and of the site
/// hold.
#[tokio::test]
async fn the_limits_of_mails_to_new_addresses_hold() {
    let settings: &[(&str, &str)] =
        &[("SIGN_UP_BY_MAIL", "true"), ("THROTTLE", "on"), ("NEW_ADDRESS_MAILS_PER_HOUR", "2")];
    let site = Site::with(settings).await;
    for (number, mails) in [1, 1, 0, 0].into_iter().enumerate() {
        let email = format!("new{number}@example.com");
        ask(&site, &email).await;
        assert_eq!(site.mails_to(&email).await.len(), mails, "{number}");
    }
    site.advance(SignedDuration::from_hours(1));
    for _ in 0..10 {
        ask(&site, NEW).await;
    }
    let mails = site.mails_to(NEW).await.len();
    assert!((1..=5).contains(&mails), "a mailbox gets no more than docs/mail.md says: {mails}");
}

/// A user who asks twice types the code of either mail, as a user with an account does.
#[tokio::test]
async fn a_further_mail_of_the_same_browser_has_the_same_code() {
    let site = Site::with(ON).await;
    let first = ask(&site, NEW).await;
    let code = site.code(NEW).await;
    site.advance(MINUTE);
    let second = ask_again(&site, NEW, Some(&first)).await;
    assert_eq!(site.code(NEW).await, code);
    assert_eq!(refusal(&site, &second, &another(&code)).await, "invalid_otp");
    logged_in(&site, "dora", &second, &code).await;
    assert_eq!(refusal(&site, &first, &code).await, "invalid_otp");
    site.advance(MINUTE * 10);
    assert_eq!(refusal(&site, &second, &code).await, "expired_token");
}

/// A cookie that an answer sets, by a part of its name.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let mut set = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
    set.find(|set| set.contains(name)).and_then(|set| set.split(';').next()).map(str::to_owned)
}

fn session_cookie(answer: &Answer) -> Option<String> {
    cookie(answer, "__Host-latchkey-account=")
}

/// The pages: the form, the link in the browser that has asked, and the link in another one.
#[tokio::test]
async fn the_pages_sign_up_by_the_link_and_show_the_code_elsewhere() {
    let site = Site::with(ON).await;
    let form = "email=dora%40example.com".to_owned();
    let asked = site.send(Method::POST, "/login/mail", &FORM, form).await;
    let cookie = cookie(&asked, "login-mail=").expect("the request");
    let cookie = cookie.as_str();
    let code_page = site.send(Method::GET, "/login/mail/code", &[("cookie", cookie)], "").await;
    assert!(!code_page.text.contains("If there is an account"), "{}", code_page.text);
    let path = format!("/login/mail/{}", site.link_token(NEW).await);
    let code = site.code(NEW).await;
    let elsewhere = site.send(Method::GET, &path, &[], "").await;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text);
    assert!(elsewhere.text.contains("d***@example.com") || elsewhere.text.contains("@example.com"));
    assert!(!elsewhere.text.contains("<strong>dora</strong>"), "there is no account yet");
    let shown = site.send(Method::POST, &path, &FORM, String::new()).await;
    assert!(shown.text.contains(&code), "{}", shown.text);
    assert_eq!((session_cookie(&shown), accounts(&site).await), (None, 0));
    let headers = [FORM[0], FORM[1], ("cookie", cookie)];
    let opened = site.send(Method::POST, &path, &headers, String::new()).await;
    let session = session_cookie(&opened).expect("a session");
    let account = Visit::with(&site, session).get("/account").await;
    assert!(account.text.contains(NEW), "{}", account.text);
    assert_eq!(accounts(&site).await, 1);
    let late = site.send(Method::GET, &path, &[], "").await;
    assert_eq!(late.status, 400, "{}", late.text);
}
