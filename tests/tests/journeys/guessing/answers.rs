//! What clients, logs and metrics get during a lock.

use accounts::model::PlainPassword;
use accounts::operations::NewPassword;
use jiff::SignedDuration;
use journeys::{DIALECTS, PASSWORD, Site};
use serde_json::{Value, json};

use super::{HERE, QUARTER, THERE, address, client, guess, guesses, try_with, with_ann};

#[tokio::test]
async fn every_dialect_says_how_long_to_wait() {
    for dialect in DIALECTS {
        let (site, ann) = with_ann().await;
        for _ in 0..10 {
            let _ = dialect.log_in(&site, &ann.name, &ann.email(), "not it").await;
        }
        let answer = dialect.log_in(&site, &ann.name, &ann.email(), PASSWORD).await;
        assert_eq!(answer, Err("throttled".to_owned()), "{dialect:?}");
    }
    let (site, ann) = with_ann().await;
    let message = "Too many attempts. Please try again later, or reset your password.";
    for _ in 0..10 {
        guess(&site, THERE, "ann", "not it").await;
        let fields = json!({ "email": ann.email(), "password": "not it" });
        site.post_json("/api/accounts/login/", None, &fields).await;
    }
    for number in 0..20 {
        guess(&site, &address(number), "ann", "not it").await;
    }
    let result = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    let error = json!({ "message": message, "code": "throttled", "retryAfter": 1 });
    assert_eq!(result["errors"]["nonFieldErrors"][0], error);
    let document = "query { user_login(arg: {username: \"ann\", password: \"x\"}) { access } }";
    let result = site.graphql(document, Value::Null).await.json();
    let error = json!({ "code": "throttled", "status": 429, "retryAfter": 1 });
    assert_eq!(result["errors"][0]["extensions"], error);
    let fields = json!({ "username": "ann", "password": "x" });
    let result = site.post_json("/users/login/", None, &fields).await;
    assert_eq!(
        (result.status.as_u16(), &result.headers["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    let body = json!({ "detail": message, "code": "throttled", "retryAfter": 1 });
    assert_eq!(result.json(), body);
    let fields = json!({ "email": ann.email(), "password": "x" });
    let result = site.post_json("/api/accounts/login/", None, &fields).await;
    assert_eq!(
        (result.status.as_u16(), &result.headers["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(result.json(), body);
}

#[tokio::test]
async fn each_field_of_a_document_that_logs_in_counts() {
    let (site, _) = with_ann().await;
    let fields = (0..5).map(|number| {
        format!("a{number}: tokenAuth(username: \"ann\", password: \"no{number}\") {{ errors }} ")
    });
    let document = format!("mutation {{ {} }}", fields.collect::<String>());
    let mut codes = Vec::new();
    for _ in 0..3 {
        let data = site.graphql(&document, Value::Null).await.json()["data"].clone();
        let all = data.as_object().unwrap().values();
        codes.extend(all.map(|it| it["errors"]["nonFieldErrors"][0]["code"].clone()));
    }
    let wrong = codes.iter().filter(|code| **code == "invalid_credentials").count();
    assert_eq!(wrong, 10, "{codes:?}");
}

#[tokio::test]
async fn hasura_with_its_secret_is_no_network() {
    let secret = "a secret of an action";
    let site =
        Site::with(&[("THROTTLE", "on"), ("HASURA_ACTION_SECRET", "a secret of an action")]).await;
    site.signed_in("ann").await;
    let log_in = async |name: &str, password: &str, shown: &str| {
        let payload = json!({ "action": { "name": "user_login" },
            "input": { "arg": { "username": name, "password": password } } });
        let mut request = axum::http::Request::post("/hasura/actions")
            .header("content-type", "application/json")
            .header("x-action-secret", shown)
            .body(payload.to_string().into())
            .unwrap();
        let address: std::net::SocketAddr = ([203, 0, 113, 9], 443).into();
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        site.respond(request).await
    };
    for number in 0..20 {
        let answer = log_in(&format!("user{number}"), "not it", secret).await;
        assert_eq!(answer.json()["extensions"]["code"], "invalid_credentials", "{number}");
    }
    assert_eq!(log_in("ann", PASSWORD, secret).await.status, 200);
    for _ in 0..10 {
        log_in("ann", "not it", secret).await;
    }
    let answer = log_in("ann", PASSWORD, secret).await;
    let extensions = json!({ "code": "throttled", "status": 429, "retryAfter": 1 });
    assert_eq!(answer.json()["extensions"], extensions);
}

#[tokio::test]
async fn throttled_attempts_are_measured_by_their_rule() {
    let (site, _) = with_ann().await;
    guesses(&site, HERE, "ann", 5).await;
    let log_in = json!({ "query": "mutation { tokenAuth(username: \"ann\", password: \"x\") { success } }" });
    let json_type = ("content-type", "application/json");
    let mut request = axum::http::Request::post("/graphql")
        .header(json_type.0, json_type.1)
        .body(log_in.to_string().into())
        .unwrap();
    let address: std::net::SocketAddr = ([192, 0, 2, 1], 443).into();
    request.extensions_mut().insert(axum::extract::ConnectInfo(address));
    let answer = site.respond(request).await;
    let lines = journeys::log::lines_of(answer.request_id());
    let done = lines.iter().find(|line| line["operation"] == "log_in").unwrap();
    assert_eq!(
        (&done["outcome"], &done["reason"]),
        (&json!("throttled"), &json!("account_and_ip"))
    );
}

#[tokio::test]
async fn a_reset_is_advised_for_the_lock_of_an_account_and_not_for_that_of_a_network() {
    let (site, ann) = with_ann().await;
    let advice = async |ip| {
        let answer = try_with(&site.accounts, client(ip), "ann", PASSWORD).await;
        let error = answer.unwrap_err();
        assert_eq!(error.code(), "throttled");
        error.to_string()
    };
    guesses(&site, HERE, "ann", 5).await;
    let account = "Too many attempts. Please try again later, or reset your password.";
    assert_eq!(advice(HERE).await, account);
    for number in 0..15 {
        guess(&site, THERE, &format!("user{number}"), "not it").await;
    }
    let network =
        "Too many attempts from your network. Please try again later, or from another network.";
    assert_eq!(advice(THERE).await, network);
    // A reset ends the one lock, and not the other.
    site.send_password_reset(&ann.email()).await;
    site.advance(SignedDuration::from_mins(2));
    site.clean_up().await;
    let token = site.link_token(&ann.email()).await;
    let new = NewPassword::from(PlainPassword::new(PASSWORD.to_owned()));
    site.accounts.reset_password(token.as_str().into(), new, None, &client(HERE)).await.unwrap();
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
    assert_eq!(advice(THERE).await, network);
    // Nor for a hundred failures at few accounts.
    for round in 0..2 {
        for number in 0..14 {
            guesses(&site, "192.0.2.9", &format!("other{number}"), 5 - round).await;
        }
        site.advance(QUARTER);
    }
    assert_eq!(advice("192.0.2.9").await, network);
}
