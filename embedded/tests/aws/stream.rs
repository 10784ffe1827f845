//! The stream on its way to a function, with what Lambda does about failures.

use crate::support::{TEMPLATE, dynamodb, item, number, start, text};
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use embedded::{Aws, EventSourceMapping, ManualClock, Options, REGION, Stream, StreamError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Answer = Result<DynamoDbEventResponse, String>;

fn stream(aws: &Aws) -> Stream {
    stream_as(aws, TEMPLATE)
}

fn stream_as(aws: &Aws, template: &str) -> Stream {
    Stream::new(aws, EventSourceMapping::from_template(template, "Mailer").unwrap()).unwrap()
}

async fn put(aws: &Aws, pk: &str, kind: &str, state: &str) {
    let item = Some(item(pk, &[("kind", text(kind)), ("state", text(state))]));
    dynamodb(aws).put_item().table_name("latchkey").set_item(item).send().await.unwrap();
}

async fn put_mails(aws: &Aws, pks: &[&str]) {
    for pk in pks {
        put(aws, pk, "mail", "due").await;
    }
}

/// A function that remembers the batches it was called with, as in `ab cd`, and fails on those
/// records that are in `bad`, as a whole or by item.
struct Function {
    batches: Mutex<Vec<String>>,
    bad: Mutex<&'static str>,
    by_item: bool,
}

impl Function {
    fn failing_on(bad: &'static str) -> Self {
        Self { batches: Mutex::default(), bad: Mutex::new(bad), by_item: true }
    }

    fn failing_whole_on(bad: &'static str) -> Self {
        Self { by_item: false, ..Self::failing_on(bad) }
    }

    fn call(&self, event: &Event) -> Answer {
        let bad = *self.bad.lock().unwrap();
        let (mut batch, mut response) = (String::new(), DynamoDbEventResponse::default());
        for record in &event.records {
            let pk = pk_of(record);
            if bad.contains(&pk) {
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier.clone_from(&record.change.sequence_number);
                response.batch_item_failures.push(failure);
            }
            batch += &pk;
        }
        self.batches.lock().unwrap().push(batch);
        if !self.by_item && !response.batch_item_failures.is_empty() {
            return Err("broken".to_owned());
        }
        Ok(response)
    }

    /// The batches since the last time, in the order of the calls.
    fn called(&self) -> String {
        std::mem::take(&mut *self.batches.lock().unwrap()).join(" ")
    }
}

fn pk_of(record: &aws_lambda_events::event::dynamodb::EventRecord) -> String {
    let keys: serde_json::Value = serde_json::to_value(&record.change.keys).unwrap();
    keys["pk"]["S"].as_str().unwrap().to_owned()
}

/// A pass over the stream: how many were taken, how many wait, and which were given up.
async fn pass(stream: &mut Stream, function: &Function) -> (usize, usize, String) {
    let delivery = stream.deliver(&|event| async move { function.call(&event) }).await;
    (delivery.delivered, delivery.retrying, delivery.failed.iter().map(pk_of).collect())
}

fn passed(delivered: usize, retrying: usize, failed: &str) -> (usize, usize, String) {
    (delivered, retrying, failed.to_owned())
}

#[tokio::test]
async fn a_function_gets_what_passes_its_filter_in_batches() {
    let aws = start().await;
    put(&aws, "x", "user", "due").await;
    put_mails(&aws, &["a", "b", "c", "d", "e"]).await;
    put(&aws, "a", "mail", "sent").await;
    let (mut stream, function) = (stream(&aws), Function::failing_on(""));

    assert_eq!(pass(&mut stream, &function).await, passed(5, 0, ""));
    assert_eq!(function.called(), "abcd e");

    put_mails(&aws, &["a"]).await;
    assert_eq!(pass(&mut stream, &function).await, passed(1, 0, ""));
    assert_eq!(pass(&mut stream, &function).await, passed(0, 0, ""));
    assert_eq!(function.called(), "a");
}

#[tokio::test]
async fn a_record_is_as_lambda_sends_it() {
    let clock = ManualClock::new(1_000_000);
    let aws = Aws::start(Options { clock: Some(clock.arc()), ..Options::new(TEMPLATE) });
    let aws = aws.await.unwrap();
    put_mails(&aws, &["a"]).await;
    let events = Mutex::new(Vec::new());

    stream(&aws)
        .deliver(&|event: Event| {
            events.lock().unwrap().push(event);
            async { Answer::Ok(DynamoDbEventResponse::default()) }
        })
        .await;

    let event = events.into_inner().unwrap().remove(0);
    let record = serde_json::to_value(&event.records[0]).unwrap();
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["awsRegion"], REGION);
    let arn = record["eventSourceARN"].as_str().unwrap();
    let start = format!("arn:aws:dynamodb:{REGION}:000000000000:table/latchkey/stream/");
    assert!(arn.starts_with(&start), "{arn}");
    let change = &record["dynamodb"];
    assert_eq!(change["Keys"], serde_json::json!({ "pk": { "S": "a" }, "sk": { "S": "a" } }));
    assert_eq!(change["NewImage"]["state"], serde_json::json!({ "S": "due" }));
    assert_eq!(change["StreamViewType"], "NEW_IMAGE");
    assert!(change["SequenceNumber"].as_str().unwrap().len() >= 21);
    assert_eq!(event.records[0].change.approximate_creation_date_time.timestamp(), 1_000_000);
}

