//! The metrics in the log.

use jiff::SignedDuration;
use journeys::log::metrics;
use journeys::{PASSWORD, Site};
use serde_json::{Value, json};

use crate::logs::CONCEALING;

/// The values of a metric, each with its dimensions.
pub(crate) fn values(name: &str) -> Vec<Value> {
    let of = |line: Value| {
        let dimensions = ["Kind", "Outcome"].into_iter().filter(|name| !line[name].is_null());
        let named = dimensions.map(|name| line[name].clone()).collect::<Vec<_>>();
        (!line[name].is_null()).then(|| json!([line[name], named]))
    };
    metrics().into_iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_pending_sign_up_is_counted_when_its_link_is_used() {
    let site = Site::with(CONCEALING).await;
    site.sign_up("ann").await;
    let link = site.link_token("ann@example.com").await;
    assert!(values("SignUps").is_empty());
    for _ in 0..2 {
        site.verify_account(&link).await;
    }
    assert_eq!(values("SignUps"), [json!([1, []])]);
    site.register("ann@example.com", "eve", PASSWORD, PASSWORD).await;
    site.deliver_mail().await;
    assert_eq!(values("SignUps").len(), 1);
    let mails = [["activation", "sent"], ["already_registered", "sent"]];
    assert_eq!(values("Mails"), mails.map(|mail| json!([1, mail])));
}

#[tokio::test]
async fn log_ins_refreshes_and_reuse_are_measured() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.token_auth(json!({ "username": "ann", "password": "another one" })).await;
    let bob = site.sign_up("bob").await;
    site.token_auth(json!({ "username": bob.name, "password": PASSWORD })).await;
    site.refreshed(&ann).await;
    site.advance(SignedDuration::from_secs(60));
    assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
    let log_ins = ["ok", "invalid_credentials", "not_verified"];
    assert_eq!(values("LogIns"), log_ins.map(|outcome| json!([1, [outcome]])));
    assert_eq!(values("Refreshes"), ["ok", "invalid_token"].map(|outcome| json!([1, [outcome]])));
    assert_eq!(values("ReuseDetected"), [json!([1, []])]);
}

#[tokio::test]
async fn what_the_clean_up_removes_is_measured_by_kind() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    site.advance(SignedDuration::from_hours(24 * 90));
    let counts = site.clean_up().await;
    assert!(counts.sessions > 0 && counts.token_ids > 0, "{counts:?}");
    let swept = values("Swept");
    assert!(swept.contains(&json!([counts.sessions, ["session"]])), "{swept:?}");
    assert!(swept.contains(&json!([counts.token_ids, ["token_id"]])), "{swept:?}");
}
