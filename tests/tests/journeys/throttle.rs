//! The rate limits of mails: an address gets one requested mail a minute and five an hour, over all kinds. Notices
//! have limits of their own.

use std::sync::Arc;

use accounts::model::Purpose;
use accounts::model::{Email, Mail};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, at_once, s};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const NEW: &str = "another jf84jfKKd";

async fn throttled() -> Site {
    Site::with(&[("THROTTLE", "on")]).await
}

/// A logged-in user whose address has had no mail for a while.
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

/// Delivers the delayed mails that are due now.
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
        later(&site, MINUTE).await;
    }
    assert_eq!(sent, [0, 1, 2, 3, 4, 60, 61]);
}

async fn resend_activation(site: &Site) {
    let resend = "mutation { resendActivationEmail(email: \"ann@example.com\") { success } }";
    let answer = site.graphql(resend, serde_json::json!({})).await;
    assert_eq!(answer.json()["data"]["resendActivationEmail"]["success"], true);
}

const ACTIVATE: &str = "Activate your account on Example";
const RESET: &str = "Reset your password on Example";
const CHANGED: &str = "Your password on Example was changed";

#[tokio::test]
async fn a_reset_that_is_asked_for_at_once_after_a_notice_arrives_at_once() {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    assert_eq!(site.change_password(&ann, PASSWORD, NEW, NEW).await["success"], true);
    assert_eq!(new_mails(&site, &ann.email()).await, [CHANGED]);
    site.send_password_reset(&ann.email()).await;
    assert_eq!(new_mails(&site, &ann.email()).await, [RESET]);
}

#[tokio::test]
async fn a_reset_that_is_asked_for_after_a_sign_up_and_a_resend_arrives_a_minute_later() {
    let site = throttled().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(new_mails(&site, &ann.email()).await, [ACTIVATE]);
    resend_activation(&site).await;
    site.send_password_reset(&ann.email()).await;
    site.send_password_reset("ANN@example.com").await;
    assert!(new_mails(&site, &ann.email()).await.is_empty());
    later(&site, MINUTE).await;
    assert_eq!(new_mails(&site, &ann.email()).await, [RESET], "the other mail is there already");
    later(&site, SignedDuration::from_mins(10)).await;
    assert!(new_mails(&site, &ann.email()).await.is_empty(), "once");
}

/// The first link is used up: another mail says something else.
#[tokio::test]
async fn a_reset_that_is_asked_for_after_a_reset_arrives_a_minute_later() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    site.aws.mailbox().clear();
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    site.send_password_reset(&ann.email()).await;
    assert_eq!(new_mails(&site, &ann.email()).await, [CHANGED]);
    later(&site, MINUTE).await;
    let link = site.link_token(&ann.email()).await;
    assert_eq!(site.reset_password(&link, PASSWORD, PASSWORD).await["success"], true);
}

#[tokio::test]
pub(crate) async fn notices_come_at_once_however_many_links_a_stranger_asks_for() {
    let (site, ann) = with_ann().await;
    let link = site.email_change_link(&ann, "new@example.org").await;
    for _ in 0..7 {
        site.send_password_reset(&ann.email()).await;
        later(&site, MINUTE).await;
        site.deliver_mail().await;
    }
    site.aws.mailbox().clear();
    site.accounts.confirm_address(&link).await.unwrap();
    let subjects = new_mails(&site, &ann.email()).await;
    assert_eq!(subjects, ["Your address on Example was changed"]);
    let ann = site.log_in(&ann).await;
    assert_eq!(site.change_password(&ann, PASSWORD, NEW, NEW).await["success"], true);
    assert_eq!(new_mails(&site, "new@example.org").await, [CHANGED]);
}

#[tokio::test]
async fn of_many_notices_of_one_kind_an_address_gets_five_an_hour() {
    let (site, mut ann) = with_ann().await;
    site.aws.mailbox().clear();
    for _ in 0..7 {
        let next = site.change_password(&ann, PASSWORD, PASSWORD, PASSWORD).await;
        assert_eq!(next["success"], true, "{next}");
        ann.access = next["token"].as_str().unwrap().to_owned();
    }
    assert_eq!(new_mails(&site, &ann.email()).await, [CHANGED; 5]);
    later(&site, SignedDuration::from_mins(59)).await;
    assert!(new_mails(&site, &ann.email()).await.is_empty());
    later(&site, MINUTE).await;
    assert_eq!(new_mails(&site, &ann.email()).await, [CHANGED; 2], "the other notices come later");
}

