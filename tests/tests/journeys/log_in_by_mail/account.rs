//! What a log-in by mail proves, and what it changes about the account.

use accounts::error::AuthError;
use accounts::model::Client;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

use super::{ANN, ask, log_in, logged_in, post, refusal};
use crate::passkeys::browser::Browser;
use crate::passkeys::with_passkey;

/// C5, C20: the mail proves the address of an account that a stranger may have made: the stranger's password, session and
/// profile are void from then on. The owner can set a password.
#[tokio::test]
async fn a_log_in_by_mail_proves_the_address_and_takes_the_account_from_a_stranger() {
    for (settings, name) in [(&[][..], ""), (&[("ALLOW_LOGIN_NOT_VERIFIED", "true")], "Mallory")] {
        let site = Site::with(settings).await;
        let strangers = site.sign_up("ann").await;
        let user = strangers.user_id();
        let profile = accounts::store::Profile {
            first_name: accounts::model::name::Name::parse("Mallory").ok(),
            ..accounts::store::Profile::default()
        };
        let found = site.store.user(user).await.unwrap().unwrap();
        site.store.set_profile(&found, &profile).await.unwrap();
        let id = ask(&site, ANN).await;
        let answer = log_in(&site, &id, &site.code(ANN).await).await;
        let expected = json!({ "username": "ann", "verified": true, "firstName": name });
        assert_eq!(answer["user"], expected, "{answer}");
        let ann = strangers.with_tokens(&answer);
        site.assert_over(&strangers).await;
        assert!(!site.is_password(&ann, PASSWORD).await);
        assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
        let found = site.store.user(user).await.unwrap().unwrap();
        assert_eq!((found.ends_at, found.password, found.first_name.as_str()), (None, None, name));
        // The other mail.
        let (link, new) = (site.link_token(ANN).await, "my own jf84jfKKd");
        assert_eq!(site.set_password(&link, new, new).await["success"], true);
        assert!(site.is_password(&ann, "my own jf84jfKKd").await);
        let trail = site.store.trail(accounts::model::Trail::Of(user), None, 50).await.unwrap();
        let kinds: Vec<_> = trail.events.iter().map(|event| event.event.name()).collect();
        for kind in ["address_verified", "other_sessions_ended", "logged_in"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
    }
}

/// C20: the password of a user who has proven the address, and the other sessions, stay.
#[tokio::test]
async fn a_log_in_by_mail_changes_nothing_about_a_proven_account() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let id = ask(&site, ANN).await;
    let by_mail = logged_in(&site, "ann", &id, &site.code(ANN).await).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    assert!(site.is_password(&ann, PASSWORD).await);
    let document = "{ recentActivity { events { event factor } } }";
    let activity = site.ask(&by_mail, document, Value::Null).await.json();
    let by_mail = &activity["data"]["recentActivity"]["events"][1];
    assert_eq!(by_mail, &json!({ "event": "logged_in", "factor": "code" }), "{activity}");
}

/// C6: a thief of the mailbox, who does not know the password, gets no further by this than by a reset of it: a mail is
/// no recent proof for a user who has a password. It is one for a user who has none.
#[tokio::test]
async fn a_mail_is_a_recent_proof_only_for_a_user_without_a_password() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let id = ask(&site, ANN).await;
    let ann = logged_in(&site, "ann", &id, &site.code(ANN).await).await;
    let begin = async |site: &Site, actor: &Actor| {
        let document = "mutation { it: beginApp { success errors } }";
        site.ask(actor, document, Value::Null).await.json()["data"]["it"].clone()
    };
    assert_eq!(journeys::failure_code(&begin(&site, &ann).await), "reauthentication_required");
    let document = "mutation($p: String!) { it: stepUp(password: $p) {
        success errors token refreshToken } }";
    let raised = site.ask(&ann, document, json!({ "p": PASSWORD })).await.json();
    let ann = ann.with_tokens(&raised["data"]["it"]);
    assert_eq!(super::proof(&ann.access).0, json!(["email", "pwd"]));
    assert_eq!(begin(&site, &ann).await["success"], true);
    // A user who has no password.
    let site = site.restarted_with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]);
    site.sign_up_without_password("bob").await;
    let id = ask(&site, "bob@example.com").await;
    let code = site.code("bob@example.com").await;
    let bob = logged_in(&site, "bob", &id, &code).await;
    assert_eq!(begin(&site, &bob).await["success"], true);
}

