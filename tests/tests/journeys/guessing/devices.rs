//! Devices that an account knows: strangers do not lock them out.

use accounts::model::{Client, PlainPassword};
use accounts::operations::Credentials;
use axum::http::Method;
use jiff::SignedDuration;
use journeys::PASSWORD;
use serde_json::json;

use super::{HERE, address, attack, client, device_token, guess, try_with, with_ann, with_token};

#[tokio::test]
async fn strangers_do_not_lock_out_a_user_on_a_known_device() {
    let (site, _) = with_ann().await;
    let token = device_token(&site, "ann").await;
    attack(&site, "ann").await;
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
    // Not even from a network that is out.
    for number in 0..15 {
        guess(&site, "192.0.2.200", &format!("user{number}"), "not it").await;
    }
    assert_eq!(guess(&site, "192.0.2.200", "ann", PASSWORD).await, "throttled");
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
}

#[tokio::test]
async fn a_device_token_is_of_no_use_for_another_user_once_all_sessions_have_ended_or_when_it_is_forged()
 {
    let (site, ann) = with_ann().await;
    site.advance(SignedDuration::from_hours(1));
    site.signed_in("mallory").await;
    let [own, foreign] = [device_token(&site, "ann").await, device_token(&site, "mallory").await];
    attack(&site, "ann").await;
    let mut forged = own.clone();
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    for useless in ["", "rubbish", &forged, &foreign, &ann.access] {
        assert_eq!(with_token(&site, "ann", useless).await, "throttled", "{useless}");
    }
    assert_eq!(with_token(&site, "ann", &own).await, "ok");
    site.store.end_all_sessions(ann.user_id()).await.unwrap();
    assert_eq!(with_token(&site, "ann", &own).await, "throttled");
}

#[tokio::test]
async fn a_device_that_has_failed_too_often_is_a_stranger() {
    let (site, _) = with_ann().await;
    let token = device_token(&site, "ann").await;
    let wrong = async || {
        let client = Client { device: Some(token.clone()), ..client(HERE) };
        try_with(&site.accounts, client, "ann", "not it").await.unwrap_err().code()
    };
    for _ in 0..10 {
        assert_eq!(wrong().await, "invalid_credentials");
    }
    assert_eq!(with_token(&site, "ann", &token).await, "ok", "as a stranger");
    attack(&site, "ann").await;
    assert_eq!(with_token(&site, "ann", &token).await, "throttled");
}

#[tokio::test]
async fn a_mark_comes_in_a_header_of_each_dialect_and_in_a_cookie_where_tokens_do() {
    let (site, ann) = with_ann().await;
    let json_type = ("content-type", "application/json");
    let by_graphql = |document: String| json!({ "query": document }).to_string();
    let password = format!("password: \"{PASSWORD}\"");
    let log_ins = [
        (
            "/graphql",
            by_graphql(format!(
                "mutation {{ tokenAuth(username: \"ann\", {password}) {{ success errors }} }}"
            )),
        ),
        (
            "/graphql",
            by_graphql(format!(
                "{{ user_login(arg: {{username: \"ann\", {password}}}) {{ access }} }}"
            )),
        ),
        ("/users/login/", json!({ "username": "ann", "password": PASSWORD }).to_string()),
        ("/api/accounts/login/", json!({ "email": ann.email(), "password": PASSWORD }).to_string()),
    ];
    let mut tokens = Vec::new();
    for (path, body) in &log_ins {
        let answer = site.send(Method::POST, path, &[json_type], body.clone()).await;
        tokens.push(answer.headers["x-device"].to_str().unwrap().to_owned());
    }
    attack(&site, "ann").await;
    // An account has a count for each of its names.
    for number in 0..100 {
        let email = Credentials::Email(ann.email());
        let client = client(&address(number));
        let wrong = PlainPassword::new("not it".to_owned());
        site.accounts.log_in(email, wrong, &client).await.unwrap_err();
    }
    for ((path, body), token) in log_ins.iter().zip(&tokens) {
        let device = ("x-device", token.as_str());
        let answer = site.send(Method::POST, path, &[json_type], body.clone()).await;
        assert!(answer.text.contains("throttled"), "{path}: {}", answer.text);
        assert!(!answer.headers.contains_key("x-device"));
        let answer = site.send(Method::POST, path, &[json_type, device], body.clone()).await;
        assert!(!answer.text.contains("throttled"), "{path}: {}", answer.text);
    }
    let site = site.restarted_with(&[("THROTTLE", "on"), ("TOKENS_IN_COOKIES", "true")]);
    let own = ("sec-fetch-site", "same-origin");
    let (path, body) = &log_ins[0];
    let device = ("x-device", tokens[0].as_str());
    let answer = site.send(Method::POST, path, &[json_type, own, device], body.clone()).await;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("JWT-device=")).unwrap();
    assert!(cookie.ends_with("Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    let answer = site.send(Method::POST, path, &[json_type, own, cookie], body.clone()).await;
    assert!(answer.text.contains("\"success\":true"), "{}", answer.text);
}