#[tokio::test]
async fn from_the_lowest_failed_record_on_all_are_tried_again() {
    let aws = start().await;
    put_mails(&aws, &["a", "b", "c", "d", "e"]).await;
    let (mut stream, function) = (stream(&aws), Function::failing_on("c"));

    assert_eq!(pass(&mut stream, &function).await, passed(2, 3, ""));
    assert_eq!(function.called(), "abcd");

    *function.bad.lock().unwrap() = "";
    assert_eq!(pass(&mut stream, &function).await, passed(3, 0, ""));
    assert_eq!(function.called(), "cd e");
}

#[tokio::test]
async fn a_poisoned_record_is_given_up_and_the_others_get_through() {
    let aws = start().await;
    put_mails(&aws, &["a", "b", "c", "d", "e"]).await;
    let (mut stream, function) = (stream(&aws), Function::failing_whole_on("c"));

    let mut passes = Vec::new();
    loop {
        passes.push(pass(&mut stream, &function).await);
        if passes.last().unwrap().1 == 0 {
            break;
        }
    }

    // Split until it is alone; then tried once, and twice more.
    assert_eq!(function.called(), "abcd ab cd c c c d e");
    let (last, before) = passes.split_last().unwrap();
    assert_eq!(*last, passed(2, 0, "c"));
    assert_eq!(before.iter().map(|pass| pass.0).sum::<usize>(), 2);
    assert!(before.iter().all(|pass| pass.2.is_empty()));
    assert_eq!(pass(&mut stream, &function).await, passed(0, 0, ""));
}

#[tokio::test]
async fn without_splitting_a_whole_batch_is_given_up() {
    let aws = start().await;
    let template = TEMPLATE.replace("BisectBatchOnFunctionError: true", "");
    put_mails(&aws, &["a", "b", "c", "d", "e"]).await;
    let (mut stream, function) = (stream_as(&aws, &template), Function::failing_whole_on("c"));

    assert_eq!(pass(&mut stream, &function).await, passed(0, 5, ""));
    assert_eq!(pass(&mut stream, &function).await, passed(0, 5, ""));
    assert_eq!(pass(&mut stream, &function).await, passed(1, 0, "abcd"));
    assert_eq!(function.called(), "abcd abcd abcd e");
}

#[tokio::test]
async fn item_failures_count_only_if_the_template_says_so() {
    let aws = start().await;
    let template = TEMPLATE.replace("FunctionResponseTypes: [ReportBatchItemFailures]", "");
    put_mails(&aws, &["a", "b"]).await;
    let (mut stream, function) = (stream_as(&aws, &template), Function::failing_on("a"));

    assert_eq!(pass(&mut stream, &function).await, passed(2, 0, ""));
}

#[tokio::test]
async fn a_function_that_panics_is_called_again() {
    let aws = start().await;
    put_mails(&aws, &["a"]).await;
    let (mut stream, calls) = (stream(&aws), AtomicUsize::new(0));
    let function = |_: Event| {
        assert!(calls.fetch_add(1, Ordering::Relaxed) > 0, "the first call panics");
        async { Answer::Ok(DynamoDbEventResponse::default()) }
    };

    assert_eq!(stream.deliver(&function).await.retrying, 1);
    assert_eq!(stream.deliver(&function).await.delivered, 1);
}

