//! Bounces and complaints: an address that takes no mail, or wants none, gets none.

use accounts::model::{Client, EventKind, Trail};
use embedded::{Fault, Times};
use journeys::{Actor, Site};
use serde_json::{Value, json};

const BOUNCE: &str = "bounce@simulator.amazonses.com";
const COMPLAINT: &str = "complaint@simulator.amazonses.com";

async fn site() -> Site {
    Site::with(&[("CONFIGURATION_SET", "latchkey")]).await
}

/// A user with that address, who has had one mail.
async fn with_user(address: &str) -> (Site, Actor) {
    let site = site().await;
    let answer = site.register(address, "ann", journeys::PASSWORD, journeys::PASSWORD).await;
    let ann = Actor { name: "ann".to_owned(), access: String::new(), refresh: String::new() };
    assert_eq!(answer["success"], true);
    assert_eq!(site.mails_to(address).await.len(), 1);
    (site, ann.with_tokens(&answer))
}

async fn status(site: &Site) -> Option<String> {
    let user = site.item("USER#", "USER").await;
    user.get("email_status").map(|status| status.as_s().unwrap().clone())
}

/// The number of mails after one more request.
async fn mails_after_another(site: &Site, address: &str) -> usize {
    assert_eq!(site.send_password_reset(address).await["success"], true);
    site.mails_to(address).await.len()
}

#[tokio::test]
async fn an_address_that_does_not_exist_gets_no_more_mail() {
    for (address, expected) in [
        (BOUNCE, "bounced"),
        ("Bounce+ann@simulator.amazonses.com", "bounced"),
        ("suppressionlist@simulator.amazonses.com", "bounced"),
        (COMPLAINT, "complained"),
    ] {
        let (site, _) = with_user(address).await;
        assert_eq!(status(&site).await, None, "{address}");
        site.deliver_feedback().await;
        assert_eq!(status(&site).await.as_deref(), Some(expected), "{address}");
        assert_eq!(mails_after_another(&site, address).await, 1, "{address}");
        let mut states = site.mail_states().await;
        states.sort();
        assert_eq!(states, ["dropped", "sent"]);
    }
}

#[tokio::test]
async fn an_address_that_works_or_will_work_again_goes_on_getting_mail() {
    for address in [
        "success@simulator.amazonses.com",
        "ooto@simulator.amazonses.com",
        "bounce@simulator.example.com",
    ] {
        let (site, _) = with_user(address).await;
        site.deliver_feedback().await;
        assert_eq!(status(&site).await, None, "{address}");
        assert_eq!(mails_after_another(&site, address).await, 2, "{address}");
    }
}

#[tokio::test]
async fn another_address_gets_mail_again() {
    let (site, ann) = with_user(BOUNCE).await;
    site.deliver_feedback().await;
    let token = site.email_change_link(&ann, "ann@example.com").await;
    site.accounts.verify_new_email(&token).await.unwrap();
    assert_eq!(status(&site).await, None);
    assert_eq!(mails_after_another(&site, "ann@example.com").await, 2);
    assert_eq!(site.mails_to(BOUNCE).await.len(), 1, "nor does the old address get a mail");
}

#[tokio::test]
async fn each_of_two_addresses_has_its_own_status_and_takes_it_along() {
    let site = site().await;
    let ann = site.signed_in("ann").await;
    let password = || accounts::model::PlainPassword::new(journeys::PASSWORD);
    let caller = site.caller(&ann).await;
    site.accounts
        .send_secondary_email_activation(&caller, BOUNCE, password(), &Client::default())
        .await
        .unwrap();
    let token = site.link_token(BOUNCE).await;
    site.aws.feedback().take();
    site.accounts.verify_secondary_email(&token).await.unwrap();
    let event = bounce(&[BOUNCE]);
    email_event::answer(site.outbox(), event).await.unwrap();
    assert_eq!(status(&site).await, None, "that is the first one");
    assert_eq!(mails_after_another(&site, BOUNCE).await, 1);
    site.accounts.swap_emails(&site.caller(&ann).await, password()).await.unwrap();
    assert_eq!(status(&site).await.as_deref(), Some("bounced"));
    let before = site.mails_to("ann@example.com").await.len();
    assert_eq!(mails_after_another(&site, "ann@example.com").await, before + 1);
}

