//! `POST /hasura/actions`, as a Hasura calls it.

use axum::http::{Method, StatusCode};
use journeys::{Answer, HasuraApi, PASSWORD, Site};
use serde_json::{Value, json};

/// Payloads in the form that Hasura documents, and the answers: each line is a call, or an operation of its user
/// elsewhere.
const CALLS: &str = include_str!("../../recordings/hasura_actions.jsonl");

const PATH: &str = "/hasura/actions";

fn payload(name: &str, arg: &Value) -> Value {
    json!({
        "action": { "name": name },
        "input": { "arg": arg },
        "session_variables": { "x-hasura-role": "anonymous" },
        "request_query": format!("query {{ {name} {{ __typename }} }}"),
    })
}

async fn call(site: &Site, headers: &[(&str, &str)], payload: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    site.send(Method::POST, PATH, &all, payload.to_string()).await
}

/// Makes alike what differs each time.
fn alike(mut answer: Value) -> Value {
    if let Value::Object(fields) = &mut answer {
        for (name, value) in fields {
            let differs = ["id", "access", "refresh"].contains(&name.as_str());
            *value = if differs { json!("<each time>") } else { alike(value.take()) };
        }
    }
    answer
}

#[tokio::test]
async fn each_call_of_a_hasura_is_answered() {
    let site = Site::start().await;
    let mut captured: Vec<(String, String)> = Vec::new();
    let mut called = 0;
    for line in CALLS.lines() {
        let filled = captured.iter().fold(line.to_owned(), |line, (name, value)| {
            line.replace(&format!("{{{{{name}}}}}"), value)
        });
        let step: Value = serde_json::from_str(&filled).unwrap();
        if let Some(email) = step["verify"].as_str() {
            let verified = site.verify_account(&site.link_token(email).await).await;
            assert_eq!(verified["success"], true, "{verified}");
            continue;
        }
        if let Some(email) = step["link"].as_str() {
            captured.push(("link".to_owned(), site.link_token(email).await));
            continue;
        }
        let headers: Vec<_> = step["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let answer = site.send(Method::POST, PATH, &headers, step["body"].to_string()).await;
        assert_eq!(answer.status.as_u16(), step["status"], "{}: {}", step["name"], answer.text);
        assert_eq!(alike(answer.json()), step["answer"], "{}", step["name"]);
        for (name, pointer) in step["captures"].as_object().into_iter().flatten() {
            let json = answer.json();
            let value = json.pointer(pointer.as_str().unwrap()).and_then(Value::as_str).unwrap();
            captured.retain(|(known, _)| known != name);
            captured.push((name.clone(), value.to_owned()));
        }
        called += 1;
    }
    assert_eq!(called, 15);
}

#[tokio::test]
async fn session_variables_authenticate_no_caller() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::Action, "ann", PASSWORD).await;
    let bob = site.hasura_signed_in(HasuraApi::Action, "bob", PASSWORD).await;
    let change = json!({ "old_password": PASSWORD, "new_password": "zmxn73hhQQp" });
    let mut forged = payload("user_change_password", &change);
    forged["session_variables"] = json!({
        "x-hasura-role": "staff",
        "x-hasura-user-id": ann.user_id().to_string(),
    });
    let id = ann.user_id().to_string();
    let cookie = format!("JWT={}", ann.access);
    for header in [("x-hasura-user-id", id.as_str()), ("cookie", cookie.as_str())] {
        let answer = call(&site, &[header], &forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?} {}", answer.text);
    }
    let bearer = format!("Bearer {}", bob.access);
    let answer = call(&site, &[("authorization", &bearer)], &forged).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(site.is_password(&ann, PASSWORD).await);
    assert!(site.is_password(&bob, "zmxn73hhQQp").await);
}

#[tokio::test]
async fn without_the_action_secret_nothing_is_done() {
    let site = Site::with(&[("HASURA_ACTION_SECRET", "between Hasura and us")]).await;
    let ann = json!({ "email": "ann@example.com", "username": "ann", "password": PASSWORD });
    let register = payload("user_register", &ann);
    for headers in [
        &[][..],
        &[("x-action-secret", "")],
        &[("x-action-secret", "between Hasura and u")],
        &[("x-action-secret", "between hasura and us")],
    ] {
        let answer = call(&site, headers, &register).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(answer.json()["extensions"]["code"], "invalid_action_secret");
    }
    assert_eq!(site.dump().await, Vec::<String>::new());
    let shown = [("X-Action-Secret", "between Hasura and us")];
    let answer = call(&site, &shown, &register).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn a_malformed_call_of_an_action_is_refused_with_a_code() {
    let site = Site::start().await;
    let unknown = payload("delete_everything", &json!({}));
    let text = payload("user_login", &json!("ann"));
    let list = payload("user_login", &json!(["ann"]));
    for (body, status, code) in [
        (unknown, 404, "unknown_action"),
        (json!({}), 400, "bad_request"),
        (json!({ "action": "user_login" }), 400, "bad_request"),
        (json!({ "action": { "name": 1 } }), 400, "bad_request"),
        (text, 400, "bad_request"),
        (list, 400, "bad_request"),
        (json!({ "action": { "name": "user_login" } }), 400, "invalid"),
        (json!({ "action": { "name": "user_login" }, "input": [] }), 400, "invalid"),
        (json!({ "action": { "name": "user_login" }, "input": { "arg": null } }), 400, "invalid"),
        (payload("user_login", &json!({ "username": 1 })), 400, "invalid"),
        (json!([]), 400, "parse_error"),
    ] {
        let answer = call(&site, &[], &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["extensions"]["code"], code, "{body} {}", answer.text);
        assert!(answer.json()["message"].is_string(), "{body}");
    }
    let answer = site.send(Method::GET, PATH, &[], "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST");
    assert_eq!(answer.json()["extensions"]["code"], "method_not_allowed");
    let form = [("content-type", "text/plain")];
    let answer = site.send(Method::POST, PATH, &form, "{}").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
