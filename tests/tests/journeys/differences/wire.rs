//! The limits of a request.

use axum::http::{Method, StatusCode};
use journeys::{PASSWORD, Site};
use serde_json::{Value, json};

#[tokio::test]
pub(super) async fn an_access_token_is_taken_as_bearer_too() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let header = format!("Bearer {}", ann.access);
    let answer = site.graphql_as(Some(&header), "{ me { username } }", Value::Null).await;
    assert_eq!(answer.json()["data"]["me"]["username"], "ann");
}

#[tokio::test]
pub(super) async fn an_integer_variable_is_no_string() {
    let site = Site::start().await;
    let document = "mutation($t: String!) { verifyToken(token: $t) { success } }";
    let answer = site.graphql(document, json!({ "t": 5 })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

#[tokio::test]
pub(super) async fn a_failure_that_is_not_asked_for_is_a_graphql_error() {
    let site = Site::start().await;
    for (call, code) in [
        ("tokenAuth(username: \"ann\", password: \"no\")", "invalid_credentials"),
        ("verifyToken(token: \"x\")", "invalid_token"),
    ] {
        let raised =
            site.graphql(&format!("mutation {{ {call} {{ payload }} }}"), Value::Null).await;
        assert_eq!(raised.code().as_deref(), Some(code), "{}", raised.text);
        let document = format!("mutation {{ it: {call} {{ payload success }} }}");
        let result = site.graphql(&document, Value::Null).await.json();
        assert_eq!(result, json!({ "data": { "it": { "payload": null, "success": false } } }));
    }
}

#[tokio::test]
pub(super) async fn a_browsers_form_must_come_from_the_sites_own_pages() {
    let site = Site::start().await;
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for (origin, status) in [
        ("https://accounts.example", StatusCode::OK),
        ("https://other.example", StatusCode::FORBIDDEN),
    ] {
        let headers = [kind, ("origin", origin), ("cookie", "csrftoken=x")];
        let body = "query=%7B__typename%7D&csrfmiddlewaretoken=x";
        let answer = site.send(Method::POST, "/graphql", &headers, body).await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.text);
    }
}

#[tokio::test]
pub(super) async fn a_null_literal_counts_as_absent() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let document = format!(
        "mutation {{ tokenAuth(username: \"ann\", email: null, password: \"{PASSWORD}\") {{ success }} }}"
    );
    let answer = site.graphql(&document, Value::Null).await.json();
    assert_eq!(answer["data"]["tokenAuth"]["success"], true, "{answer}");
}

#[tokio::test]
pub(super) async fn a_document_may_ask_for_so_much() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let fields = |count: usize| {
        let names: Vec<_> = (0..count - 1).map(|n| format!("f{n}: username")).collect();
        format!("{{ me {{ {} }} }}", names.join(" "))
    };
    let deep = |levels: usize| {
        // Under `__schema` and `types`.
        let inside = "ofType { ".repeat(levels - 3);
        format!("{{ __schema {{ types {{ {inside} name {} }} }} }}", "} ".repeat(levels - 3))
    };
    let costly = |count: usize| {
        let calls: Vec<_> = (0..count)
            .map(|n| {
                format!("c{n}: sendPasswordResetEmail(email: \"nobody@example.com\") {{ success }}")
            })
            .collect();
        format!("mutation {{ {} }}", calls.join(" "))
    };
    for (allowed, refused) in
        [(deep(20), deep(21)), (fields(1_000), fields(1_001)), (costly(5), costly(6))]
    {
        let answer = site.graphql(&allowed, Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let answer = site.graphql(&refused, Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    }
}

#[tokio::test]
pub(super) async fn token_auth_takes_a_client_mutation_id_in_its_relay_form() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let document = format!(
        "mutation {{ tokenAuth(input: {{ username: \"ann\", password: \"{PASSWORD}\", \
         clientMutationId: \"c\" }}) {{ success clientMutationId }} }}"
    );
    let body = json!({ "query": document }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = site.send(Method::POST, "/graphql/relay", &headers, body).await.json();
    let expected = json!({ "success": true, "clientMutationId": "c" });
    assert_eq!(answer["data"]["tokenAuth"], expected, "{answer}");
}
