//! The way without a socket answers as the way over loopback does.

use crate::support::{dynamodb, item, key, s3, secrets, start, text};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use aws_sdk_s3::primitives::ByteStream;
use embedded::{Aws, Fault, Gate, Times};
use std::time::Duration;

const BUCKET: &str = "latchkey-pictures";

/// A client over loopback, and one in the process.
fn both(aws: &Aws) -> [Client; 2] {
    [dynamodb(aws), in_process(aws)]
}

fn in_process(aws: &Aws) -> Client {
    let config = dynamodb(aws).config().to_builder().http_client(aws.http_client()).build();
    Client::from_conf(config)
}

#[tokio::test]
async fn reads_writes_and_refusals_are_the_same_both_ways() {
    let aws = start().await;
    for (client, pk) in both(&aws).iter().zip(["a", "b"]) {
        let new = item(pk, &[("name", text("Zoë 🔑"))]);
        let put = || {
            let put = client.put_item().table_name("latchkey").set_item(Some(new.clone()));
            put.condition_expression("attribute_not_exists(pk)").send()
        };
        put().await.unwrap();
        let refused = put().await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 400);
        assert!(refused.into_service_error().is_conditional_check_failed_exception());
        for reader in both(&aws) {
            let get = reader.get_item().table_name("latchkey").set_key(Some(key(pk)));
            let got = get.return_consumed_capacity(ReturnConsumedCapacity::Total).send();
            let got = got.await.unwrap();
            assert_eq!(got.item(), Some(&new));
            assert!(got.consumed_capacity().is_some());
        }
    }
}

#[tokio::test]
async fn calls_are_counted_the_same_both_ways() {
    let aws = start().await;
    let mut counts = Vec::new();
    for client in both(&aws) {
        aws.tally().start();
        let new = item("a", &[("name", text("ann"))]);
        client.put_item().table_name("latchkey").set_item(Some(new)).send().await.unwrap();
        let get = client.get_item().table_name("latchkey").set_key(Some(key("a")));
        get.consistent_read(true).send().await.unwrap();
        counts.push(format!("{:?}", aws.tally().take()));
    }
    assert!(counts[0].contains("PutItem") && counts[0].contains("GetItem"), "{}", counts[0]);
    assert_eq!(counts[0], counts[1]);
}

#[tokio::test]
async fn a_fault_that_closes_the_connection_is_an_io_error() {
    let aws = start().await;
    let client = in_process(&aws);
    for (fault, pk, is_done) in [(Fault::Dropped, "a", false), (Fault::AnswerLost, "b", true)] {
        aws.faults().fail("PutItem", Times::N(1), fault);
        let put = client.put_item().table_name("latchkey").set_item(Some(item(pk, &[])));
        let error = put.send().await.unwrap_err();
        let SdkError::DispatchFailure(failure) = error else { panic!("{error:?}") };
        assert!(failure.is_io(), "{failure:?}");
        let get = client.get_item().table_name("latchkey").set_key(Some(key(pk)));
        assert_eq!(get.send().await.unwrap().item().is_some(), is_done);
    }
}

#[tokio::test]
async fn a_call_that_waits_ends_at_the_timeout_of_the_client() {
    let aws = start().await;
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(50)).build();
    let config = in_process(&aws).config().to_builder().timeout_config(timeouts).build();
    let client = Client::from_conf(config);
    aws.faults().fail("GetItem", Times::N(1), Fault::Held(Gate::new()));
    let get = || client.get_item().table_name("latchkey").set_key(Some(key("a"))).send();
    assert!(matches!(get().await, Err(SdkError::TimeoutError(_))));
    get().await.unwrap();
}

#[tokio::test]
async fn objects_and_secrets_come_this_way_too() {
    let aws = start().await;
    let config = s3(&aws).config().to_builder().http_client(aws.http_client()).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let (name, body) = ("people/ann smith+ü.png", vec![7; 100_000]);
    let put = client.put_object().bucket(BUCKET).key(name).content_type("image/png");
    put.body(ByteStream::from(body.clone())).send().await.unwrap();
    // What was put in the process is there over loopback.
    for reader in [client, s3(&aws)] {
        let got = reader.get_object().bucket(BUCKET).key(name).send().await.unwrap();
        assert_eq!((got.content_type(), got.content_length()), (Some("image/png"), Some(100_000)));
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    }
    let arn = aws.secret().add("other", "s3cret");
    let config = secrets(&aws).config().to_builder().http_client(aws.http_client()).build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    let got = client.get_secret_value().secret_id(arn).send().await.unwrap();
    assert_eq!(got.secret_string(), Some("s3cret"));
}
