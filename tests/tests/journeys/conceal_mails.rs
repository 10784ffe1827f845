//! The mails of sign-ups, where accounts are concealed.

use axum::http::Method;
use journeys::Site;
use serde_json::json;

use crate::conceal::{ANN, OTHER, ask, concealing, ways, with_all_states};

#[tokio::test]
async fn the_owner_of_an_address_gets_a_mail_when_it_is_registered_again() {
    for way in 0..6 {
        let site = concealing().await;
        let (path, body) = ways(ANN, "eve").remove(way);
        site.send(Method::POST, path, &[("content-type", "application/json")], body.to_string())
            .await;
        let mails = site.mails_to(ANN).await;
        let [mail] = mails.as_slice() else { panic!("{path}: {mails:?}") };
        assert_eq!(mail.subject, "You already have an account on Example");
        assert!(mail.text.as_ref().unwrap().contains("your username is ann."), "{mail:?}");
        let text = format!("{:?} {:?}", mail.text, mail.html);
        assert!(!text.contains("eve"), "a mail does not show the text of a stranger: {text}");
        assert_eq!(site.owners().await[1].len(), 2, "the address and the name of one account");
    }
}

#[tokio::test]
async fn without_activation_mails_the_work_is_the_same_too() {
    let mut asked = Vec::new();
    for email in [ANN, "new@example.com"] {
        let site = concealing().await;
        let site = site
            .restarted_with(&[("CONCEAL_ACCOUNTS", "true"), ("SEND_ACTIVATION_EMAIL", "false")]);
        let (path, body) = ways(email, "eve").remove(0);
        asked.push(ask(&site, path, &body, &[email]).await);
    }
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn an_account_that_was_never_verified_is_mailed_its_own_link_and_gets_no_notice() {
    let site = Site::start().await;
    site.sign_up("bob").await;
    site.deliver_mail().await;
    let site = site.restarted_with(&[("CONCEAL_ACCOUNTS", "true")]);
    let resend = "mutation { resendActivationEmail(email: \"bob@example.com\") { success } }";
    for way in 0..2 {
        site.aws.mailbox().clear();
        match way {
            0 => site.graphql(resend, json!({})).await.json(),
            _ => site.register("bob@example.com", "bobby", OTHER, OTHER).await,
        };
        let mails = site.mails_to("bob@example.com").await;
        assert_eq!(mails[0].subject, "Activate your account on Example");
        assert_eq!(mails.len(), 1);
        let link = journeys::link_token(&mails[0]);
        assert_eq!(site.accounts.view_link(&link).await.unwrap().username, "bob");
    }
    let proof = json!({ "email": "bob@example.com", "otp": site.code("bob@example.com").await });
    assert_eq!(site.rest("verify-email/", proof).await.status, 200);
    let bob = json!({ "username": "bob", "password": journeys::PASSWORD });
    assert_eq!(site.token_auth(bob).await["success"], true);
}

#[tokio::test]
async fn a_banned_user_and_a_former_address_get_no_mail_of_a_sign_up() {
    let site = with_all_states().await;
    site.aws.mailbox().clear();
    site.register("banned@example.com", "eve", OTHER, OTHER).await;
    assert_eq!(site.mails_to("banned@example.com").await.len(), 0);
    let ann = journeys::Actor { name: "ann".to_owned(), ..journeys::Actor::default() };
    let ann = site.log_in(&ann).await;
    let link = site.email_change_link(&ann, "new@example.com").await;
    site.accounts.confirm_address(&link).await.unwrap();
    site.deliver_mail().await;
    site.aws.mailbox().clear();
    site.register(ANN, "eva", OTHER, OTHER).await;
    assert_eq!(site.mails_to(ANN).await.len(), 0, "it is kept for ann");
}
