//! The real SDK's result for each fault, and the counts of the tally.

use crate::support::{dynamodb, item, key, number, s3, ses, start, text};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sesv2::operation::send_email::{SendEmailError, SendEmailOutput};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use embedded::{Aws, Call, Fault, Gate, KeyUnits, Times};
use std::time::Duration;

const BUCKET: &str = "latchkey-pictures";

async fn put(aws: &Aws, pk: &str) -> Result<PutItemOutput, SdkError<PutItemError>> {
    let item = Some(item(pk, &[("shelf", text("one"))]));
    dynamodb(aws).put_item().table_name("latchkey").set_item(item).send().await
}

async fn is_there(aws: &Aws, pk: &str) -> bool {
    let get = dynamodb(aws).get_item().table_name("latchkey").set_key(Some(key(pk)));
    get.send().await.unwrap().item().is_some()
}

async fn send(
    aws: &Aws,
) -> Result<SendEmailOutput, aws_sdk_sesv2::error::SdkError<SendEmailError>> {
    let part = Content::builder().data("hello").build().unwrap();
    let body = Body::builder().text(part.clone()).build();
    let message = Message::builder().subject(part).body(body).build();
    ses(aws)
        .send_email()
        .from_email_address("no-reply@example.com")
        .destination(Destination::builder().to_addresses("ann@example.com").build())
        .content(EmailContent::builder().simple(message).build())
        .send()
        .await
}

async fn upload(aws: &Aws) -> Result<PutObjectOutput, aws_sdk_s3::error::SdkError<PutObjectError>> {
    let body = ByteStream::from_static(b"ann");
    s3(aws).put_object().bucket(BUCKET).key("ann.png").body(body).send().await
}

async fn is_uploaded(aws: &Aws) -> bool {
    s3(aws).get_object().bucket(BUCKET).key("ann.png").send().await.is_ok()
}

#[tokio::test]
async fn a_call_is_throttled_as_often_as_requested() {
    let aws = start().await;
    aws.faults().fail("PutItem", Times::N(2), Fault::Throttled);

    for _ in 0..2 {
        let error = put(&aws, "a").await.unwrap_err().into_service_error();
        assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
    }
    assert!(!is_there(&aws, "a").await);
    put(&aws, "a").await.unwrap();
    assert!(is_there(&aws, "a").await);
}

#[tokio::test]
async fn an_internal_error_lasts_until_cleared() {
    let aws = start().await;
    aws.faults().fail("dynamodb:*", Times::Always, Fault::InternalError);

    for _ in 0..3 {
        let error = put(&aws, "a").await.unwrap_err().into_service_error();
        assert!(error.is_internal_server_error(), "{error:?}");
    }
    send(&aws).await.unwrap();
    aws.faults().clear();
    put(&aws, "a").await.unwrap();
}

#[tokio::test]
async fn a_rejected_call_is_denied() {
    let aws = start().await;
    aws.faults().fail("*", Times::Always, Fault::Rejected);

    let denied = put(&aws, "a").await.unwrap_err().into_service_error();
    let rejected = send(&aws).await.unwrap_err().into_service_error();

    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(rejected.is_message_rejected(), "{rejected:?}");
}

#[tokio::test]
async fn ses_throttles_and_breaks_in_its_own_words() {
    let aws = start().await;
    aws.faults().fail("SendEmail", Times::N(1), Fault::Throttled);
    aws.faults().fail("ses:*", Times::N(1), Fault::InternalError);

    let throttled = send(&aws).await.unwrap_err();
    assert_eq!(throttled.raw_response().unwrap().status().as_u16(), 429);
    assert!(throttled.into_service_error().is_too_many_requests_exception());
    let broken = send(&aws).await.unwrap_err();
    assert_eq!(broken.raw_response().unwrap().status().as_u16(), 500);
    send(&aws).await.unwrap();
    assert_eq!(aws.mailbox().messages().len(), 1);
}

#[tokio::test]
async fn s3_throttles_breaks_and_refuses_in_its_own_words() {
    let aws = start().await;
    for (fault, status, code) in [
        (Fault::Throttled, 503, "SlowDown"),
        (Fault::InternalError, 500, "InternalError"),
        (Fault::Rejected, 403, "AccessDenied"),
        (Fault::Conflict, 409, "OperationAborted"),
    ] {
        aws.faults().fail("s3:PutObject", Times::N(1), fault);
        let error = upload(&aws).await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(error.into_service_error().code(), Some(code));
    }
    assert!(!is_uploaded(&aws).await);
    aws.faults().fail("PutItem", Times::Always, Fault::Rejected);
    aws.faults().fail("ses:*", Times::Always, Fault::Rejected);
    upload(&aws).await.unwrap();
    assert!(is_uploaded(&aws).await);
}

