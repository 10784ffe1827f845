use accounts::clock::Clock;
use journeys::{Item, n, s};
use serde_json::json;

use crate::deployment::Deployment;
use crate::events::event;

const USER: &str = "USER#01a1fdfa-45fe-7c21-8f50-4b3a2d1c0e9f";
const HOUR: i64 = 3600;

impl Deployment {
    /// Puts an item that the sweep looks at from `due` on; in that second it expires, too.
    async fn put(&self, pk: &str, sk: &str, due: i64, rest: &[(&str, &str)]) {
        let mut item = Item::from([
            ("pk".to_owned(), s(pk)),
            ("sk".to_owned(), s(sk)),
            ("expires_at".to_owned(), n(due)),
            ("sweep_pk".to_owned(), s("SWEEP#3")),
            ("sweep_at".to_owned(), n(due)),
        ]);
        item.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), s(*value))));
        let request = self.dynamodb.put_item().table_name(self.aws.table_name());
        request.set_item(Some(item)).send().await.unwrap();
    }

    async fn sort_keys(&self) -> Vec<String> {
        let scan = self.dynamodb.scan().table_name(self.aws.table_name()).send().await.unwrap();
        let mut keys: Vec<_> =
            scan.items().iter().map(|item| item["sk"].as_s().unwrap().clone()).collect();
        keys.sort();
        keys
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_removed_and_counted() {
    let deployment = Deployment::start().await;
    let now = Clock::System.now().as_second();
    deployment.put("EMAIL#ann@example.com", "OTP#activation", now - HOUR, &[]).await;
    deployment.put(USER, "SESSION#over", now - HOUR, &[]).await;
    deployment.put(USER, "SESSION#good", now + HOUR, &[]).await;
    deployment.put("JTI#used", "JTI", now - HOUR, &[]).await;
    deployment.put("JTI#opened", "JTI", now - HOUR, &[]).await;

    let counts = deployment.token_cleanup.invoke(event("schedule", &[])).await;
    let (codes, sessions, token_ids) = (1, 1, 2);
    let expected = json!({ "codes": codes, "sessions": sessions, "token_ids": token_ids,
        "accounts": 0, "sign_ups": 0, "decoys": 0, "mails": 0, "postponed": 0, "is_complete": true });
    assert_eq!(counts, expected);
    assert_eq!(deployment.sort_keys().await, ["SESSION#good"]);

    let counts = deployment.token_cleanup.invoke(event("schedule", &[])).await;
    assert_eq!(
        counts,
        json!({ "codes": 0, "sessions": 0, "token_ids": 0,
        "accounts": 0, "sign_ups": 0, "decoys": 0, "mails": 0, "postponed": 0, "is_complete": true })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_got_stuck_comes_to_the_stream_again() {
    let deployment = Deployment::start().await;
    let now = Clock::System.now().as_second();
    let mail = "MAIL#01a1fdfa-4600-7d3e-9a4b-2f1c0e8d7a65";
    deployment.put(mail, "MAIL", now - HOUR, &[("kind", "mail"), ("state", "sending")]).await;
    let update = deployment.dynamodb.update_item().table_name(deployment.aws.table_name());
    let update = update.key("pk", s(mail)).key("sk", s("MAIL"));
    let update = update.update_expression("SET lease_until = :over");
    update.expression_attribute_values(":over", n(now - HOUR)).send().await.unwrap();

    let counts = deployment.token_cleanup.invoke(event("schedule", &[])).await;
    assert_eq!(counts["mails"], 1, "{counts}");
    let records = deployment.mail_records().await;
    assert_eq!(records[0]["dynamodb"]["Keys"]["pk"]["S"], mail);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_no_schedule_is_an_error() {
    let deployment = Deployment::start().await;
    let error = deployment.token_cleanup.invoke(event("schedule-invalid", &[])).await;
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("missing field `detail-type`"), "{error}");
}