/// C20: banned in the meantime, archived, or with another password: the account decides as it is then.
#[tokio::test]
async fn the_account_decides_as_it_is_at_the_log_in() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let user = ann.user_id();
    let operator = site.accounts.operator("eve").unwrap();
    let id = ask(&site, ANN).await;
    let (code, link) = (site.code(ANN).await, site.link_token(ANN).await);
    operator.ban(user, "spam", None).await.unwrap();
    assert_eq!(refusal(&site, &id, &code).await, "invalid_otp");
    assert_eq!(refusal(&site, &id, &link).await, "invalid_token");
    operator.lift_ban(user, "a mistake").await.unwrap();
    logged_in(&site, "ann", &id, &code).await;

    let id = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    let reset = site.reset_link(&ann).await;
    let new = "another jf84jfKKd";
    assert_eq!(site.reset_password(&reset, new, new).await["success"], true);
    assert_eq!(refusal(&site, &id, &code).await, "invalid_otp", "a new password voids requests");

    let answer = site.token_auth(json!({ "username": "ann", "password": new })).await;
    let document = "mutation($p: String!) { archiveAccount(password: $p) { success errors } }";
    let ann = ann.with_tokens(&answer);
    site.ask(&ann, document, json!({ "p": new })).await;
    let id = ask(&site, ANN).await;
    let answer = log_in(&site, &id, &site.code(ANN).await).await;
    assert_eq!((&answer["success"], &answer["unarchiving"]), (&json!(true), &json!(true)));
}

/// The second address logs in only where the site says so, as with the password.
#[tokio::test]
async fn the_second_address_logs_in_only_where_the_site_says_so() {
    const SECOND: &str = "ann@second.example";
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let document = "mutation($e: String!, $p: String!) {
        sendSecondaryEmailActivation(email: $e, password: $p) { success errors } }";
    site.ask(&ann, document, json!({ "e": SECOND, "p": PASSWORD })).await;
    site.accounts.verify_secondary_email(&site.link_token(SECOND).await).await.unwrap();
    let before = site.mails_to(SECOND).await.len();
    let site = site.restarted_with(&[("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "false")]);
    ask(&site, SECOND).await;
    assert_eq!(site.mails_to(SECOND).await.len(), before);
    let site = site.restarted_with(&[("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "true")]);
    let id = ask(&site, SECOND).await;
    let code = site.code(SECOND).await;
    let site = site.restarted_with(&[("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "false")]);
    assert_eq!(refusal(&site, &id, &code).await, "invalid_otp");
    let site = site.restarted_with(&[("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "true")]);
    logged_in(&site, "ann", &id, &code).await;
}

/// A log-in by mail gives an attacker, who guesses the password, no further guesses.
#[tokio::test]
async fn wrong_passwords_count_until_the_right_password_and_not_until_a_mail() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await;
    site.advance(super::MINUTE * 2);
    for _ in 0..3 {
        assert!(!site.is_password(&ann, "a guess").await);
    }
    let failures = async || {
        let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
        user.failures_in_a_row(false)
    };
    assert_eq!(failures().await, 3);
    let id = ask(&site, ANN).await;
    logged_in(&site, "ann", &id, &site.code(ANN).await).await;
    assert_eq!(failures().await, 3);
    assert!(site.is_password(&ann, PASSWORD).await);
    assert_eq!(failures().await, 0);
}

/// C19: programs that check mails open the page of a link, by `GET` and `HEAD`: the code and the link stay good.
#[tokio::test]
async fn a_program_that_opens_the_link_changes_nothing() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let id = ask(&site, ANN).await;
    let link = site.link_token(ANN).await;
    let items = site.all_items().await;
    for method in [axum::http::Method::GET, axum::http::Method::HEAD] {
        site.send(method, &format!("/login/mail/{link}"), &[], "").await;
    }
    assert_eq!(site.all_items().await, items);
    let answer = post(&site, "{ me { username } }", Value::Null, &[]).await.json();
    assert_eq!(answer["data"]["me"], Value::Null);
    logged_in(&site, "ann", &id, &link).await;
}

/// C1: a passkey is the second step after a mail, too.
#[tokio::test]
async fn a_passkey_is_the_second_step_after_a_mail() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    for is_link in [false, true] {
        let client = Client::default();
        let id = site.accounts.send_log_in(ANN, None, &client).await.unwrap();
        let proof = if is_link { site.link_token(ANN).await } else { site.code(ANN).await };
        let challenge = match site.accounts.log_in_by_mail(&id, (&*proof).into(), &client).await {
            Err(AuthError::SecondFactorRequired { challenge }) => challenge,
            other => panic!("{other:?}"),
        };
        let again = site.accounts.log_in_by_mail(&id, (&*proof).into(), &client).await;
        assert!(again.is_err(), "the request is used up: {again:?}");
        let options = site.accounts.begin_second_step(&challenge, &client).await.unwrap();
        let answer = browser.get(&options).await;
        let opened = site.accounts.complete_log_in_by_passkey(&challenge, &answer, &client).await;
        let claims = opened.unwrap().tokens.claims;
        let found = (claims.amr.join(" "), claims.acr.as_str());
        assert_eq!(found, ("email pop mfa".to_owned(), "aal2"));
    }
}
