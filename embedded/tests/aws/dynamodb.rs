//! The table as the template describes it, through the real SDK.

use crate::support::{TEMPLATE, dynamodb, http, item, key, number, start, text};
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TableStatus, TimeToLiveStatus};
use embedded::{Aws, ManualClock, Options, StartError};

#[tokio::test]
async fn the_table_is_as_the_template_says() {
    let aws = start().await;
    let client = dynamodb(&aws);

    let table = client.describe_table().table_name("latchkey").send().await.unwrap();
    let table = table.table().unwrap();
    let ttl = client.describe_time_to_live().table_name("latchkey").send().await.unwrap();
    let ttl = ttl.time_to_live_description().unwrap();

    assert_eq!(table.table_status(), Some(&TableStatus::Active));
    assert_eq!(table.key_schema().len(), 2);
    assert_eq!(table.global_secondary_indexes()[0].index_name(), Some("shelves"));
    let stream = table.stream_specification().unwrap();
    assert!(stream.stream_enabled());
    assert_eq!(stream.stream_view_type().unwrap().as_str(), "NEW_IMAGE");
    assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    assert_eq!(ttl.attribute_name(), Some("expires_at"));
    aws.stop().await;
}

#[tokio::test]
async fn an_index_can_be_queried() {
    let aws = start().await;
    let client = dynamodb(&aws);
    for (pk, since) in [("b", 2), ("a", 1)] {
        let item = item(pk, &[("shelf", text("one")), ("since", number(since))]);
        client.put_item().table_name("latchkey").set_item(Some(item)).send().await.unwrap();
    }

    let found = client
        .query()
        .table_name("latchkey")
        .index_name("shelves")
        .key_condition_expression("shelf = :shelf")
        .expression_attribute_values(":shelf", text("one"))
        .send()
        .await
        .unwrap();

    let found: Vec<_> = found.items().iter().map(|item| item["pk"].as_s().unwrap()).collect();
    assert_eq!(found, ["a", "b"]);
}

#[tokio::test]
async fn a_failed_condition_tells_the_state_that_won() {
    let aws = start().await;
    let client = dynamodb(&aws);
    let put = |owner: &str| {
        client
            .put_item()
            .table_name("latchkey")
            .set_item(Some(item("name", &[("owner", text(owner))])))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    put("ann").await.unwrap();

    let lost = put("bob").await.unwrap_err().into_service_error();

    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(lost) =
        lost
    else {
        panic!("another error: {lost}")
    };
    assert_eq!(lost.item().unwrap()["owner"], text("ann"));
}

#[tokio::test]
async fn the_sweep_deletes_items_that_have_expired_by_the_given_clock() {
    let clock = ManualClock::new(1_000);
    let aws = Aws::start(Options { clock: Some(clock.arc()), ..Options::new(TEMPLATE) });
    let aws = aws.await.unwrap();
    let client = dynamodb(&aws);
    for (pk, end) in [("short", 2_000), ("long", 9_000)] {
        let item = item(pk, &[("expires_at", number(end))]);
        client.put_item().table_name("latchkey").set_item(Some(item)).send().await.unwrap();
    }
    assert_eq!(aws.sweep_ttl().await.unwrap(), 0);

    clock.set(3_000);

    assert_eq!(aws.sweep_ttl().await.unwrap(), 1);
    let left = client.scan().table_name("latchkey").send().await.unwrap();
    assert_eq!(left.items()[0]["pk"], text("long"));
}

#[tokio::test]
async fn data_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().join("deep/data"));
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    let aws = Aws::start(options.clone()).await.unwrap();
    let client = dynamodb(&aws);
    let kept = Some(item("kept", &[]));
    client.put_item().table_name("latchkey").set_item(kept).send().await.unwrap();
    aws.stop().await;

    let aws = Aws::start(options).await.unwrap();

    let get = dynamodb(&aws).get_item().table_name("latchkey").set_key(Some(key("kept")));
    assert!(get.send().await.unwrap().item().is_some());
    aws.stop().await;
}

#[tokio::test]
async fn a_folder_with_another_table_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    Aws::start(options.clone()).await.unwrap().stop().await;

    let other_index = TEMPLATE.replace("KEYS_ONLY", "ALL");
    let other_key = TEMPLATE.replace("AttributeName: sk", "AttributeName: range");

    for (template, part) in [(other_index, "set of indexes"), (other_key, "key schema")] {
        let error = Aws::start(Options { template, ..options.clone() }).await.unwrap_err();
        assert!(
            matches!(&error, StartError::TableDiffers { part: p, .. } if *p == part),
            "{error}"
        );
        assert!(!error.to_string().contains('\n'));
    }
}

#[tokio::test]
async fn a_changed_ttl_attribute_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    Aws::start(options.clone()).await.unwrap().stop().await;

    let template = TEMPLATE.replace("expires_at", "gone_at");
    let aws = Aws::start(Options { template, ..options }).await.unwrap();

    let ttl = dynamodb(&aws).describe_time_to_live().table_name("latchkey").send().await.unwrap();
    assert_eq!(ttl.time_to_live_description().unwrap().attribute_name(), Some("gone_at"));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = start().await;
    let port = first.endpoint_url().rsplit(':').next().unwrap().parse().unwrap();

    let error = Aws::start(Options { port, ..Options::new(TEMPLATE) }).await.unwrap_err();

    assert!(matches!(error, StartError::PortTaken { port: p } if p == port), "{error}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data_dir = Some(file.join("data"));

    let error = Aws::start(Options { data_dir, ..Options::new(TEMPLATE) }).await.unwrap_err();

    assert!(matches!(&error, StartError::DataDir { .. }), "{error}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_data_folder_is_used_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    let first = Aws::start(options.clone()).await.unwrap();

    let error = Aws::start(options.clone()).await.unwrap_err();
    first.stop().await;

    assert!(matches!(&error, StartError::DataDirInUse { .. }), "{error}");
    Aws::start(options).await.unwrap();
}

#[tokio::test]
async fn a_template_without_a_table_is_refused() {
    for template in ["Resources: {}", "just text", "a: [", ""] {
        let error = Aws::start(Options::new(template)).await.unwrap_err();
        assert!(matches!(&error, StartError::Template(_)), "{template}: {error}");
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_connections() {
    let aws = start().await;
    let client = dynamodb(&aws);
    client.list_tables().send().await.unwrap();

    let stopped = tokio::time::timeout(std::time::Duration::from_secs(2), aws.stop()).await;

    assert!(stopped.is_ok());
    assert!(client.list_tables().send().await.is_err());
}

#[tokio::test]
async fn an_unknown_operation_gets_a_clear_error() {
    let aws = start().await;

    let (status, body) = http(&aws, "GET", "/bucket/key").await;
    assert_eq!((status, &body["__type"]), (404, &"UnknownOperationException".into()));
    assert!(body["message"].as_str().unwrap().starts_with("GET /bucket/key: "));

    let (status, _) = http(&aws, "GET", "/").await;
    assert_eq!(status, 200, "the health check of DynamoDB");
}