#[tokio::test]
async fn a_record_that_grows_too_old_is_given_up() {
    let clock = ManualClock::new(1_000_000);
    let aws = Aws::start(Options { clock: Some(clock.arc()), ..Options::new(TEMPLATE) });
    let aws = aws.await.unwrap();
    let template = TEMPLATE
        .replace("MaximumRetryAttempts: 2", "MaximumRetryAttempts: -1")
        .replace("BatchSize: 4", "BatchSize: 4\n            MaximumRecordAgeInSeconds: 600");
    put_mails(&aws, &["a"]).await;
    let (mut stream, function) = (stream_as(&aws, &template), Function::failing_on("a"));
    for _ in 0..10 {
        assert_eq!(pass(&mut stream, &function).await, passed(0, 1, ""));
    }

    clock.tick(Duration::from_secs(601));
    put_mails(&aws, &["b"]).await;

    assert_eq!(pass(&mut stream, &function).await, passed(1, 0, "a"));
    let mut after_a_restart = stream_as(&aws, &template);
    assert_eq!(pass(&mut after_a_restart, &function).await, passed(1, 0, ""));
}

#[tokio::test]
async fn ttl_deletion_is_seen_as_the_services_work() {
    let clock = ManualClock::new(1_000);
    let aws = Aws::start(Options { clock: Some(clock.arc()), ..Options::new(TEMPLATE) });
    let aws = aws.await.unwrap();
    let short = Some(item("a", &[("expires_at", number(2_000))]));
    dynamodb(&aws).put_item().table_name("latchkey").set_item(short).send().await.unwrap();
    clock.set(3_000);
    aws.sweep_ttl().await.unwrap();
    let start = TEMPLATE.find("            FilterCriteria").unwrap();
    let end = TEMPLATE.find("Outputs:").unwrap();
    let unfiltered = TEMPLATE.replace(&TEMPLATE[start..end], "");
    let seen = Mutex::new(Vec::new());

    stream_as(&aws, &unfiltered)
        .deliver(&|event: Event| {
            seen.lock().unwrap().extend(event.records);
            async { Answer::Ok(DynamoDbEventResponse::default()) }
        })
        .await;

    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[1].event_name, "REMOVE");
    let by = seen[1].user_identity.as_ref().unwrap();
    assert_eq!(
        (by.type_.as_str(), by.principal_id.as_str()),
        ("Service", "dynamodb.amazonaws.com")
    );
}

#[tokio::test]
async fn a_running_stream_delivers_until_it_is_stopped() {
    let aws = start().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (saw, mut counts) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |event: Event| {
        saw.send(event.records.len()).unwrap();
        async { Answer::Ok(DynamoDbEventResponse::default()) }
    };
    let running = tokio::spawn(stream(&aws).run(handler, Duration::from_millis(5), async {
        let _ = stopped.await;
    }));

    put_mails(&aws, &["a"]).await;
    assert_eq!(counts.recv().await, Some(1));
    put_mails(&aws, &["b"]).await;
    assert_eq!(counts.recv().await, Some(1));

    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_mapping_refuses_a_template_that_is_not_explicit() {
    let other = |from: &str, to: &str| {
        let template = TEMPLATE.replace(from, to);
        assert_ne!(template, TEMPLATE);
        EventSourceMapping::from_template(&template, "Mailer").unwrap_err().to_string()
    };

    let error = EventSourceMapping::from_template(TEMPLATE, "Nobody").unwrap_err();
    assert!(matches!(error, StreamError::Template { .. }));
    assert_eq!(error.to_string(), "the template's function Nobody: has no resource Nobody");
    assert!(other(r#"["mail"]"#, r#"[{"prefix":"m"}]"#).contains("exact strings"));
    assert!(other("BatchSize: 4", "BatchSize: !Ref Size").contains("invalid type"));
    assert!(other("BatchSize: 4", "BatchSize: 0").contains("BatchSize 0"));
    assert!(other("TRIM_HORIZON", "SOMEWHERE").contains("SOMEWHERE"));
    assert!(other("Type: DynamoDB", "Type: SQS").contains("no DynamoDB event"));
}

#[tokio::test]
async fn a_table_without_stream_is_refused() {
    let template = TEMPLATE.replace("StreamSpecification: { StreamViewType: NEW_IMAGE }", "");
    let aws = Aws::start(Options::new(template)).await.unwrap();

    let mapping = EventSourceMapping::from_template(TEMPLATE, "Mailer").unwrap();

    assert!(matches!(Stream::new(&aws, mapping), Err(StreamError::NoStream { .. })));
}
