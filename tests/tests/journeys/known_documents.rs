//! Latchkey skips the rules for a document that an earlier request proved to be valid. No request may notice that: each is
//! answered as if it were the first with its document.

use axum::http::Method;
use journeys::{Answer, Site};
use serde_json::{Value, json};

async fn send(site: &Site, path: &str, request: &Value) -> (u16, String) {
    let json = [("content-type", "application/json")];
    let Answer { status, text, .. } =
        site.send(Method::POST, path, &json, request.to_string()).await;
    (status.as_u16(), text)
}

/// Documents, and the variables of one request after the other. Some requests prove that the document is valid.
const HISTORIES: [(&str, &[&str]); 11] = [
    (
        "mutation($t: String!) { verifyToken(token: $t) { success errors } }",
        &[
            r#"{"t": "x"}"#,
            "{}",
            r#"{"t": null}"#,
            r#"{"t": 1}"#,
            r#"{"t": ["x"]}"#,
            r#"{"t": {"t": "x"}}"#,
            r#"{"t": "x", "u": 1}"#,
            "null",
        ],
    ),
    (
        "query($f: Int) { users(first: $f) { edges { cursor } } }",
        &[
            r#"{"f": 1}"#,
            "{}",
            r#"{"f": null}"#,
            r#"{"f": "1"}"#,
            r#"{"f": 1.5}"#,
            r#"{"f": 2147483648}"#,
            r#"{"f": -1}"#,
        ],
    ),
    (
        "query($f: Int = 1) { users(first: $f) { edges { cursor } } }",
        &[r#"{"f": 1}"#, "{}", r#"{"f": null}"#, r#"{"f": "x"}"#],
    ),
    (
        "query($s: Boolean!) { me @skip(if: $s) { id } }",
        &[r#"{"s": true}"#, r#"{"s": false}"#, r#"{"s": "true"}"#, r#"{"s": null}"#],
    ),
    (
        "mutation($g: Gender!) { updateUser(input: {gender: $g}) { ok } }",
        &[
            r#"{"g": "FEMALE"}"#,
            r#"{"g": "female"}"#,
            r#"{"g": "x"}"#,
            r#"{"g": 1}"#,
            r#"{"g": null}"#,
            "{}",
        ],
    ),
    (
        "mutation($e: String!, $u: String!, $p: String!) {
            createUser(input: {email: $e, username: $u, password: $p}) { ok } }",
        &[
            r#"{"e": "x", "u": "x", "p": "x"}"#,
            r#"{"e": "x", "u": "x", "p": null}"#,
            r#"{"e": "x", "u": "x", "p": 1}"#,
            r#"{"e": "x", "u": "x"}"#,
        ],
    ),
    (
        "mutation($i: CreateUserInput!) { createUser(input: $i) { ok } }",
        &[
            r#"{"i": {"email": "x", "username": "x", "password": "x"}}"#,
            r#"{"i": {"email": "x", "username": "x", "password": null}}"#,
            r#"{"i": {"email": "x", "username": "x", "password": "x", "role": "STAFF"}}"#,
            r#"{"i": {"email": "x"}}"#,
            r#"{"i": "x"}"#,
            r#"{"i": null}"#,
        ],
    ),
    // The engine does not check an argument that lacks one of its variables.
    (
        "mutation($e: String!, $u: String) {
            createUser(input: {email: $e, username: $u, password: 5}) { ok } }",
        &[r#"{"e": "x"}"#, r#"{"e": "x", "u": "x"}"#],
    ),
    ("query($i: [ID!]) { user(id: $i) { id } }", &[r#"{"i": ["x"]}"#, r#"{"i": [null]}"#]),
    ("query($f: Int) { me { id } }", &[r#"{"f": 1}"#, r#"{"f": "x"}"#]),
    ("{ me { id name } }", &["null", r#"{"a": 1}"#]),
];

/// Documents with several operations, and an operation that does not exist. The engine does not check the variables of an
/// operation that it does not execute.
const OPERATIONS: [(&str, &[(&str, &str)]); 6] = [
    (
        "query A($f: Int!) { users(first: $f) { edges { cursor } } } query B { me { id } }",
        &[
            ("B", "{}"),
            ("A", r#"{"f": 1}"#),
            ("A", r#"{"f": "x"}"#),
            ("A", "{}"),
            ("C", "{}"),
            ("", "{}"),
        ],
    ),
    (
        "query A($f: Int!) { users(first: $f, offset: true) { edges { cursor } } }",
        &[("B", r#"{"f": 1}"#), ("A", r#"{"f": 1}"#), ("A", "{}")],
    ),
    (
        "query A($f: Int!) { users(first: $f) { edges { cursor } } }",
        &[("A", r#"{"f": 1}"#), ("B", r#"{"f": 1}"#), ("B", r#"{"f": "x"}"#), ("B", "{}")],
    ),
    (
        "query($f: Int!) { users(first: $f) { edges { cursor } } }",
        &[("", r#"{"f": 1}"#), ("B", r#"{"f": "x"}"#), ("B", r#"{"f": 3000000000}"#)],
    ),
    ("query A { me me { id } }", &[("A", "{}"), ("B", "{}"), ("", "{}")]),
    (
        "query A { me me { id } } query B { me { id } }",
        &[("", "{}"), ("A", "{}"), ("", "{}"), ("B", "{}")],
    ),
];

/// The requests of each document, in their order.
fn histories() -> impl Iterator<Item = Vec<Value>> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let plain = HISTORIES.into_iter().map(move |(query, variables)| {
        let request = |text: &&str| json!({ "query": query, "variables": read(text) });
        variables.iter().map(request).collect()
    });
    let named = OPERATIONS.into_iter().map(move |(query, requests)| {
        let request = |(name, text): &(&str, &str)| {
            json!({ "query": query, "operationName": name, "variables": read(text) })
        };
        requests.iter().map(request).collect()
    });
    plain.chain(named)
}

#[tokio::test]
async fn a_request_with_a_known_document_is_answered_like_the_first_one() {
    let mut site = Site::start().await;
    for history in histories() {
        // The first request twice: the second one finds a known document.
        let requests = [&history[..1], &history[..]].concat();
        let mut known = Vec::new();
        for request in &requests {
            known.push(send(&site, "/graphql", request).await);
        }
        for (request, known) in requests.iter().zip(known) {
            site = site.restarted_with(&[]);
            assert_eq!(known, send(&site, "/graphql", request).await, "{request}");
        }
    }
}

#[tokio::test]
async fn a_document_that_one_schema_knows_is_validated_by_the_other() {
    let site = Site::start().await;
    let document = "mutation($t: String!) { verifyToken(token: $t) { success } }";
    let request = json!({ "query": document, "variables": { "t": "x" } });
    for (path, status) in [("/graphql", 200), ("/graphql/relay", 400), ("/graphql", 200)] {
        let (found, text) = send(&site, path, &request).await;
        assert_eq!(found, status, "{path}: {text}");
    }
}

#[tokio::test]
async fn an_unknown_operation_name_reveals_no_value() {
    let site = Site::start().await;
    let document = "mutation($g: Gender) { updateUser(input: {gender: $g}) { ok } }";
    let (variables, name) = (json!({ "g": "a secret" }), "B");
    let request = json!({ "query": document, "operationName": name, "variables": variables });
    let (status, text) = send(&site, "/graphql", &request).await;
    assert_eq!(status, 400, "{text}");
    assert!(!text.contains("a secret"), "{text}");
}
