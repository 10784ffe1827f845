//! SES, through the real SDK, and the page that shows the sent mails.

use crate::support::{TEMPLATE, http, ses, start};
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::{SendEmailError, SendEmailOutput};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader};
use embedded::{Aws, ManualClock, Options};

const SENDER: &str = "Site <no-reply@example.com>";

async fn send(aws: &Aws, to: &str, subject: &str) -> SendEmailOutput {
    try_to_send(aws, [SENDER, "help@example.com", to], subject).await.unwrap()
}

/// Sends a mail. The addresses are the sender, the address for replies, and the recipient.
async fn try_to_send(
    aws: &Aws,
    [from, reply_to, to]: [&str; 3],
    subject: &str,
) -> Result<SendEmailOutput, SendEmailError> {
    let part = |text: &str| Content::builder().data(text).build().unwrap();
    let body = Body::builder().text(part("plain")).html(part("<p>rich</p>")).build();
    let header = MessageHeader::builder().name("Auto-Submitted").value("auto-generated");
    let message = Message::builder()
        .subject(part(subject))
        .body(body)
        .headers(header.build().unwrap())
        .build();
    ses(aws)
        .send_email()
        .from_email_address(from)
        .reply_to_addresses(reply_to)
        .destination(Destination::builder().to_addresses(to).build())
        .content(EmailContent::builder().simple(message).build())
        .configuration_set_name("plain")
        .send()
        .await
        .map_err(SdkError::into_service_error)
}

#[tokio::test]
async fn a_sent_mail_is_in_the_mailbox() {
    let clock = ManualClock::new(1_000);
    let aws = Aws::start(Options { clock: Some(clock.arc()), ..Options::new(TEMPLATE) });
    let aws = aws.await.unwrap();

    let answer = send(&aws, "ann@example.com", "Grüße").await;

    let messages = aws.mailbox().messages();
    assert_eq!(messages.len(), 1);
    let mail = &messages[0];
    assert_eq!(Some(mail.id.as_str()), answer.message_id());
    assert_eq!(mail.timestamp.to_string(), "1970-01-01T00:16:40Z");
    assert_eq!(
        (mail.source.as_str(), mail.to.as_slice()),
        (SENDER, &["ann@example.com".into()][..])
    );
    assert_eq!((mail.subject.as_str(), mail.text.as_deref()), ("Grüße", Some("plain")));
    assert_eq!(mail.html.as_deref(), Some("<p>rich</p>"));
    assert_eq!(mail.reply_to, ["help@example.com"]);
    assert_eq!(mail.headers, [("Auto-Submitted".to_owned(), "auto-generated".to_owned())]);
    assert_eq!(mail.configuration_set.as_deref(), Some("plain"));
}

#[tokio::test]
async fn the_page_of_sent_mail_has_localstacks_shape() {
    let aws = start().await;
    let first = send(&aws, "ann@example.com", "one").await;
    send(&aws, "bob@example.com", "two").await;

    let (status, all) = http(&aws, "GET", "/_aws/ses").await;
    assert_eq!((status, all["messages"].as_array().unwrap().len()), (200, 2));
    let mail = &all["messages"][0];
    assert_eq!(mail["Id"], first.message_id().unwrap());
    assert_eq!(mail["Source"], SENDER);
    assert_eq!(mail["Destination"]["ToAddresses"], serde_json::json!(["ann@example.com"]));
    assert_eq!(mail["Subject"], "one");
    let body = serde_json::json!({ "text_part": "plain", "html_part": "<p>rich</p>" });
    assert_eq!(mail["Body"], body);
    assert!(mail["Timestamp"].is_string());

    let by_id = format!("/_aws/ses?id={}", first.message_id().unwrap());
    let (_, one) = http(&aws, "GET", &by_id).await;
    assert_eq!(one["messages"].as_array().unwrap().len(), 1);
    let (_, of_sender) =
        http(&aws, "GET", "/_aws/ses?email=Site%20%3Cno-reply%40example.com%3E").await;
    assert_eq!(of_sender["messages"].as_array().unwrap().len(), 2);
    let (_, of_none) = http(&aws, "GET", "/_aws/ses?email=other%40example.com").await;
    assert_eq!(of_none["messages"].as_array().unwrap().len(), 0);

    assert_eq!(http(&aws, "DELETE", &by_id).await.0, 200);
    assert_eq!(aws.mailbox().messages()[0].subject, "two");
    assert_eq!(http(&aws, "DELETE", "/_aws/ses").await.0, 200);
    assert!(aws.mailbox().messages().is_empty());
}

#[tokio::test]
async fn a_mail_without_recipient_or_sender_is_refused() {
    let aws = start().await;
    let nobody = ses(&aws).send_email().from_email_address(SENDER).send().await;
    let to = Destination::builder().to_addresses("ann@example.com").build();
    let from_nobody = ses(&aws).send_email().destination(to).send().await;

    for refused in [nobody, from_nobody] {
        let error = refused.unwrap_err().into_service_error();
        assert!(matches!(error, SendEmailError::BadRequestException(_)), "{error:?}");
    }
    assert!(aws.mailbox().messages().is_empty());
}

#[tokio::test]
async fn ses_refuses_an_address_or_a_name_that_is_not_ascii() {
    let aws = start().await;
    let plain = "ann@example.com";
    for (from, reply_to, to) in [
        ("post@bücher.example", plain, plain),
        ("Bücher <post@example.com>", plain, plain),
        (plain, "help@bücher.example", plain),
        (plain, plain, "ann@bücher.example"),
        (plain, plain, "jürgen@example.com"),
    ] {
        let refused = try_to_send(&aws, [from, reply_to, to], "Hello").await.unwrap_err();
        assert!(matches!(refused, SendEmailError::BadRequestException(_)), "{refused:?}");
    }
    assert!(aws.mailbox().messages().is_empty());
}

#[tokio::test]
async fn mails_survive_a_restart_until_they_are_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    let aws = Aws::start(options.clone()).await.unwrap();
    send(&aws, "ann@example.com", "kept").await;
    let before = aws.mailbox().messages();
    aws.stop().await;
    let file = folder.path().join("mailbox.jsonl");
    let torn = std::fs::read_to_string(&file).unwrap() + "{\"id\":\"half";
    std::fs::write(&file, torn).unwrap();

    let aws = Aws::start(options.clone()).await.unwrap();
    assert_eq!(aws.mailbox().messages(), before);
    send(&aws, "bob@example.com", "later").await;
    aws.stop().await;

    let aws = Aws::start(options.clone()).await.unwrap();
    assert_eq!(aws.mailbox().messages().len(), 2);
    aws.mailbox().clear();
    aws.stop().await;

    let aws = Aws::start(options).await.unwrap();
    assert!(aws.mailbox().messages().is_empty());
}
