use axum::http::{Method, StatusCode};
use journeys::{Answer, Calls, PASSWORD, Site};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(site: &Site, body: impl Into<axum::body::Body>) -> Answer {
    site.send(Method::POST, "/graphql", &[JSON], body).await
}

/// A GraphQL error, and nothing was asked of the table.
fn assert_refused(site: &Site, answer: &Answer, status: u16, code: Option<&str>) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    let errors = answer.json()["errors"].clone();
    assert!(errors[0]["message"].is_string(), "{}", answer.text);
    assert_eq!(answer.json()["data"], Value::Null, "{}", answer.text);
    if let Some(code) = code {
        assert_eq!(answer.code().as_deref(), Some(code), "{}", answer.text);
    }
    assert_eq!(site.calls.take(), Calls::default());
}

#[tokio::test]
async fn a_body_that_is_no_graphql_request_is_refused() {
    let site = Site::start().await;
    for body in [
        &b""[..],
        b"   ",
        b"not json",
        b"\xff\xfe{\"query\":\"{__typename}\"}",
        b"{\"query\":\"{ me { username\xe9 } }\"}",
        b"null",
        b"\"{__typename}\"",
        b"42",
        b"{}",
        b"{\"query\":null}",
        b"{\"query\":\"\"}",
        b"{\"query\":5}",
        b"{\"query\":[\"{__typename}\"]}",
        b"{\"query\":\"{__typename}\"",
        b"{\"query\":\"{__typename}\",\"variables\":[]}",
        b"{\"query\":\"{__typename}\",\"variables\":\"{\"}",
        b"{\"query\":\"{__typename}\",\"operationName\":5}",
    ] {
        let answer = post(&site, body).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown} {}", answer.text);
        assert_refused(&site, &answer, 400, Some("bad_request"));
    }
}

#[tokio::test]
async fn a_batch_is_refused() {
    let site = Site::start().await;
    for body in ["[]", "[{\"query\":\"{__typename}\"}]"] {
        assert_refused(&site, &post(&site, body).await, 400, Some("bad_request"));
    }
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_a_byte_more() {
    let site = Site::start().await;
    let query = "{\"query\":\"{__typename}\"}";
    let fits = format!("{query}{}", " ".repeat(64 * 1024 - query.len()));
    assert_eq!(post(&site, fits.clone()).await.json()["data"]["__typename"], "Query");
    let answer = post(&site, fits + " ").await;
    assert_refused(&site, &answer, 413, Some("too_large"));
}

#[tokio::test]
async fn json_in_a_body_of_another_type_is_refused() {
    let site = Site::start().await;
    let query = "{\"query\":\"{__typename}\"}";
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json5", ""] {
        let headers = [("content-type", kind)];
        let answer = site.send(Method::POST, "/graphql", &headers, query).await;
        assert_refused(&site, &answer, 400, Some("bad_request"));
    }
    let answer = site.send(Method::POST, "/graphql", &[], query).await;
    assert_refused(&site, &answer, 400, Some("bad_request"));
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let answer = site.send(Method::POST, "/graphql", &headers, query).await;
    assert_eq!(answer.status, StatusCode::OK);
}

fn nested(depth: usize) -> String {
    let inside = "{ ofType ".repeat(depth - 2);
    format!("{{ __type(name: \"Query\") {inside}{{ name }}{} }}", " }".repeat(depth - 2))
}

#[tokio::test]
async fn a_document_may_be_twenty_levels_deep() {
    let site = Site::start().await;
    assert_eq!(site.graphql(&nested(20), Value::Null).await.status, StatusCode::OK);
    let answer = site.graphql(&nested(21), Value::Null).await;
    assert_refused(&site, &answer, 400, Some("too_complex"));
}

/// As deep as a body can hold: no parser may run out of stack.
#[tokio::test]
async fn a_document_that_is_as_deep_as_can_be_is_refused() {
    let site = Site::start().await;
    let deep = |open: &str, close: &str, count: usize| {
        format!("{}a{}", open.repeat(count), close.repeat(count))
    };
    for document in [
        deep("{a", "}", 20_000),
        "{a".repeat(30_000),
        "{... on Query".repeat(4_000),
        format!("{{ me(a: {}) {{ id }} }}", deep("[", "]", 30_000)),
        format!("{{ me(a: {}) {{ id }} }}", "[".repeat(60_000)),
        format!("{{ me(a: {}) {{ id }} }}", deep("{a:", "}", 15_000)),
        format!("query($a: {}) {{ me {{ id }} }}", deep("[", "]", 30_000)),
    ] {
        let answer = site.graphql(&document, Value::Null).await;
        assert_refused(&site, &answer, 400, None);
    }
    let variables = deep("[", "]", 30_000).replace('a', "");
    let body = format!("{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":{variables}}}}}");
    assert_refused(&site, &post(&site, body).await, 400, Some("bad_request"));
}

