//! The users in a list, and their order.

use accounts::model::Role;
use journeys::{Actor, Site};
use serde_json::{Value, json};

const PUBLIC: &[(&str, &str)] = &[("USERS_QUERY", "public")];

async fn users(site: &Site, actor: &Actor, arguments: &str) -> Value {
    let document = format!(
        "{{ users({arguments}) {{ pageInfo {{ hasNextPage endCursor }}
            edges {{ node {{ username }} }} }} }}"
    );
    site.ask(actor, &document, Value::Null).await.json()["data"]["users"].clone()
}

async fn names(site: &Site, actor: &Actor, arguments: &str) -> Vec<String> {
    let page = users(site, actor, arguments).await;
    let edges = page["edges"].as_array().cloned().unwrap_or_default();
    edges.iter().map(|edge| edge["node"]["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
pub(super) async fn users_and_user_show_no_other_user_unless_staff_asks() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let bob = site.add_user("bob", |_| {}).await;
    let find = "query($id: ID!) { user(id: $id) { username } }";
    assert_eq!(names(&site, &ann, "first: 9").await, ["ann"]);
    let found = site.ask(&ann, find, json!({ "id": bob.id })).await.json();
    assert_eq!(found["data"]["user"], Value::Null);

    site.store.set_role(ann.user_id(), Role::Staff).await.unwrap();
    let ann = site.log_in(&ann).await;
    assert_eq!(names(&site, &ann, "first: 9").await, ["ann", "bob"]);
    let found = site.ask(&ann, find, json!({ "id": bob.id })).await.json();
    assert_eq!(found["data"]["user"]["username"], "bob");
}

#[tokio::test]
pub(super) async fn users_are_found_by_any_spelling_that_logs_in() {
    let site = Site::with(PUBLIC).await;
    site.add_user("Bob", |user| {
        user.secondary_email = Some("Second@example.com".to_owned());
        user.secondary_email_key = Some("second@example.com".to_owned());
    })
    .await;
    for filter in [
        "email: \"BOB@EXAMPLE.com\"",
        "email: \" bob@example.com\"",
        "username: \"BOB\"",
        "username: \"ｂｏｂ\"",
        "status_SecondaryEmail: \"SECOND@example.com\"",
        "email: \"bOb@example.com\", username: \"bob\"",
    ] {
        assert_eq!(names(&site, &Actor::default(), filter).await, ["Bob"], "{filter}");
    }
    for filter in
        ["email: \"bob\"", "username: \"bo\"", "email: \"second@example.com\"", "username: \"b b\""]
    {
        assert_eq!(names(&site, &Actor::default(), filter).await, [""; 0], "{filter}");
    }
}

#[tokio::test]
pub(super) async fn a_filter_without_an_index_reads_a_thousand_users() {
    let site = Site::with(PUBLIC).await;
    site.add_users("u", 1_200, |n, user| user.is_active = n != 1_199).await;
    let anonymous = Actor::default();
    let page = users(&site, &anonymous, "isActive: false").await;
    assert_eq!(page["edges"], json!([]));
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let after = format!("isActive: false, after: {}", page["pageInfo"]["endCursor"]);
    assert_eq!(names(&site, &anonymous, &after).await, ["u1199"]);
}

#[tokio::test]
pub(super) async fn an_offset_is_10_000_at_most() {
    let site = Site::with(PUBLIC).await;
    for (offset, code) in [(10_000, None), (10_001, Some("invalid_page"))] {
        let document = format!("{{ users(offset: {offset}) {{ edges {{ cursor }} }} }}");
        let answer = site.graphql(&document, Value::Null).await;
        assert_eq!(answer.code().as_deref(), code, "{offset}");
    }
}

#[tokio::test]
pub(super) async fn many_names_that_start_so_are_listed_by_name() {
    let anonymous = Actor::default();
    // The first of them is the last by name.
    for (count, first) in [(200, "uz"), (201, "u0000")] {
        let site = Site::with(PUBLIC).await;
        site.add_user("uz", |_| {}).await;
        site.add_users("u", count - 1, |_, _| {}).await;
        assert_eq!(
            names(&site, &anonymous, "first: 1, username_Istartswith: \"U\"").await,
            [first]
        );
    }
}

#[tokio::test]
pub(super) async fn a_cursor_is_sealed() {
    let site = Site::with(PUBLIC).await;
    site.add_users("u", 3, |_, _| {}).await;
    let anonymous = Actor::default();
    // The library's cursor of the second row: `arrayconnection:1`.
    let after = "after: \"YXJyYXljb25uZWN0aW9uOjE=\"";
    assert_eq!(names(&site, &anonymous, after).await, ["u0000", "u0001", "u0002"]);
    let ours = users(&site, &anonymous, "first: 2").await["pageInfo"]["endCursor"].clone();
    assert_eq!(names(&site, &anonymous, &format!("after: {ours}")).await, ["u0002"]);
}
