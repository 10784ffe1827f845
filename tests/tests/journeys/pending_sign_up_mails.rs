//! The mails of pending sign-ups.

use accounts::model::Client;
use accounts::operations::{FirstPassword, Registration};
use jiff::SignedDuration;
use journeys::{PASSWORD, Site, link_token};
use serde_json::json;

use crate::pending_sign_ups::{
    ACTIVATE, ANN, CONCEALING, LINK_LIFETIME, OTHER, SECOND, account, concealing, log_in, outcome,
    send_again, sign_up, subjects,
};

#[tokio::test]
async fn the_mail_is_sent_again_for_the_newest_sign_up() {
    let site = concealing().await;
    for (name, password) in [("ann", PASSWORD), ("eve", OTHER)] {
        sign_up(&site, name, password).await;
        site.advance(SECOND);
    }
    site.deliver_mail().await;
    site.aws.mailbox().clear();
    // A link that has expired is replaced, as long as the sign-up is pending.
    site.advance(LINK_LIFETIME);
    send_again(&site).await;
    let mails = site.mails_to(ANN).await;
    assert_eq!(subjects(&mails), [ACTIVATE]);
    let link = link_token(&mails[0]);
    assert_eq!(site.accounts.view_link(&link).await.unwrap().username, "eve");
    site.advance(LINK_LIFETIME);
    assert_eq!(outcome(site.accounts.verify_account(&link).await), "expired_token");
    site.accounts.send_again(&link, &Client::default()).await.unwrap();
    let link = site.link_token(ANN).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert_eq!(account(&site).await.username, "eve");
}

#[tokio::test]
async fn a_repeated_request_is_one_mail_and_another_sign_up_waits_for_its_own() {
    let site = Site::with(&[("THROTTLE", "on"), CONCEALING]).await;
    sign_up(&site, "ann", PASSWORD).await;
    send_again(&site).await;
    assert_eq!(site.mails_to(ANN).await.len(), 1, "one says what the other says");
    sign_up(&site, "eve", OTHER).await;
    assert_eq!(site.mails_to(ANN).await.len(), 1);
    site.advance(SignedDuration::from_mins(2));
    site.clean_up().await;
    let link = site.link_token(ANN).await;
    assert_eq!(site.accounts.view_link(&link).await.unwrap().username, "eve");
}

#[tokio::test]
async fn without_activation_mails_the_user_asks_for_one() {
    let site = Site::with(&[CONCEALING, ("SEND_ACTIVATION_EMAIL", "false")]).await;
    sign_up(&site, "ann", PASSWORD).await;
    assert!(site.mails_to(ANN).await.is_empty());
    assert_eq!(site.rest("send-otp/", json!({ "email": ANN })).await.status, 200);
    let link = site.link_token(ANN).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
}

#[tokio::test]
async fn a_user_without_a_password_sets_it_after_the_link_was_used() {
    let site = Site::with(&[
        CONCEALING,
        ("ALLOW_PASSWORDLESS_REGISTRATION", "true"),
        ("SEND_ACTIVATION_EMAIL", "false"),
    ])
    .await;
    let registration =
        Registration::new(ANN.to_owned(), Some("ann".to_owned()), FirstPassword::Absent);
    site.accounts.register(registration, &Client::default()).await.unwrap();
    let mails = site.mails_to(ANN).await;
    assert_eq!(subjects(&mails), [ACTIVATE]);
    site.verify_account(&link_token(&mails[0])).await;
    let mails = site.mails_to(ANN).await;
    assert_eq!(subjects(&mails), [ACTIVATE, "Set your password on Example"]);
    let document = "mutation($t: String!, $p: String!) {
        passwordSet(token: $t, newPassword1: $p, newPassword2: $p) { success errors } }";
    let variables = json!({ "t": link_token(&mails[1]), "p": OTHER });
    let answer = site.graphql(document, variables).await.json();
    assert_eq!(answer["data"]["passwordSet"]["success"], true, "{answer}");
    assert_eq!(log_in(&site, "username", "ann", OTHER).await, "");
}
