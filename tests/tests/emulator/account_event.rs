use serde_json::json;

use crate::deployment::Deployment;
use crate::events::event;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_account_reaches_the_bus() {
    let deployment = Deployment::start().await;
    let report = deployment.account_event.invoke(event("stream-event", &[])).await;
    assert_eq!(report, json!({ "batchItemFailures": [] }));
    let published = deployment.aws.event_bus().events();
    let [published] = &published[..] else { panic!("{published:?}") };
    assert_eq!(published["detail-type"], "user.password_changed", "{published}");
    let user = &published["detail"]["data"]["user_id"];
    assert_eq!(user, "01a1fdfa-45fe-7c21-8f50-4b3a2d1c0e9f", "{published}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_event_is_reported_by_its_number_and_not_published() {
    let deployment = Deployment::start().await;
    let report = deployment.account_event.invoke(event("stream-event-poisoned", &[])).await;
    let failure = json!({ "itemIdentifier": "4421584500000000017450439094" });
    assert_eq!(report, json!({ "batchItemFailures": [failure] }));
    assert!(deployment.aws.event_bus().events().is_empty());
}
