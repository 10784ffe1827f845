//! `users` on a table of 5,000: the cost of a page is bounded, and every row is there once.

use std::collections::HashSet;

use journeys::Site;
use serde_json::{Value, json};

const COUNT: usize = 5_000;

/// 5,000 users, one in a thousand inactive.
async fn site() -> (Site, Vec<String>) {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let users = site.add_users("user", COUNT, |n, user| user.is_active = n % 1_000 != 999).await;
    (site, users.into_iter().map(|user| user.username).collect())
}

/// All rows by going on from page to page, and how many pages that were.
async fn all(site: &Site, page: &str, cursor: &str, filter: &str) -> (Vec<String>, usize) {
    let (is_backwards, mut rows, mut pages) = (page.starts_with("last"), Vec::new(), 0);
    let mut place = Value::Null;
    loop {
        let document = format!(
            "query($c: String) {{ users({page}, {cursor}: $c {filter}) {{
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
                edges {{ node {{ username }} }} }} }}"
        );
        let answer = site.graphql(&document, json!({ "c": place })).await.json();
        let found = &answer["data"]["users"];
        let edges = found["edges"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let names = edges.iter().map(|edge| edge["node"]["username"].as_str().unwrap().to_owned());
        let names: Vec<String> = names.collect();
        rows = if is_backwards { [names, rows].concat() } else { [rows, names].concat() };
        pages += 1;
        let (more, end) = if is_backwards {
            ("hasPreviousPage", "startCursor")
        } else {
            ("hasNextPage", "endCursor")
        };
        place = found["pageInfo"][end].clone();
        if found["pageInfo"][more] != true {
            return (rows, pages);
        }
        assert!(place.is_string(), "{answer}");
    }
}

/// The capacity units that a request reads.
async fn units(site: &Site, arguments: &str) -> f64 {
    site.aws.tally().start();
    let document = format!("{{users({arguments}){{edges{{node{{username}}}}}}}}");
    let answer = site.graphql(&document, Value::Null).await.json();
    assert!(answer["data"]["users"]["edges"].is_array(), "{answer}");
    let units = site.aws.tally().take().iter().map(|call| call.read_units).sum();
    site.aws.tally().stop();
    units
}

#[tokio::test]
async fn every_row_is_there_once_and_in_order() {
    let (site, users) = site().await;

    let (rows, pages) = all(&site, "first: 100", "after", "").await;
    assert_eq!((&rows, pages), (&users, 50));
    let (rows, pages) = all(&site, "last: 100", "before", "").await;
    assert_eq!((&rows, pages), (&users, 50));
    let (rows, pages) = all(&site, "first: 97", "after", "").await;
    assert_eq!((&rows, pages), (&users, 52));

    // By name, which here is by age too.
    let third = users[3_000..4_000].to_vec();
    for (size, cursor) in [("first: 90", "after"), ("last: 90", "before")] {
        let (rows, pages) = all(&site, size, cursor, ", username_Istartswith: \"USER3\"").await;
        assert_eq!((&rows, pages), (&third, 12), "{size}");
    }

    // One in a thousand: the reads of a page are bounded, so there are pages without a row.
    let inactive: Vec<String> = users.iter().skip(999).step_by(1_000).cloned().collect();
    for (size, cursor) in [("first: 10", "after"), ("last: 10", "before")] {
        let (rows, pages) = all(&site, size, cursor, ", isActive: false").await;
        assert_eq!(rows, inactive, "{size}");
        assert!((2..=6).contains(&pages), "{size}: {pages}");
    }
    let (rows, _) = all(&site, "first: 10", "after", ", username_Icontains: \"R123\"").await;
    assert_eq!(rows, users[1_230..1_240]);

    // By offset, as far as it goes.
    let (rows, _) = all(&site, "first: 100, offset: 0", "after", "").await;
    assert_eq!(rows, users);
    let document = "{users(offset: 4990){edges{node{username}}}}";
    let answer = site.graphql(document, Value::Null).await.json();
    let edges = answer["data"]["users"]["edges"].as_array().unwrap().clone();
    let names: Vec<_> = edges.iter().map(|edge| edge["node"]["username"].clone()).collect();
    assert_eq!(json!(names), json!(users[4_990..]));
    let beyond = "{users(offset: 3, isActive: false){edges{node{username}}}}";
    let answer = site.graphql(beyond, Value::Null).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_page"));
}

#[tokio::test]
async fn a_page_costs_what_it_holds_and_not_what_the_table_holds() {
    let small = Site::with(&[("USERS_QUERY", "public")]).await;
    small.add_users("user", 50, |_, _| {}).await;
    let (large, _) = site().await;
    for arguments in [
        "first: 10",
        "last: 10",
        "username: \"user0007\"",
        "email: \"user0007@example.com\"",
        "first: 10, username_Istartswith: \"user00\"",
    ] {
        let (small, large) = (units(&small, arguments).await, units(&large, arguments).await);
        assert!(
            large > 0.0 && large <= small + 4.0,
            "{arguments}: {small} of 50, {large} of 5,000"
        );
    }
    let (ten, hundred) = (units(&large, "first: 10").await, units(&large, "first: 100").await);
    assert!(hundred <= 10.0 * ten, "{ten} for 10, {hundred} for 100");
    // A filter that few users pass reads that many users, and no more.
    let filtered = units(&large, "first: 1, isActive: false, username_Icontains: \"nobody\"").await;
    assert!((500.0..=1_200.0).contains(&filtered), "{filtered}");
}

#[tokio::test]
async fn a_sign_up_between_two_pages_doubles_no_row() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    site.add_users("m", 30, |_, _| {}).await;
    let mut seen = HashSet::new();
    let mut after = Value::Null;
    for n in 0..20 {
        let document =
            "query($c: String) { users(first: 7, after: $c, username_Istartswith: \"m\") {
            pageInfo { hasNextPage endCursor } edges { node { username } } } }";
        let answer = site.graphql(document, json!({ "c": after })).await.json();
        let page = &answer["data"]["users"];
        for edge in page["edges"].as_array().unwrap() {
            assert!(seen.insert(edge["node"]["username"].to_string()), "{edge} twice");
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        // One before the place that was reached, one behind it.
        site.add_user(&format!("m0000x{n}"), |_| {}).await;
        site.add_user(&format!("mz{n}"), |_| {}).await;
    }
    assert!((0..30).all(|n| seen.contains(&format!("\"m{n:04}\""))), "{seen:?}");
}