#[tokio::test]
async fn an_upload_may_be_lost_before_or_after_it_is_carried_out() {
    let aws = start().await;
    aws.faults().fail("PutObject", Times::N(1), Fault::Dropped);
    upload(&aws).await.unwrap_err();
    assert!(!is_uploaded(&aws).await);
    aws.faults().fail("PutObject", Times::N(1), Fault::AnswerLost);
    upload(&aws).await.unwrap_err();
    assert!(is_uploaded(&aws).await);
}

#[tokio::test]
async fn a_dropped_call_was_not_carried_out() {
    let aws = start().await;
    aws.faults().fail("PutItem", Times::N(1), Fault::Dropped);

    let error = put(&aws, "a").await.unwrap_err();

    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(!is_there(&aws, "a").await);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_call_carried_out() {
    let aws = start().await;
    aws.faults().fail("PutItem", Times::N(1), Fault::AnswerLost);
    aws.faults().fail("SendEmail", Times::N(1), Fault::AnswerLost);

    let error = put(&aws, "a").await.unwrap_err();
    let mail_error = send(&aws).await.unwrap_err();

    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(is_there(&aws, "a").await);
    assert!(matches!(mail_error, aws_sdk_sesv2::error::SdkError::DispatchFailure(_)));
    assert_eq!(aws.mailbox().messages().len(), 1);
}

#[tokio::test]
async fn a_conflict_cancels_every_item_of_a_transaction() {
    let aws = start().await;
    aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Conflict);
    aws.faults().fail("PutItem", Times::N(1), Fault::Conflict);

    let error = transact(&aws, &["a", "b"]).await.unwrap_err();
    let single = put(&aws, "a").await.unwrap_err().into_service_error();

    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("another error: {error}")
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|r| r.code()).collect();
    assert_eq!(codes, [Some("TransactionConflict"); 2]);
    assert_eq!(single.code(), Some("TransactionConflictException"));
}

#[tokio::test]
async fn the_second_call_can_be_the_one_that_fails() {
    let aws = start().await;
    aws.faults().fail("PutItem", Times::N(1), Fault::Pass);
    aws.faults().fail("PutItem", Times::N(1), Fault::Throttled);

    put(&aws, "a").await.unwrap();
    put(&aws, "b").await.unwrap_err();
    put(&aws, "c").await.unwrap();
}