#[tokio::test]
async fn staff_lets_mail_go_there_again() {
    let (site, ann) = with_user(COMPLAINT).await;
    site.deliver_feedback().await;
    let boss = site.signed_in("boss").await;
    site.store.set_role(boss.user_id(), accounts::model::Role::Staff).await.unwrap();
    let boss = site.log_in(&boss).await;
    let caller = site.caller(&boss).await;
    site.accounts.admin(&caller).unwrap().clear_email_status(ann.user_id()).await.unwrap();
    assert_eq!(mails_after_another(&site, COMPLAINT).await, 2);
}

fn bounce(addresses: &[&str]) -> Value {
    let recipients: Vec<_> =
        addresses.iter().map(|address| json!({ "emailAddress": address })).collect();
    json!({ "source": "aws.ses", "detail-type": "Email Bounced", "detail": {
        "eventType": "Bounce",
        "bounce": { "bounceType": "Permanent", "bouncedRecipients": recipients },
    } })
}

#[tokio::test]
async fn the_trail_has_the_cause_of_a_bounce_without_the_text_of_a_foreign_server() {
    let (site, ann) = with_user("ann@example.com").await;
    let event = |status: &str| {
        json!({ "source": "aws.ses", "detail-type": "Email Bounced", "detail": {
            "eventType": "Bounce",
            "bounce": { "bounceType": "Permanent", "bounceSubType": "NoEmail", "bouncedRecipients": [{
                "emailAddress": "ann@example.com", "action": "failed", "status": status,
                "diagnosticCode": "smtp; 550 5.1.1 <ann@example.com> unknown",
            }] },
        } })
    };
    for (status, cause) in [("5.1.1", "NoEmail 5.1.1"), ("<b>ann@example.com</b>", "NoEmail")] {
        email_event::answer(site.outbox(), event(status)).await.unwrap();
        let trail = site.store.trail(Trail::Of(ann.user_id()), None, 100).await.unwrap();
        let mut bounces = trail.events.iter().filter(|it| it.event == EventKind::MailBounced);
        assert!(bounces.any(|it| it.detail.as_deref() == Some(cause)), "{trail:?}");
        site.advance(jiff::SignedDuration::from_mins(1));
    }
}

#[tokio::test]
async fn an_event_may_come_twice_late_or_for_an_unknown_address() {
    let (site, ann) = with_user("ann@example.com").await;
    let event = bounce(&["nobody@example.com", "<Ann@Example.com>", "no address", ""]);
    for _ in 0..2 {
        email_event::answer(site.outbox(), event.clone()).await.unwrap();
        assert_eq!(status(&site).await.as_deref(), Some("bounced"));
    }
    let token = site.email_change_link(&ann, "ann.lee@example.com").await;
    site.accounts.verify_new_email(&token).await.unwrap();
    email_event::answer(site.outbox(), event).await.unwrap();
    assert_eq!(status(&site).await, None, "no user has the address any more");
}

#[tokio::test]
async fn a_complaint_that_is_none_is_none() {
    let (site, _) = with_user("ann@example.com").await;
    let event = json!({ "detail": { "complaint": {
        "complaintFeedbackType": "not-spam",
        "complainedRecipients": [{ "emailAddress": "ann@example.com" }],
    } } });
    email_event::answer(site.outbox(), event).await.unwrap();
    assert_eq!(status(&site).await, None);
}

#[tokio::test]
async fn an_event_that_cannot_be_noted_or_read_fails_so_that_it_comes_again() {
    let (site, _) = with_user("ann@example.com").await;
    let event = bounce(&["ann@example.com"]);
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::InternalError);
    email_event::answer(site.outbox(), event.clone()).await.unwrap_err();
    site.end_faults().await;
    email_event::answer(site.outbox(), event).await.unwrap();
    assert_eq!(status(&site).await.as_deref(), Some("bounced"));
    for broken in [json!({}), json!(null), json!({ "detail": 1 }), json!({ "Records": 1 })] {
        email_event::answer(site.outbox(), broken.clone()).await.unwrap_err();
    }
}
