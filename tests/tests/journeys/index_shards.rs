//! The number of parts of the indexes grows without a migration.

use std::collections::BTreeSet;

use accounts::model::{EventKind, NewEvent};
use accounts::operations::Counts;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use journeys::{Site, n, s};
use serde_json::Value;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const MORE: &[(&str, &str)] = &[("USERS_QUERY", "public"), ("INDEX_SHARDS", "32")];

/// The partition keys of an index that the items have.
async fn parts(site: &Site, attribute: &str, prefix: &str) -> BTreeSet<String> {
    let items = site.all_items().await.into_iter();
    let keys = items.filter_map(|item| item.get(attribute)?.as_s().ok().cloned());
    keys.filter(|key| key.starts_with(prefix)).collect()
}

/// The names of a page of users, and its last cursor.
async fn page(site: &Site, arguments: &str) -> (Vec<String>, String) {
    let document = format!(
        "{{ users({arguments}) {{ pageInfo {{ endCursor }} edges {{ node {{ username }} }} }} }}"
    );
    let answer = site.graphql(&document, Value::Null).await.json();
    let edges = answer["data"]["users"]["edges"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let names = edges.iter().map(|edge| edge["node"]["username"].as_str().unwrap().to_owned());
    let end = answer["data"]["users"]["pageInfo"]["endCursor"].as_str().unwrap_or_default();
    (names.collect(), end.to_owned())
}

async fn add(site: &Site, from: usize, to: usize) -> Vec<String> {
    let mut names = Vec::new();
    for number in from..to {
        names.push(site.add_user(&format!("user{number:03}"), |_| {}).await.username);
    }
    names
}

/// An item that expired a minute ago, in that part.
async fn put_due(site: &Site, id: &str, part: u8) {
    let over = site.now().as_second() - 60;
    let item = [
        ("pk", s(format!("JTI#{id}"))),
        ("sk", s("JTI")),
        ("kind", s("jti")),
        ("version", n(1)),
        ("expires_at", n(over)),
        ("sweep_pk", s(format!("SWEEP#{part}"))),
        ("sweep_at", n(over)),
    ];
    site.put(item.map(|(name, value)| (name.to_owned(), value)).into()).await;
}

#[tokio::test]
async fn with_more_parts_the_lists_have_the_users_of_before_and_after() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let mut users = add(&site, 0, 40).await;
    let before = parts(&site, "list_pk", "USERS#").await;
    assert_eq!(before, (0..8).map(|part| format!("USERS#{part}")).collect());
    let (_, cursor) = page(&site, "first: 30").await;

    let site = site.restarted_with(MORE);
    users.extend(add(&site, 40, 99).await);

    let after = parts(&site, "list_pk", "USERS#").await;
    assert!(after.len() > 16 && after.is_superset(&before), "{after:?}");
    assert_eq!(page(&site, "first: 100").await.0, users);
    assert_eq!(page(&site, "last: 70").await.0, users[29..]);
    // A place of before is still one.
    assert_eq!(page(&site, &format!("first: 100, after: \"{cursor}\"")).await.0, users[30..]);
    assert_eq!(page(&site, "username_Istartswith: \"user0\"").await.0, users);
}

#[tokio::test]
async fn with_more_parts_the_clean_up_removes_what_is_due_in_each() {
    let site = Site::start().await;
    put_due(&site, "old", 7).await;
    let site = site.restarted_with(MORE);
    for number in 0..60 {
        site.sign_up(&format!("user{number}")).await;
    }
    let used = parts(&site, "sweep_pk", "SWEEP#").await;
    assert!(used.len() > 16, "{used:?}");
    put_due(&site, "new", 31).await;
    assert_eq!(site.clean_up().await.token_ids, 2);
    // Mails that never left: a later run makes each of them due again.
    site.advance(MINUTE * 11);
    assert_eq!(site.clean_up().await.mails, 60);
}

#[tokio::test]
async fn with_more_parts_the_events_of_a_day_count_together() {
    let site = Site::start().await;
    let mut users = Vec::new();
    for number in 0..16 {
        users.push(site.add_user(&format!("user{number}"), |_| {}).await.id);
    }
    let today = site.now().to_zoned(TimeZone::UTC).date();
    let log_in = async |site: &Site| {
        for user in &users {
            site.store.add_event(NewEvent::of(EventKind::LoggedIn, *user)).await.unwrap();
        }
    };
    log_in(&site).await;
    let key = format!("EVENTS#{today}#logged_in");
    assert_eq!(parts(&site, "list_pk", "EVENTS#").await.iter().filter(|it| **it == key).count(), 1);
    let site = site.restarted_with(&[("INDEX_SHARDS", "64")]);
    log_in(&site).await;

    let parts = parts(&site, "list_pk", &key).await;
    assert!(parts.len() > 3 && parts.contains(&key), "{parts:?}");
    let count = |day, most| site.store.count_events(day, EventKind::LoggedIn, most);
    assert_eq!(count(today, 1_000).await.unwrap(), 32);
    assert_eq!(count(today, 31).await.unwrap(), 31);
    assert_eq!(count(today.saturating_sub(1.day()), 1_000).await.unwrap(), 0);
}

#[tokio::test]
async fn the_clean_up_also_finds_the_parts_of_a_number_that_was_lowered() {
    let site = Site::start().await;
    put_due(&site, "one", 63).await;
    let mut token_ids = Vec::new();
    for _ in 0..10 {
        let Counts { token_ids: removed, .. } = site.clean_up().await;
        token_ids.push(removed);
        site.advance(MINUTE);
    }
    assert_eq!(token_ids.iter().sum::<u64>(), 1, "{token_ids:?}");
    assert_eq!(token_ids[0], 0, "not in each run: {token_ids:?}");
}