#[tokio::test]
async fn a_user_who_signs_up_without_a_password_gets_both_mails() {
    let site = Site::with(&[("THROTTLE", "on"), ("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let ann = site.sign_up_without_password("ann").await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Activate your account on Example"]);
    later(&site, MINUTE).await;
    assert_eq!(new_mails(&site, &ann.email()).await, ["Set your password on Example"]);
}

/// The mails of one transaction may be in two shards, which keep no common order.
#[tokio::test]
async fn both_mails_of_a_sign_up_without_a_password_arrive_in_whichever_order_they_come() {
    let site = Site::with(&[("THROTTLE", "on"), ("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let ann = site.sign_up_without_password("ann").await;
    let mut event = site.mail_event().await;
    event.records.reverse();
    email_event::handle(site.outbox(), event).await;
    let mut mails = new_mails(&site, &ann.email()).await;
    later(&site, MINUTE).await;
    mails.extend(new_mails(&site, &ann.email()).await);
    assert_eq!(mails, ["Set your password on Example", ACTIVATE]);
}

/// Five an hour; as many wait, and no more.
#[tokio::test]
async fn one_user_cannot_mail_many_strangers() {
    const LASTING: &[(&str, &str)] =
        &[("THROTTLE", "on"), ("EXPIRATION_EMAIL_CHANGE_TOKEN", "86400")];
    let site = Site::with(LASTING).await;
    let ann = site.signed_in("ann").await;
    let to_strangers = || {
        let mails = site.aws.mailbox().messages().into_iter();
        mails.filter(|mail| mail.to[0].ends_with("@example.org")).count()
    };
    for number in 0..40 {
        let stranger = format!("stranger{number}@example.org");
        site.change_email(&ann, &stranger).await.unwrap();
        site.deliver_mail().await;
    }
    // The waiting mails are void by then: only the newest change works.
    let mut sent = vec![to_strangers()];
    for _ in 0..2 {
        later(&site, SignedDuration::from_hours(1)).await;
        site.deliver_mail().await;
        sent.push(to_strangers());
    }
    assert_eq!(sent, [5, 5, 5]);
    let ann = site.log_in(&ann).await;
    site.change_email(&ann, "mistyped@example.org").await.unwrap();
    site.deliver_mail().await;
    site.change_email(&ann, "right@example.org").await.unwrap();
    site.deliver_mail().await;
    assert_eq!(to_strangers(), 7);
}

/// The moments of the mails that an address has in one of its quotas.
async fn moments(site: &Site, address: &str, sort: &str) -> Vec<String> {
    let mut items = site.all().await;
    items.retain(|item| item["pk"] == s(format!("EMAIL#{address}")) && item["sk"] == s(sort));
    let bookings = items.iter().flat_map(|item| item["bookings"].as_l().unwrap());
    let mut moments: Vec<_> = bookings
        .map(|booking| {
            let booking = booking.as_m().unwrap();
            format!("{:?} {:?}", booking["mail"], booking["at"])
        })
        .collect();
    moments.sort();
    moments
}

#[tokio::test]
async fn a_user_who_may_send_no_more_takes_no_place_of_another_address() {
    let (site, eve) = with_ann().await;
    for number in 0..5 {
        site.change_email(&eve, &format!("stranger{number}@example.org")).await.unwrap();
        site.deliver_mail().await;
    }
    for _ in 0..4 {
        site.change_email(&eve, "wanted@example.org").await.unwrap();
        site.deliver_mail().await;
        site.advance(SignedDuration::from_secs(61));
    }
    for sort in ["MAILS", "MAILS#STRANGERS"] {
        assert_eq!(moments(&site, "wanted@example.org", sort).await, [""; 0], "{sort}");
    }
    for name in ["bob", "cleo"] {
        let user = site.signed_in(name).await;
        site.aws.mailbox().clear();
        site.change_email(&user, "wanted@example.org").await.unwrap();
        assert_eq!(new_mails(&site, "wanted@example.org").await.len(), 1, "{name}");
        site.advance(SignedDuration::from_secs(61));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_mails_at_once_each_counts_in_all_of_its_quotas_or_in_none() {
    let (site, ann) = with_ann().await;
    let mut users = Vec::new();
    for name in ["bob", "cleo", "dan", "eve"] {
        users.push(site.signed_in(name).await);
    }
    // Of several requests for an address, only the newest gets its mail; these mails are all needed.
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    for number in 0..7 {
        let id = format!("00000000-0000-7000-8000-{number:012}").parse().unwrap();
        let email = Email::parse(&format!("stranger{number}@example.org")).unwrap();
        let (now, purpose) = (site.now(), Purpose::EmailChange);
        let mail = Mail::link(id, purpose, (&user, &email), now, now.as_second() + 3600);
        site.store.add_mail(&mail).await.unwrap();
    }
    for user in users {
        site.change_email(&user, "wanted@example.org").await.unwrap();
    }
    site.aws.mailbox().clear();
    let site = Arc::new(site);
    let records = site.mail_event().await.records;
    at_once(records.len(), |number| {
        let (site, record) = (site.clone(), records[number].clone());
        let mut event = aws_lambda_events::dynamodb::Event::default();
        event.records = vec![record];
        async move { email_event::handle(site.outbox(), event).await }
    })
    .await;
    let mails = site.aws.mailbox().messages();
    let to_others = |to: &str| mails.iter().filter(|mail| mail.to[0].starts_with(to)).count();
    assert_eq!((to_others("stranger"), to_others("wanted")), (5, 1));
    let addresses = (0..7).map(|number| format!("stranger{number}@example.org"));
    let mut taken = 0;
    for address in addresses.chain(["wanted@example.org".to_owned()]) {
        let of_strangers = moments(&site, &address, "MAILS#STRANGERS").await;
        assert_eq!(of_strangers, moments(&site, &address, "MAILS").await, "{address}");
        taken += of_strangers.len();
    }
    assert_eq!(
        taken,
        5 + 1 + 2,
        "five now, and of those who want one address one now and two later"
    );
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
    let result = new_mails(&site, email).await;
    assert_eq!(result, ["You already have an account on Example"; 2], "one a day");
}

#[tokio::test]
async fn a_mail_that_ses_did_not_take_yet_does_not_lose_its_place() {
    let (site, ann) = with_ann().await;
    site.aws.mailbox().clear();
    let fault = embedded::Fault::Throttled;
    site.aws.faults().fail("SendEmail", embedded::Times::Always, fault);
    site.send_password_reset(&ann.email()).await;
    for _ in 0..2 {
        assert_eq!(site.deliver_mail().await.retrying, 1);
    }
    site.end_faults().await;
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