#[tokio::test]
async fn a_held_call_waits_until_the_gate_opens() {
    let aws = start().await;
    let gate = Gate::new();
    aws.faults().fail("PutItem", Times::N(1), Fault::Held(gate.clone()));

    let held = put(&aws, "a");
    let meanwhile = async {
        gate.arrived(1).await;
        assert!(!is_there(&aws, "a").await);
        gate.open();
    };
    let (held, ()) = tokio::join!(held, meanwhile);

    held.unwrap();
    assert!(is_there(&aws, "a").await);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever_for_a_held_call() {
    let aws = start().await;
    let gate = Gate::new();
    aws.faults().fail("PutItem", Times::N(1), Fault::Held(gate.clone()));
    let client = dynamodb(&aws);
    let held = tokio::spawn(async move {
        let put = client.put_item().table_name("latchkey").set_item(Some(item("a", &[])));
        put.send().await
    });
    gate.arrived(1).await;

    let stopped = tokio::time::timeout(Duration::from_secs(8), aws.stop()).await;

    assert!(stopped.is_ok());
    assert!(held.await.unwrap().is_err());
}

async fn transact(aws: &Aws, pks: &[&str]) -> Result<(), TransactWriteItemsError> {
    let puts = pks.iter().map(|pk| {
        let put = Put::builder().table_name("latchkey").set_item(Some(item(pk, &[])));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    });
    let request = dynamodb(aws).transact_write_items().set_transact_items(Some(puts.collect()));
    request.send().await.map(|_| ()).map_err(SdkError::into_service_error)
}

#[tokio::test]
async fn the_tally_has_every_call_with_what_it_consumed() {
    let aws = start().await;
    put(&aws, "before").await.unwrap();
    aws.tally().start();

    put(&aws, "a").await.unwrap();
    is_there(&aws, "a").await;
    transact(&aws, &["b", "c"]).await.unwrap();
    send(&aws).await.unwrap();
    upload(&aws).await.unwrap();
    is_uploaded(&aws).await;
    s3(&aws).delete_object().bucket(BUCKET).key("ann.png").send().await.unwrap();
    aws.faults().fail("PutItem", Times::N(1), Fault::Throttled);
    put(&aws, "d").await.unwrap_err();

    let call = |operation: &str, read_units, write_units| Call {
        operation: operation.to_owned(),
        read_units,
        write_units,
        keys: Vec::new(),
    };
    // `a` is in no index: it has a shelf, and no `since`.
    let expected = [
        call("PutItem", 0.0, 1.0),
        call("GetItem", 0.5, 0.0),
        call("TransactWriteItems", 0.0, 4.0),
        call("SendEmail", 0.0, 0.0),
        call("PutObject", 0.0, 0.0),
        call("GetObject", 0.0, 0.0),
        call("DeleteObject", 0.0, 0.0),
        call("PutItem", 0.0, 0.0),
    ];
    let mut calls = aws.tally().take();
    for call in &mut calls {
        call.keys.clear();
    }
    assert_eq!(calls, expected);
    assert_eq!(aws.tally().take(), []);
    aws.tally().stop();
    put(&aws, "e").await.unwrap();
    assert_eq!(aws.tally().take(), []);
}

#[tokio::test]
async fn an_index_adds_to_what_a_write_consumes() {
    let aws = start().await;
    aws.tally().start();
    let both = item("a", &[("shelf", text("one")), ("since", number(1))]);

    let client = dynamodb(&aws);
    client.put_item().table_name("latchkey").set_item(Some(both)).send().await.unwrap();
    client.batch_get_item().request_items("latchkey", keys(&["a", "b"])).send().await.unwrap();

    let calls = aws.tally().take();
    assert_eq!((calls[0].read_units, calls[0].write_units), (0.0, 2.0));
    assert_eq!((calls[1].read_units, calls[1].write_units), (1.0, 0.0));
}

#[tokio::test]
async fn the_tally_has_the_units_of_each_partition_key() {
    let aws = start().await;
    let client = dynamodb(&aws);
    let on = |shelf: &str, more: &str| {
        item("a", &[("shelf", text(shelf)), ("since", number(1)), ("more", text(more))])
    };
    let put = |item| client.put_item().table_name("latchkey").set_item(Some(item)).send();
    aws.tally().start();

    put(on("one", "")).await.unwrap();
    // Moves the item in the index, and makes it larger than a unit.
    put(on("two", &"x".repeat(2_000))).await.unwrap();
    // No index has these.
    transact(&aws, &["b", "c"]).await.unwrap();
    client.batch_get_item().request_items("latchkey", keys(&["a", "b"])).send().await.unwrap();
    let query = client.query().table_name("latchkey").index_name("shelves");
    let query = query.key_condition_expression("#s = :s AND since > :n");
    let query = query.expression_attribute_names("#s", "shelf");
    let query = query.expression_attribute_values(":s", text("two"));
    query.expression_attribute_values(":n", number(0)).send().await.unwrap();

    let units = |call: &Call| -> Vec<_> {
        let keys = call.keys.iter().map(|of_key| {
            let KeyUnits { index, partition, read_units, write_units, .. } = of_key.clone();
            (index.unwrap_or_default(), partition, read_units, write_units)
        });
        keys.collect()
    };
    let key = |index: &str, partition: &str, read_units, write_units| {
        (index.to_owned(), partition.to_owned(), read_units, write_units)
    };
    let calls = aws.tally().take();
    let found: Vec<_> = calls.iter().map(units).collect();
    let expected = [
        vec![key("", "a", 0.0, 1.0), key("shelves", "one", 0.0, 1.0)],
        vec![
            key("", "a", 0.0, 2.0),
            key("shelves", "one", 0.0, 1.0),
            key("shelves", "two", 0.0, 1.0),
        ],
        vec![key("", "b", 0.0, 2.0), key("", "c", 0.0, 2.0)],
        vec![key("", "a", 0.5, 0.0), key("", "b", 0.5, 0.0)],
        vec![key("shelves", "two", 0.5, 0.0)],
    ];
    assert_eq!(found, expected);
    for call in &calls {
        let sum: f64 = call.keys.iter().map(|key| key.read_units + key.write_units).sum();
        assert!((sum - call.read_units - call.write_units).abs() < 1e-9, "{call:?}");
    }
}

fn keys(pks: &[&str]) -> aws_sdk_dynamodb::types::KeysAndAttributes {
    let keys = pks.iter().map(|pk| key(pk)).collect();
    aws_sdk_dynamodb::types::KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap()
}

#[tokio::test]
async fn a_batch_may_be_answered_in_part() {
    let aws = start().await;
    put(&aws, "a").await.unwrap();
    put(&aws, "b").await.unwrap();
    aws.faults().fail("BatchGetItem", Times::N(2), Fault::Unprocessed);

    let mut wanted = keys(&["a", "b"]);
    for (found, left) in [(1, Some(1)), (0, Some(1)), (1, None)] {
        let request = dynamodb(&aws).batch_get_item().request_items("latchkey", wanted.clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.responses().unwrap().get("latchkey").map_or(0, Vec::len), found);
        let rest = answer.unprocessed_keys().and_then(|rest| rest.get("latchkey"));
        assert_eq!(rest.map(|rest| rest.keys().len()), left);
        wanted = rest.cloned().unwrap_or(wanted);
    }
}
