use serde_json::json;

use crate::deployment::Deployment;
use crate::events::{event, stream_batch};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_record_twice_sends_one_mail() {
    let deployment = Deployment::start().await;
    deployment.api("register", &[]).await;
    let batch = stream_batch(&deployment.mail_records().await).to_string();
    deployment.email_event.invoke(batch.as_str()).await;
    let report = deployment.email_event.invoke(batch).await;
    assert_eq!(report, json!({ "batchItemFailures": [] }));
    assert_eq!(deployment.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_record_is_reported_by_its_number_and_holds_up_none() {
    let deployment = Deployment::start().await;
    deployment.api("register", &[]).await;
    let good = deployment.mail_records().await.remove(0);
    let mut poisoned = good.clone();
    poisoned["dynamodb"]["Keys"]["pk"]["S"] = json!("MAIL#nonsense");
    poisoned["dynamodb"]["SequenceNumber"] = json!("4421584500000000017450439000");
    let batch = stream_batch(&[poisoned, good]);
    let report = deployment.email_event.invoke(batch.to_string()).await;
    let failure = json!({ "itemIdentifier": "4421584500000000017450439000" });
    assert_eq!(report, json!({ "batchItemFailures": [failure] }));
    assert_eq!(deployment.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poisoned_sample_is_reported() {
    let deployment = Deployment::start().await;
    let report = deployment.email_event.invoke(event("stream-poisoned", &[])).await;
    let failure = json!({ "itemIdentifier": "4421584500000000017450439092" });
    assert_eq!(report, json!({ "batchItemFailures": [failure] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_marks_the_address_and_ends_mail_to_it() {
    let deployment = Deployment::start().await;
    deployment.api("register", &[]).await;
    let answer = deployment.email_event.invoke(event("bounce", &[])).await;
    assert_eq!(answer, json!(null));
    let batch = stream_batch(&deployment.mail_records().await).to_string();
    let report = deployment.email_event.invoke(batch).await;
    assert_eq!(report, json!({ "batchItemFailures": [] }));
    assert!(deployment.mails().is_empty());
}
