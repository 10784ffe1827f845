use std::collections::BTreeSet;
use std::sync::Arc;

use accounts::operations::Counts;
use accounts::store::Claimed;
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Item, Site, at_once, forge, n, s};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// More than one query of the clean-up reads.
const MANY: usize = 300;

fn nothing() -> Counts {
    Counts { is_complete: true, ..Counts::default() }
}

/// Writes expired token ids, all in one part of the index.
async fn put_expired_ids(site: &Site, count: usize) {
    let over = site.now().as_second() - 60;
    for number in 0..count {
        let id = Item::from([
            ("pk".to_owned(), s(format!("JTI#{number}"))),
            ("sk".to_owned(), s("JTI")),
            ("kind".to_owned(), s("jti")),
            ("version".to_owned(), n(1)),
            ("expires_at".to_owned(), n(over)),
            ("sweep_pk".to_owned(), s("SWEEP#3")),
            ("sweep_at".to_owned(), n(over)),
        ]);
        site.put(id).await;
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

#[tokio::test]
async fn the_clean_up_leaves_valid_items_alone() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.advance(MINUTE * 4);
    let before = site.dump().await;
    assert_eq!(site.clean_up().await, nothing());
    assert_eq!(site.dump().await, before);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_code_is_removed_when_its_ten_minutes_are_over() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    site.deliver_mail().await;
    site.advance(MINUTE * 10 - SignedDuration::from_secs(1));
    assert_eq!(site.clean_up().await.codes, 0);
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(site.clean_up().await, Counts { codes: 1, ..nothing() });
    assert_eq!(site.items("EMAIL#").await, ["GUARD"]);
}

#[tokio::test]
async fn a_session_is_removed_when_it_is_over() {
    let site = Site::with(&[("SEND_ACTIVATION_EMAIL", "false")]).await;
    site.sign_up("ann").await;
    site.advance(DAY * 7 - SignedDuration::from_secs(1));
    assert_eq!(site.clean_up().await, nothing());
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(site.clean_up().await, Counts { sessions: 1, ..nothing() });
    assert_eq!(site.items("USER#").await, ["USER"]);
}

#[tokio::test]
async fn a_session_that_was_refreshed_is_postponed_and_removed_when_it_is_really_over() {
    let settings = &[("SEND_ACTIVATION_EMAIL", "false"), ("ALLOW_LOGIN_NOT_VERIFIED", "true")];
    let site = Site::with(settings).await;
    let ann = site.sign_up("ann").await;
    site.advance(DAY * 6);
    let ann = site.refreshed(&ann).await;
    site.advance(DAY);
    assert_eq!(site.clean_up().await, Counts { postponed: 1, ..nothing() });
    assert_eq!(site.clean_up().await, nothing());
    site.refreshed(&ann).await;
    site.advance(DAY * 6);
    assert_eq!(site.clean_up().await, Counts { postponed: 1, ..nothing() });
    site.advance(DAY);
    assert_eq!(site.clean_up().await, Counts { sessions: 1, ..nothing() });
    assert_eq!(site.items("USER#").await, ["USER"]);
}

#[tokio::test]
async fn the_id_of_a_used_link_is_removed_when_the_link_would_be_over() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let link = site.link_token(&ann.email()).await;
    site.verify_account(&link).await;
    site.revoke_token(&ann.refresh).await;
    assert_eq!(site.items("JTI#").await.len(), 1);
    let left = forge::payload(&link)["exp"].as_i64().unwrap() - site.now().as_second();
    site.advance(SignedDuration::from_secs(left - 1));
    assert_eq!(site.clean_up().await.token_ids, 0);
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(site.clean_up().await.token_ids, 1);
    assert_eq!(site.items("JTI#").await, [""; 0]);
}

#[tokio::test]
async fn the_clean_up_sends_a_mail_whose_lease_has_expired() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    // The sender that has it never ends it.
    let id = site.item("MAIL#", "MAIL").await["id"].as_s().unwrap().parse().unwrap();
    site.advance(MINUTE * 5 - SignedDuration::from_secs(30));
    let claimed = site.store.claim_mail(id, MINUTE, site.now()).await.unwrap();
    assert!(matches!(claimed, Claimed::Yes(..)), "{claimed:?}");

    site.advance(SignedDuration::from_secs(30));
    assert_eq!(site.clean_up().await, nothing(), "its lease is not over");
    site.advance(SignedDuration::from_secs(30));
    assert_eq!(site.clean_up().await, Counts { mails: 1, ..nothing() });
    assert_eq!(site.clean_up().await, nothing(), "it is in the stream");
    assert_eq!(site.mails_to("ann@example.com").await.len(), 1);
    site.advance(MINUTE * 10);
    assert_eq!(site.clean_up().await.mails, 0);
}