#[tokio::test]
async fn fragments_that_double_or_go_round_are_refused() {
    let site = Site::start().await;
    let doubling: Vec<_> = (0..30)
        .map(|i| format!("fragment F{i} on Query {{ ...F{} ...F{} }} ", i + 1, i + 1))
        .collect();
    let doubling =
        format!("{{ ...F0 }} {} fragment F30 on Query {{ __typename }}", doubling.concat());
    for document in [
        &doubling,
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { __typename ...A }",
    ] {
        let answer = site.graphql(document, Value::Null).await;
        assert_refused(&site, &answer, 400, Some("too_complex"));
    }
}

#[tokio::test]
async fn more_than_a_thousand_fields_are_refused() {
    let site = Site::start().await;
    let document = |count: usize| {
        let fields: Vec<_> = (0..count).map(|number| format!("a{number}:__typename ")).collect();
        format!("{{ {} }}", fields.concat())
    };
    assert_eq!(site.graphql(&document(1_000), Value::Null).await.status, StatusCode::OK);
    let answer = site.graphql(&document(1_001), Value::Null).await;
    assert_refused(&site, &answer, 400, Some("too_complex"));
}

#[tokio::test]
async fn an_operation_may_have_twenty_fields_of_the_root_however_cheap_they_are() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let looks = |count: usize| {
        let looks = (0..count)
            .map(|n| format!("a{n}: verifyToken(token: \"{}\") {{ success }} ", ann.access));
        format!("mutation {{ {} }}", looks.collect::<String>())
    };
    let lists = |count: usize| {
        let lists = (0..count).map(|n| format!("a{n}: sessions {{ id createdAt userAgent }} "));
        format!("{{ {} }}", lists.collect::<String>())
    };
    for document in [looks(20), lists(20)] {
        let answer = site.ask(&ann, &document, Value::Null).await;
        assert_eq!(answer.json()["data"].as_object().unwrap().len(), 20, "{}", answer.text);
    }
    site.calls.take();
    let many_rows = format!("{{ sessions {{ {} }} }}", "id ".repeat(100));
    for document in [looks(21), lists(21), many_rows] {
        let answer = site.ask(&ann, &document, Value::Null).await;
        assert_refused(&site, &answer, 400, Some("too_complex"));
    }
}

#[tokio::test]
async fn a_document_has_bounded_directives_and_tokens() {
    let site = Site::start().await;
    let directives =
        |count: usize| format!("{{ __typename {} }}", "@include(if: true) ".repeat(count));
    assert_eq!(site.graphql(&directives(1), Value::Null).await.status, StatusCode::OK);
    for document in [
        directives(101),
        format!("{{ __typename {} }}", "@a".repeat(30_000)),
        // A malformed document would take as long to parse.
        format!("{{ __typename {}", "@a".repeat(30_000)),
        format!("{{ me(a: [{}]) {{ id }} }}", "1 ".repeat(20_000)),
    ] {
        let answer = site.graphql(&document, Value::Null).await;
        assert_refused(&site, &answer, 400, Some("too_complex"));
    }
}

fn log_ins(count: usize) -> String {
    let fields: Vec<_> = (0..count)
        .map(|n| format!("a{n}: tokenAuth(username: \"u{n}\", password: \"x\") {{ success }} "))
        .collect();
    fields.concat()
}

