//! Another password, in the dialect of Django REST framework.

use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Answer, PASSWORD, Site, Tokens};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const NEW: &str = "another jf84jfKKd";

async fn change(site: &Site, caller: &Tokens, old: &str, new: &str) -> Answer {
    let body = json!({ "old_password": old, "new_password": new });
    site.rest_as(Method::POST, Some(&caller.header()), "password/change/", body).await
}

async fn me(site: &Site, caller: &Tokens) -> u16 {
    let header = caller.header();
    site.rest_as(Method::GET, Some(&header), "me/", Value::Null).await.status.as_u16()
}

async fn log_in(site: &Site, password: &str) -> Answer {
    site.rest("login/", json!({ "email": ANN, "password": password })).await
}

/// The fault of that field, and its code.
fn wrong(answer: &Answer, field: &str) -> (Value, String) {
    assert_eq!(answer.refusal(), (400, "invalid".into()), "{}", answer.text);
    let body = answer.json();
    let code = body["errors"][field][0]["code"].as_str();
    (body[field].clone(), code.unwrap_or_else(|| panic!("{}", answer.text)).to_owned())
}

#[tokio::test]
pub(super) async fn a_change_of_the_password_ends_all_sessions_and_opens_one() {
    let site = Site::start().await;
    let here = site.rest_signed_in("ann").await;
    let there = log_in(&site, PASSWORD).await.tokens();
    let answer = change(&site, &here, PASSWORD, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["detail"], "The new password has been saved.");
    let next = answer.tokens();
    assert_eq!(
        [me(&site, &next).await, me(&site, &here).await, me(&site, &there).await],
        [200, 401, 401]
    );
    assert_eq!(log_in(&site, PASSWORD).await.status, 401);
    log_in(&site, NEW).await.tokens();
}

#[tokio::test]
async fn a_password_change_returns_its_errors_by_field() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let answer = change(&site, &ann, "not the password", "1").await;
    assert_eq!(
        wrong(&answer, "old_password"),
        (json!(["Invalid password."]), "invalid_password".into())
    );
    let answer = change(&site, &ann, PASSWORD, "1").await;
    assert_eq!(wrong(&answer, "new_password").1, "password_too_short");
    for field in ["old_password", "new_password"] {
        let answer = change(&site, &ann, "", "").await;
        assert_eq!(wrong(&answer, field).1, "required");
    }
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    let bob = site.rest("signup/", body).await.tokens();
    assert_eq!(change(&site, &bob, PASSWORD, NEW).await.refusal(), (403, "not_verified".into()));
    assert_eq!(me(&site, &ann).await, 200);
}

#[tokio::test]
pub(super) async fn a_mailed_token_resets_the_password_once() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    site.advance(SignedDuration::from_secs(60));
    let asked = site.rest("password/reset/", json!({ "email": ANN })).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let token = site.link_token(ANN).await;
    let reset = |token: &str, new: &str| {
        site.rest("password/reset/confirm/", json!({ "token": token, "new_password": new }))
    };
    assert_eq!(wrong(&reset(&token, "1").await, "new_password").1, "password_too_short");
    let answer = reset(&token, NEW).await;
    let expected = json!({ "detail": "The new password has been saved." });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    assert_eq!(me(&site, &ann).await, 401);
    log_in(&site, NEW).await.tokens();
    let invalid = (json!(["Invalid token."]), "invalid_token".to_owned());
    for token in [&token, &ann.access, "x"] {
        assert_eq!(wrong(&reset(token, NEW).await, "token"), invalid);
    }
}

#[tokio::test]
async fn an_expired_reset_token_is_an_error_of_its_field() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    site.rest("password/reset/", json!({ "email": ANN })).await;
    let token = site.link_token(ANN).await;
    site.advance(SignedDuration::from_hours(1));
    let body = json!({ "token": token, "new_password": NEW });
    let answer = site.rest("password/reset/confirm/", body).await;
    assert_eq!(wrong(&answer, "token"), (json!(["Expired token."]), "expired_token".into()));
}

#[tokio::test]
async fn a_reset_is_answered_alike_for_an_address_without_an_account() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    let ask = async |email: &str| {
        let answer = site.rest("password/reset/", json!({ "email": email })).await;
        (answer.status.as_u16(), answer.text)
    };
    assert_eq!(ask(ANN).await, ask("eve@example.com").await);
    assert_eq!(site.mails_to("eve@example.com").await.len(), 0);
    assert_eq!(ask("not an address").await.0, 400);
}

#[tokio::test]
async fn put_and_patch_leave_a_name_that_is_left_out() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    for (method, body) in [
        (Method::PATCH, json!({ "first_name": "Ann", "last_name": "Lee" })),
        (Method::PUT, json!({ "last_name": "Leigh" })),
        (Method::PUT, json!({})),
    ] {
        let answer = site.rest_as(method, Some(&ann.header()), "me/", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let shown = site.rest_as(Method::GET, Some(&ann.header()), "me/", Value::Null).await.json();
    assert_eq!((&shown["first_name"], &shown["last_name"]), (&json!("Ann"), &json!("Leigh")));
}
