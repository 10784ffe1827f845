//! How many mails an address gets: one a minute and five an hour, over all kinds.

use std::sync::Arc;

use jiff::SignedDuration;
use journeys::{Actor, Site, at_once};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const NEW: &str = "another jf84jfKKd";

async fn throttled() -> Site {
    Site::with(&[("THROTTLE", "on")]).await
}

/// Somebody who is logged in, and whose address has had no mail for a while.
async fn with_ann() -> (Site, Actor) {
    let site = throttled().await;
    let ann = site.signed_in("ann").await;
    site.advance(SignedDuration::from_hours(2));
    let ann = site.log_in(&ann).await;
    (site, ann)
}

/// The subjects of the mails to an address since the last look.
async fn new_mails(site: &Site, address: &str) -> Vec<String> {
    let subjects = site.mails_to(address).await.into_iter().map(|mail| mail.subject).collect();
    site.aws.mailbox().clear();
    subjects
}

/// What was put off and is due by now goes out.
async fn later(site: &Site, by: SignedDuration) {
    site.advance(by);
    site.clean_up().await;
}

#[tokio::test]
pub(crate) async fn an_address_gets_one_mail_a_minute_and_five_an_hour_and_every_answer_is_the_same()
 {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    let mut sent = Vec::new();
    for minute in 0..62 {
        for attempt in 0..3 {
            let answer = site.send_password_reset(&ann.email()).await;
            assert_eq!(answer["success"], true, "{minute}.{attempt}");
            sent.extend(new_mails(&site, &ann.email()).await.iter().map(|_| minute));
        }
        site.advance(MINUTE);
    }
    assert_eq!(sent, [0, 1, 2, 3, 4, 60, 61]);
}

#[tokio::test]
async fn all_kinds_of_mail_count_together() {
    let site = throttled().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Activate your account on Example"]);
    let resend = "mutation { resendActivationEmail(email: \"ann@example.com\") { success } }";
    let answer = site.graphql(resend, serde_json::json!({})).await;
    assert_eq!(answer.json()["data"]["resendActivationEmail"]["success"], true);
    site.send_password_reset(&ann.email()).await;
    assert!(new_mails(&site, &ann.email()).await.is_empty());
    site.advance(MINUTE);
    site.send_password_reset("ANN@example.com").await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Reset your password on Example"]);
}

#[tokio::test]
pub(crate) async fn what_has_happened_is_told_later_and_not_never() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    site.aws.mailbox().clear();
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    assert!(new_mails(&site, &ann.email()).await.is_empty());
    // Whoever has reset it goes on asking: the moment of the notice is taken.
    for _ in 0..59 {
        later(&site, SignedDuration::from_secs(1)).await;
        site.send_password_reset(&ann.email()).await;
        assert!(new_mails(&site, &ann.email()).await.is_empty());
    }
    later(&site, SignedDuration::from_secs(1)).await;
    let told = new_mails(&site, &ann.email()).await;
    assert_eq!(told, ["Your password on Example was changed"]);
    later(&site, SignedDuration::from_mins(10)).await;
    assert!(new_mails(&site, &ann.email()).await.is_empty(), "once");
}

#[tokio::test]
async fn whoever_signs_up_without_a_password_gets_both_mails() {
    let site = Site::with(&[("THROTTLE", "on"), ("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let ann = site.sign_up_without_password("ann").await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Activate your account on Example"]);
    later(&site, MINUTE).await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Set your password on Example"]);
}

#[tokio::test]
async fn nobody_mails_many_strangers() {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    for number in 0..40 {
        let stranger = format!("stranger{number}@example.org");
        site.change_email(&ann, &stranger).await.unwrap();
        site.deliver_mail().await;
    }
    assert_eq!(site.aws.mailbox().messages().len(), 5);
    site.advance(SignedDuration::from_hours(1));
    let ann = site.log_in(&ann).await;
    site.change_email(&ann, "mistyped@example.org").await.unwrap();
    site.change_email(&ann, "right@example.org").await.unwrap();
    site.deliver_mail().await;
    assert_eq!(site.aws.mailbox().messages().len(), 7);
}

#[tokio::test]
async fn an_address_that_many_users_want_gets_no_more_for_it() {
    let site = throttled().await;
    for name in ["ann", "bob", "cleo"] {
        let user = site.signed_in(name).await;
        site.change_email(&user, "wanted@example.org").await.unwrap();
        assert_eq!(site.mails_to("wanted@example.org").await.len(), 1, "{name}");
    }
}

/// Strangers may take two of the five mails of an hour.
#[tokio::test]
async fn strangers_leave_an_address_mails_for_its_owner() {
    let (site, eve) = with_ann().await;
    for _ in 0..5 {
        site.change_email(&eve, "bob@example.com").await.unwrap();
        site.deliver_mail().await;
        site.advance(SignedDuration::from_secs(61));
    }
    assert_eq!(new_mails(&site, "bob@example.com").await.len(), 2);
    let bob = site.sign_up("bob").await;
    let mails = new_mails(&site, &bob.email()).await;
    assert_eq!(mails, ["Activate your account on Example"]);
}

#[tokio::test]
async fn strangers_who_sign_up_with_an_address_leave_it_mails_too() {
    let site = Site::with(&[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")]).await;
    let email = "ann@example.com";
    let password = journeys::PASSWORD;
    site.register(email, "ann", password, password).await;
    let link = site.link_token(email).await;
    site.verify_account(&link).await;
    site.advance(MINUTE);
    site.aws.mailbox().clear();
    for hour in 0..25 {
        let answer = site.register(email, &format!("eve{hour}"), password, password).await;
        assert_eq!(answer["success"], true);
        site.deliver_mail().await;
        site.advance(SignedDuration::from_hours(1));
    }
    let told = new_mails(&site, email).await;
    assert_eq!(told, ["You already have an account on Example"; 2], "one a day");
}

#[tokio::test]
async fn a_mail_that_ses_did_not_take_yet_does_not_lose_its_place() {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    let fault = embedded::Fault::Throttled;
    site.aws.faults().fail("SendEmail", embedded::Times::Always, fault);
    site.send_password_reset(&ann.email()).await;
    for _ in 0..3 {
        assert_eq!(site.deliver_mail().await.retrying, 1);
    }
    site.aws.faults().clear();
    assert_eq!(new_mails(&site, &ann.email()).await, ["Reset your password on Example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_one() {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    for _ in 0..8 {
        site.send_password_reset(&ann.email()).await;
    }
    let site = Arc::new(site);
    let records = site.mail_event().await.records;
    at_once(records.len(), |number| {
        let (site, record) = (site.clone(), records[number].clone());
        let mut event = aws_lambda_events::dynamodb::Event::default();
        event.records = vec![record];
        async move { email_event::handle(site.outbox(), event).await }
    })
    .await;
    assert_eq!(site.aws.mailbox().messages().len(), 1);
}

#[tokio::test]
async fn the_throttle_can_be_switched_off() {
    let site = Site::with(&[("THROTTLE", "off")]).await;
    let ann = site.sign_up("ann").await;
    for _ in 0..20 {
        site.send_password_reset(&ann.email()).await;
    }
    assert_eq!(site.mails_to(&ann.email()).await.len(), 21);
    assert!(site.items("EMAIL#").await.iter().all(|item| !item.contains("MAILS")));
}
