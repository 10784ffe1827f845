//! The answers reveal nothing of who has an account.

use journeys::{PASSWORD, Site};
use serde_json::json;

use super::{ANN, ask, logged_in, post, refusal};

const NOBODY: &str = "nobody@example.com";

/// C20: the same answer, and as many calls, for each address: to the mail, and to a code.
#[tokio::test]
async fn an_unknown_address_gets_the_same_answers_for_the_same_work() {
    for settings in [&[("THROTTLE", "on")][..], &[("CONCEAL_ACCOUNTS", "true")]] {
        let site = Site::with(settings).await;
        let eve = site.signed_in_as(accounts::model::Role::Superuser, "eve").await;
        let banned = site.signed_in("bob").await.user_id();
        let admin = site.accounts.operator("eve").unwrap();
        admin.ban(banned, "spam", None).await.unwrap();
        site.signed_in("ann").await;
        site.deliver_mail().await;
        assert!(site.me(&eve).await.is_some());
        let mut seen = Vec::new();
        for email in [ANN, "bob@example.com", NOBODY] {
            site.calls.take();
            let document = "mutation($e: String!) {
                it: sendLoginEmail(email: $e) { success errors loginId } }";
            let answer = post(&site, document, json!({ "e": email }), &[]).await.json();
            let sent = site.calls.take().calls;
            let id = answer["data"]["it"]["loginId"].as_str().unwrap().to_owned();
            let answer = answer.to_string().replace(&id, "_");
            let wrong = refusal(&site, &id, "000000").await;
            let tried = site.calls.take().calls;
            let slip = refusal(&site, &id, "0000").await;
            seen.push((answer, id.len(), sent, wrong, tried, slip, site.calls.take().calls));
        }
        assert_eq!((&seen[0], &seen[0]), (&seen[1], &seen[2]));
        let before = site.mails_to(ANN).await.len();
        assert!(before > 0);
        for email in ["bob@example.com", NOBODY] {
            let mails = site.mails_to(email).await;
            let subjects = mails.iter().map(|mail| mail.subject.clone());
            assert!(!subjects.into_iter().any(|subject| subject.contains("Log in")), "{email}");
        }
    }
}

/// C20: a further request does not reveal it, either: not even by the time when it expires.
#[tokio::test]
async fn a_further_request_expires_at_the_same_time_for_each_address() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    for email in [ANN, NOBODY] {
        let first = ask(&site, email).await;
        site.advance(super::MINUTE * 4);
        let second = super::ask_again(&site, email, Some(&first)).await;
        assert_eq!(first.len(), second.len());
        site.advance(super::MINUTE * 5);
        assert_eq!(refusal(&site, &second, "000000").await, "invalid_otp", "{email}");
        site.advance(super::MINUTE);
        assert_eq!(refusal(&site, &second, "000000").await, "expired_token", "{email}");
    }
}

/// C20: what is no address is named as such; each spelling of an address is the same one.
#[tokio::test]
async fn a_malformed_address_is_refused_and_another_spelling_is_not() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let document = "mutation { it: sendLoginEmail(email: \"ann\") { success errors loginId } }";
    let answer = post(&site, document, json!({}), &[]).await.json();
    assert_eq!(answer["data"]["it"]["errors"]["email"][0]["code"], "invalid", "{answer}");
    let id = ask(&site, " Ann@Example.com ").await;
    logged_in(&site, "ann", &id, &site.code(ANN).await).await;
}

/// C20: a concealed sign-up is no account until its own mail is used.
#[tokio::test]
async fn a_pending_sign_up_has_no_log_in_by_mail() {
    let site = Site::with(&[("CONCEAL_ACCOUNTS", "true")]).await;
    site.register(ANN, "ann", PASSWORD, PASSWORD).await;
    let before = site.mails_to(ANN).await.len();
    ask(&site, ANN).await;
    assert_eq!(site.mails_to(ANN).await.len(), before);
}
