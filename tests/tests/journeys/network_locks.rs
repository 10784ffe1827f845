//! The locks of networks in the audit trail: one event for each lock, of no user.

use std::sync::Arc;

use accounts::model::{Client, PlainPassword, Trail};
use accounts::operations::Credentials;
use jiff::SignedDuration;
use journeys::{Site, at_once};
use serde_json::{Value, json};

const LIMITS_WITHOUT_WORK: &[(&str, &str)] = &[("THROTTLE", "on"), ("PROOF_OF_WORK", "off")];
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// Each lock of a network in the trail, oldest first: its rule, and the address of the request.
async fn locks(site: &Site) -> Vec<(String, String)> {
    let events = site.store.trail(Trail::OfNoUser, None, 100).await.unwrap().events;
    let locks = events.into_iter().rev().filter(|event| event.event.name() == "network_locked");
    locks
        .map(|event| {
            assert_eq!(event.user_id, None);
            assert_eq!(event.by.to_string(), "anonymous");
            (event.detail.unwrap(), event.ip.unwrap())
        })
        .collect()
}

async fn post(site: &Site, ip: [u8; 4], document: &str, variables: Value) -> Option<String> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    site.send_from(ip, "/graphql", &[("content-type", "application/json")], body).await.code()
}

async fn guess(site: &Site, ip: [u8; 4], name: &str) -> Option<String> {
    let document = "mutation($n: String!) { tokenAuth(username: $n, password: \"not it\") {
        token } }";
    post(site, ip, document, json!({ "n": name })).await
}

async fn ask_for_mail(site: &Site, ip: [u8; 4], number: usize) -> Option<String> {
    let document = "mutation($e: String!) { sendPasswordResetEmail(email: $e) { success } }";
    post(site, ip, document, json!({ "e": format!("nobody{number}@example.com") })).await
}

#[tokio::test]
async fn each_lock_of_a_network_is_one_event_with_its_rule() {
    let site = Site::with(LIMITS_WITHOUT_WORK).await;
    let mut expected = Vec::new();
    for number in 0..20 {
        guess(&site, [192, 0, 2, 1], &format!("user{number}")).await;
    }
    expected.push(("ip_accounts".to_owned(), "192.0.2.1".to_owned()));
    assert_eq!(locks(&site).await, expected);

    // Five at each of ten accounts, and the same once more when those locks have ended.
    for _ in 0..2 {
        for number in 0..50 {
            guess(&site, [192, 0, 2, 2], &format!("other{}", number % 10)).await;
        }
        site.advance(QUARTER);
    }
    guess(&site, [192, 0, 2, 2], "ann").await;
    expected.push(("ip".to_owned(), "192.0.2.2".to_owned()));
    assert_eq!(locks(&site).await, expected);

    for hour in 1..=5 {
        for number in 0..25 {
            ask_for_mail(&site, [192, 0, 2, 3], number).await;
        }
        let rule = if hour == 5 { "ip_requests_day" } else { "ip_requests" };
        expected.push((rule.to_owned(), "192.0.2.3".to_owned()));
        assert_eq!(locks(&site).await, expected, "{hour}");
        site.advance(HOUR);
    }
}

#[tokio::test]
async fn a_thousand_refused_attempts_from_a_locked_network_write_nothing() {
    let site = Site::with(LIMITS_WITHOUT_WORK).await;
    site.signed_in("ann").await;
    for number in 0..15 {
        guess(&site, [192, 0, 2, 1], &format!("user{number}")).await;
    }
    assert_eq!(locks(&site).await.len(), 1);
    let before = site.dump().await;
    let client = Client { ip: Some("192.0.2.1".to_owned()), ..Client::default() };
    for number in 0..1_000 {
        let name = Credentials::Username(format!("user{}", number % 100));
        let answer = site.accounts.log_in(name, PlainPassword::new("not it"), &client).await;
        assert_eq!(answer.unwrap_err().code(), "throttled");
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_attempts_at_once_one_locks_the_network_and_is_the_event() {
    let site = Arc::new(Site::with(LIMITS_WITHOUT_WORK).await);
    let answers = at_once(40, |number| {
        let site = site.clone();
        async move { guess(&site, [192, 0, 2, 1], &format!("user{number}")).await }
    })
    .await;
    let judged = answers.iter().filter(|code| code.as_deref() != Some("throttled")).count();
    assert_eq!(judged, 15, "{answers:?}");
    assert_eq!(locks(&site).await.len(), 1);
}

#[tokio::test]
async fn the_attempt_that_locks_a_network_takes_no_more_round_trips_than_the_one_before() {
    let site = Site::with(LIMITS_WITHOUT_WORK).await;
    let mut costs = Vec::new();
    for number in 0..15 {
        site.calls.take();
        guess(&site, [192, 0, 2, 1], &format!("user{number}")).await;
        costs.push(site.calls.take());
    }
    assert_eq!(locks(&site).await.len(), 1);
    assert_eq!(costs[13], costs[14]);
}