#[tokio::test]
async fn five_log_ins_in_a_document_are_tried_and_six_are_refused_without_a_look() {
    let site = Site::start().await;
    let answer = site.graphql(&format!("mutation {{ {} }}", log_ins(5)), Value::Null).await;
    assert_eq!(answer.json()["data"].as_object().unwrap().len(), 5, "{}", answer.text);
    assert_eq!(site.calls.take().calls, 10);
    let mixed = format!(
        "mutation {{ {} register(email: \"a@example.com\", username: \"a\", password1: \
         \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success }} }}",
        log_ins(5)
    );
    for document in [
        format!("mutation {{ {} }}", log_ins(6)),
        mixed,
        format!("mutation {{ ...F }} fragment F on Mutation {{ {} }}", log_ins(6)),
        format!("mutation {{ ... on Mutation {{ {} }} }}", log_ins(6)),
    ] {
        let answer = site.graphql(&document, Value::Null).await;
        assert_refused(&site, &answer, 400, Some("too_complex"));
    }
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn a_get_answers_queries_only() {
    let site = Site::start().await;
    let get =
        async |query: &str| site.send(Method::GET, &format!("/graphql?{query}"), &[], "").await;
    assert_eq!(get("query=%7B__typename%7D").await.json()["data"]["__typename"], "Query");
    let mutation = "mutation%7BverifyAccount(token:%22x%22)%7Bsuccess%7D%7D";
    let answer = get(&format!("query={mutation}")).await;
    assert_refused(&site, &answer, 405, Some("method_not_allowed"));
    assert_eq!(answer.headers["allow"], "POST");
    let both = format!("query=query%20Q%7B__typename%7D%20mutation%20M{}", &mutation[8..]);
    assert_eq!(get(&format!("{both}&operationName=Q")).await.status, StatusCode::OK);
    assert_eq!(get(&format!("{both}&operationName=M")).await.status.as_u16(), 405);
    for bad in ["", "query=", "query=%FF", "query=%7B", "query=%7B__typename%7D&variables=%7B"] {
        assert_refused(&site, &get(bad).await, 400, None);
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let site = Site::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["/graphql", "/activate", "/activate/x", "/health"] {
            let answer = site.send(method.clone(), path, &[JSON], "{}").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let site = Site::start().await;
    for path in ["/", "/graphql/x", "/graphq", "/mailbox", "/_aws/ses", "/activate/a/b", "/%FF"] {
        let answer = site.send(Method::GET, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json(), json!({ "detail": "Not found.", "code": "not_found" }), "{path}");
    }
}

#[tokio::test]
async fn nothing_is_done_where_a_later_field_lacks_its_variable() {
    let site = Site::start().await;
    let document = "mutation($t: String!) {
        register(email: \"ann@example.com\", username: \"ann\", password1: \"kdjf84jfKKd\",
                 password2: \"kdjf84jfKKd\") { success }
        verifyToken(token: $t) { success } }";
    let answer = site.graphql(document, serde_json::json!({})).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(site.calls.take(), journeys::Calls::default());
}

#[tokio::test]
async fn a_document_that_skips_all_of_its_fields_is_answered_with_no_data() {
    let site = Site::start().await;
    let answer = site.graphql("{ __typename @skip(if: true) }", serde_json::Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "{\"data\":{}}"));
}

#[tokio::test]
async fn an_answer_has_errors_of_bounded_number_and_length() {
    let site = Site::start().await;
    let many = format!("{{ me({}) {{ id }} }}", "a: 1 ".repeat(10_000));
    let broken = format!("{{ me {}", "x".repeat(50_000));
    for document in [many, broken] {
        let answer = site.graphql(&document, serde_json::Value::Null).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.len() < 10_000, "{}", answer.text.len());
    }
}

#[tokio::test]
async fn a_variable_where_its_type_does_not_fit_is_refused_before_anything_is_done() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let before = site.dump().await;
    for (document, variables) in [
        ("query($i: ID) { user(id: $i) { id } }", json!({ "i": "x" })),
        ("query($i: Int!) { user(id: $i) { id } }", json!({ "i": 1 })),
        (
            "mutation($t: String) { updateAccount(firstName: \"A\") { success }
                verifyToken(token: $t) { success } }",
            json!({}),
        ),
        (
            "mutation($t: String) { updateAccount(firstName: \"A\") { success } ...F }
                fragment F on Mutation { verifyToken(token: $t) { success } }",
            json!({ "t": "x" }),
        ),
        (
            "mutation($e: String) { updateAccount(firstName: \"A\") { success }
                createUser(input: {email: $e, username: \"b\", password: \"p\"}) { ok } }",
            json!({ "e": "x" }),
        ),
        ("query($s: Boolean) { me @skip(if: $s) { id } }", json!({ "s": true })),
    ] {
        let answer = site.ask(&ann, document, variables).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{document}: {}", answer.text);
        assert!(answer.text.contains("used in position expecting type"), "{}", answer.text);
    }
    assert_eq!(site.dump().await, before);
    for (document, variables) in [
        ("query($i: ID = \"x\") { user(id: $i) { id } }", json!({})),
        ("query($f: Int!) { users(first: $f) { edges { cursor } } }", json!({ "f": 1 })),
        ("query($u: String) { user_login(arg: {username: $u}) { access } }", json!({ "u": "x" })),
    ] {
        let answer = site.ask(&ann, document, variables).await;
        assert_eq!(answer.status, StatusCode::OK, "{document}: {}", answer.text);
    }
}
