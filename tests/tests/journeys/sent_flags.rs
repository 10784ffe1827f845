//! The flags of a user item for mails that were sent, and the callers who see them.

use accounts::model::Role;
use accounts::model::SentFlag;
use accounts::store::{Claimed, Ending, MailNews};
use aws_sdk_dynamodb::types::AttributeValue;
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, Site};
use serde_json::{Value, json};

async fn flags(site: &Site, actor: &Actor, of: &Actor) -> Value {
    let document = "query($id: ID!) { user(id: $id) { registrationSent resetSent } }";
    let answer = site.ask(actor, document, json!({ "id": of.user_id().to_string() })).await.json();
    answer["data"]["user"].clone()
}

async fn staff(site: &Site) -> Actor {
    let sam = site.signed_in("sam").await;
    assert!(site.store.set_role(sam.user_id(), Role::Staff).await.unwrap());
    site.log_in(&sam).await
}

#[tokio::test]
async fn staff_see_which_mails_were_sent_and_users_do_not() {
    let site = Site::start().await;
    let sam = staff(&site).await;
    let ann = site.sign_up("ann").await;
    let result = |registration: bool, reset: bool| json!({ "registrationSent": registration, "resetSent": reset });
    assert_eq!(flags(&site, &sam, &ann).await, result(false, false));
    let token = site.link_token(&ann.email()).await;
    assert_eq!(flags(&site, &sam, &ann).await, result(true, false));
    site.verify_account(&token).await;
    let ann = site.log_in(&ann).await;
    site.reset_link(&ann).await;
    assert_eq!(flags(&site, &sam, &ann).await, result(true, true));

    let nothing = json!({ "registrationSent": null, "resetSent": null });
    assert_eq!(flags(&site, &ann, &ann).await, nothing);
    let me = site.ask(&ann, "{ me { registrationSent resetSent } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"], nothing);
    let me = site.ask(&sam, "{ me { registrationSent resetSent } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"], result(true, false));
}

#[tokio::test]
async fn a_mail_that_is_not_sent_is_not_noted() {
    let site = Site::start().await;
    let sam = staff(&site).await;
    let ann = site.sign_up("ann").await;
    // In another way than by the mail, which becomes useless then.
    site.set_on_user(&ann, "is_verified", AttributeValue::Bool(true)).await;
    site.deliver_mail().await;
    assert_eq!(site.mail_states().await.last().map(String::as_str), Some("dropped"));
    assert_eq!(flags(&site, &sam, &ann).await["registrationSent"], false);
}

async fn not_sent(site: &Site, actor: &Actor, of: &Actor) -> Value {
    let document = "query($id: ID!) { user(id: $id) { mailNotSent } }";
    let answer = site.ask(actor, document, json!({ "id": of.user_id().to_string() })).await.json();
    answer["data"]["user"]["mailNotSent"].clone()
}

#[tokio::test]
async fn staff_see_that_a_mail_could_not_be_sent_until_one_is() {
    let site = Site::start().await;
    let sam = staff(&site).await;
    let ann = site.signed_in("ann").await;
    assert_eq!(not_sent(&site, &sam, &ann).await, Value::Null);
    site.aws.faults().fail("SendEmail", Times::N(1), Fault::Rejected);
    site.send_password_reset(&ann.email()).await;
    site.deliver_mail().await;
    assert_eq!(site.mail_states().await.last().map(String::as_str), Some("refused"));
    assert_eq!(not_sent(&site, &sam, &ann).await, "password_reset");
    assert_eq!(not_sent(&site, &ann, &ann).await, Value::Null, "for staff");
    site.reset_link(&ann).await;
    assert_eq!(not_sent(&site, &sam, &ann).await, Value::Null);
}

#[tokio::test]
async fn only_the_first_mail_of_its_kind_writes_to_the_user() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let mut written = Vec::new();
    for _ in 0..2 {
        site.send_password_reset(&ann.email()).await;
        let before = site.stream_dump().await.len();
        site.deliver_mail().await;
        written.push(site.stream_dump().await.len() - before);
    }
    assert_eq!(written, [3, 2]);
}

/// The SDK asks again, and DynamoDB knows the transaction.
#[tokio::test]
async fn a_mark_whose_answer_is_lost_sends_no_second_mail() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::AnswerLost);
    assert_eq!(site.deliver_mail().await.delivered, 1);
    site.advance(SignedDuration::from_mins(6));
    site.clean_up().await;
    assert_eq!(site.mails_to(&ann.email()).await.len(), 1);
    assert_eq!(site.mail_states().await, ["sent"]);
}

/// The user may be deleted while SES takes the mail.
#[tokio::test]
async fn a_user_who_is_gone_does_not_come_back_and_the_mail_is_sent_all_the_same() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let item = site.item("MAIL#", "MAIL").await;
    let id = item["pk"].as_s().unwrap().strip_prefix("MAIL#").unwrap().parse().unwrap();
    let lease = SignedDuration::from_secs(60);
    let Claimed::Yes(claim, _) = site.store.claim_mail(id, lease, site.now()).await.unwrap() else {
        panic!("the mail is due")
    };
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    assert!(site.store.end_user(&user, None, &[]).await.unwrap());

    let ending = Ending::Sent("a name of SES's".to_owned());
    let news = [MailNews::Sent(SentFlag::Registration)];
    site.store.finish_mail(&claim, &ending, (Some(ann.user_id()), &news)).await.unwrap();
    assert_eq!(site.mail_states().await, ["sent"]);
    assert_eq!(site.store.user(ann.user_id()).await.unwrap(), None);
}