#[tokio::test]
async fn a_mail_that_is_stuck_is_picked_up_again_by_waits_that_double() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let mut waits = Vec::new();
    let mut waited = 0;
    while waits.len() < 6 {
        site.advance(MINUTE * 5);
        waited += 5;
        if site.clean_up().await.mails == 1 {
            waits.push(std::mem::take(&mut waited));
        }
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160]);
}

/// So that a sender whose clock is behind can claim it.
#[tokio::test]
async fn a_mail_that_is_picked_up_has_no_lease() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    site.advance(MINUTE * 5);
    assert_eq!(site.clean_up().await.mails, 1);
    let item = site.item("MAIL#", "MAIL").await;
    let id = item["id"].as_s().unwrap().parse().unwrap();
    let behind = site.now() - SignedDuration::from_secs(2);
    let claimed = site.store.claim_mail(id, MINUTE, behind).await.unwrap();
    assert!(matches!(claimed, Claimed::Yes(..)), "{claimed:?}");
}

#[tokio::test]
async fn a_table_is_never_read_as_a_whole() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.revoke_token(&ann.refresh).await;
    site.sign_up("bob").await;
    put_expired_ids(&site, 10).await;
    site.advance(DAY * 8);
    site.aws.tally().start();
    let counts = site.clean_up().await;
    assert!(counts.sessions > 0 && counts.mails > 0 && counts.token_ids >= 10, "{counts:?}");
    let calls = site.aws.tally().take();
    let operations: BTreeSet<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, BTreeSet::from(["DeleteItem", "Query", "UpdateItem"]));
}

#[tokio::test]
async fn a_run_without_time_does_nothing_and_says_that_it_is_not_complete() {
    let site = Site::start().await;
    put_expired_ids(&site, 3).await;
    let counts = token_cleanup::handle(site.cleanup(), site.now()).await.unwrap();
    assert_eq!(counts, Counts::default());
    assert_eq!(site.clean_up().await, Counts { token_ids: 3, ..nothing() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_when_its_time_is_up_and_the_next_one_goes_on() {
    let site = Arc::new(Site::start().await);
    put_expired_ids(&site, MANY).await;
    let gate = Gate::new();
    site.aws.faults().fail("DeleteItem", Times::N(150), Fault::Pass);
    site.aws.faults().fail("DeleteItem", Times::N(1), Fault::Held(gate.clone()));
    let running = site.clone();
    let deadline = site.now() + MINUTE;
    let run =
        tokio::spawn(
            async move { token_cleanup::handle(running.cleanup(), deadline).await.unwrap() },
        );
    gate.arrived(1).await;
    site.advance(MINUTE);
    gate.open();
    let first = run.await.unwrap();
    assert_eq!(first, Counts { token_ids: 200, ..Counts::default() });
    let second = site.clean_up().await;
    assert_eq!(second, Counts { token_ids: count(MANY) - 200, ..nothing() });
    assert_eq!(site.items("JTI#").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_deal_with_each_item_once() {
    let site = Arc::new(Site::start().await);
    put_expired_ids(&site, MANY).await;
    for name in ["ann", "bob", "eve"] {
        site.sign_up(name).await;
    }
    site.advance(MINUTE * 5);
    let runs = at_once(2, |_| {
        let site = site.clone();
        async move { site.clean_up().await }
    })
    .await;
    assert_eq!(runs.iter().map(|counts| counts.token_ids).sum::<u64>(), count(MANY));
    assert_eq!(runs.iter().map(|counts| counts.mails).sum::<u64>(), 3);
    assert_eq!(site.items("JTI#").await, [""; 0]);
    site.deliver_mail().await;
    assert_eq!(site.aws.mailbox().messages().len(), 3);
}

#[tokio::test]
async fn a_run_that_fails_keeps_what_it_did_and_the_next_one_goes_on() {
    let site = Site::start().await;
    put_expired_ids(&site, 150).await;
    site.aws.faults().fail("DeleteItem", Times::N(100), Fault::Pass);
    site.aws.faults().fail("DeleteItem", Times::Always, Fault::InternalError);
    let deadline = site.now() + MINUTE;
    let error = token_cleanup::handle(site.cleanup(), deadline).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    site.end_faults().await;
    // Fewer than 50 if one that was under way when the run failed got there after all.
    let next = site.clean_up().await;
    assert!(next.is_complete && (1..=50).contains(&next.token_ids), "{next:?}");
    assert_eq!(site.items("JTI#").await, [""; 0]);
}
