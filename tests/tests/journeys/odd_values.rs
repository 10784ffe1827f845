//! Documents whose values do not fit: always a clear refusal, and never an internal error.

use axum::http::{Method, StatusCode};
use journeys::{Answer, PASSWORD, Site};
use serde_json::{Value, json};

const REGISTER: &str = "mutation($e: String!, $u: String!, $p: String!, $q: String!) {
    register(email: $e, username: $u, password1: $p, password2: $q) { success errors } }";
const LOG_IN: &str = "mutation($e: String, $u: String, $p: String!) {
    tokenAuth(email: $e, username: $u, password: $p) { success errors } }";

fn assert_not_our_fault(answer: &Answer, what: &str) {
    assert!(answer.status.is_success() || answer.status.is_client_error(), "{what:.60}");
    assert!(!answer.text.contains("panick"), "{what:.60}: {}", answer.text);
}

#[tokio::test]
async fn a_document_that_does_not_validate_is_refused() {
    let site = Site::start().await;
    for document in [
        "{",
        "}",
        "query",
        "mutation { register { success } }",
        "mutation { verifyAccount { success } }",
        "mutation { verifyAccount(token: null) { success } }",
        "mutation { verifyAccount(token: [\"a\"]) { success } }",
        "mutation { verifyAccount(token: {a: 1}) { success } }",
        "mutation { verifyAccount(token: TOKEN) { success } }",
        "mutation { verifyAccount(token: \"a\") }",
        "mutation { verifyAccount(token: \"a\", other: 1) { success } }",
        "mutation { verifyAccount(token: \"a\") { success other } }",
        "mutation { verifyAccount(token: $t) { success } }",
        "mutation($t: Strin!) { verifyAccount(token: $t) { success } }",
        "mutation($t: Register) { verifyAccount(token: $t) { success } }",
        "mutation { verifyAccount(token: \"a) { success } }",
        "mutation { verifyAccount(token: \"\\u{110000}\") { success } }",
        "mutation { verifyAccount(token: \"\\ud800\") { success } }",
        "mutation { deleteEverything }",
        "subscription { me { id } }",
        "{ me { id } } { me { id } }",
        "{ me { ...Missing } }",
        "{ me { ... on Nothing { id } } }",
        "{ me @skip { id } }",
        "{ me @nothing { id } }",
        "{ me { id { id } } }",
        "fragment F on Query { __typename }",
    ] {
        let answer = site.graphql(document, Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{document} {}", answer.text);
        assert!(answer.json()["errors"][0]["message"].is_string(), "{document} {}", answer.text);
    }
    assert_eq!(site.calls.take().calls, 0);
}

#[tokio::test]
async fn variables_of_another_type_are_refused() {
    let site = Site::start().await;
    let good = json!({ "e": "a@example.com", "u": "a", "p": PASSWORD, "q": PASSWORD });
    for value in [
        Value::Null,
        json!(5),
        json!(1e300),
        json!(-99_999_999_999_999_i64),
        json!(true),
        json!(["a@example.com"]),
        json!({ "a": "b" }),
    ] {
        for name in ["e", "u", "p", "q"] {
            let mut variables = good.clone();
            variables[name] = value.clone();
            let answer = site.graphql(REGISTER, variables).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name} {value} {}", answer.text);
        }
    }
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("q");
    let answer = site.graphql(REGISTER, missing).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn numbers_that_are_too_large_are_refused() {
    let site = Site::start().await;
    let long = "9".repeat(400);
    for number in ["99999999999999999999999", "1e999", "-1e-999", &long] {
        let document = format!("mutation {{ verifyAccount(token: {number}) {{ success }} }}");
        let answer = site.graphql(&document, Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{number} {}", answer.text);
        let body = format!(
            "{{\"query\":\"mutation($t: String!) {{ verifyAccount(token: $t) {{ success }} }}\", \
             \"variables\":{{\"t\":{number}}}}}"
        );
        let headers = [("content-type", "application/json")];
        let answer = site.send(Method::POST, "/graphql", &headers, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{number} {}", answer.text);
    }
}

#[tokio::test]
async fn odd_characters_in_any_input_are_refused_or_harmless() {
    let site = Site::start().await;
    let long = "x".repeat(10_000);
    let zalgo = "a\u{301}".repeat(3_000);
    for odd in [
        "\0",
        "a\0b",
        "\u{1}\u{7f}\u{9b}",
        "a\r\nBcc: eve@example.com",
        "a@example.com\r\nBcc: eve@example.com",
        "\u{202e}nna",
        "a\u{200b}b",
        "\u{feff}ann",
        "\u{fffd}\u{10ffff}",
        "'; DROP TABLE users; --",
        "${jndi:ldap://evil.example}",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "USER#1",
        "💡",
        &long,
        &zalgo,
    ] {
        let variables = json!({ "e": odd, "u": odd, "p": odd, "q": odd });
        let answer = site.graphql(REGISTER, variables).await;
        assert_not_our_fault(&answer, odd);
        assert_eq!(
            answer.json()["data"]["register"]["success"],
            false,
            "{odd:.60} {}",
            answer.text
        );
        for who in ["e", "u"] {
            let answer = site.graphql(LOG_IN, json!({ who: odd, "p": odd })).await;
            assert_not_our_fault(&answer, odd);
            let answer = answer.json();
            assert_eq!(answer["data"]["tokenAuth"]["success"], false, "{odd:.60} {answer}");
        }
        assert_eq!(site.verify_account(odd).await["success"], false, "{odd:.60}");
        assert_eq!(site.refresh_token(odd).await["success"], false, "{odd:.60}");
        assert_eq!(site.revoke_token(odd).await["success"], false, "{odd:.60}");
        assert_eq!(site.verify_token(odd).await["success"], false, "{odd:.60}");
    }
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn an_address_with_a_line_break_is_refused() {
    let site = Site::start().await;
    for email in [
        "a\n@example.com",
        "a@example.com\nBcc: eve@example.com",
        "\"a\\\n\"@example.com",
        "\"a b\r\nBcc: eve\"@example.com",
        "a@exam\tple.com",
        "a@[127.0.0.1\n]",
    ] {
        let answer = site.register(email, "ann", PASSWORD, PASSWORD).await;
        assert_eq!(answer["errors"]["email"][0]["code"], "invalid", "{email:?} {answer}");
    }
}

#[tokio::test]
async fn headers_that_are_no_text_are_harmless() {
    let site = Site::start().await;
    let body = json!({ "query": "{ me { username } }" }).to_string();
    let long = "x".repeat(20_000);
    for name in ["authorization", "cookie", "user-agent", "accept"] {
        for value in [&b"\xff\xfe"[..], b"JWT \xe2\x82", b"=;=;;JWT=", b"\t", long.as_bytes()] {
            let value = axum::http::HeaderValue::from_bytes(value).unwrap();
            let request = axum::http::Request::post("/graphql")
                .header("content-type", "application/json")
                .header(name, value.clone());
            let request = request.body(axum::body::Body::from(body.clone())).unwrap();
            let answer = site.respond(request).await;
            assert_eq!(answer.status, StatusCode::OK, "{name} {value:?}");
            assert_eq!(answer.json(), json!({ "data": { "me": null } }), "{name} {value:?}");
        }
    }
}
