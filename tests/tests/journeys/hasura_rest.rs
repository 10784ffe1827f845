//! The REST paths of the dialect `hasura`: the rules that the other APIs do not have.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Answer, HASURA, HasuraApi, HasuraOperation, PASSWORD, Site};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

fn with_paths() -> impl Iterator<Item = (HasuraOperation, &'static str, &'static str)> {
    HASURA.into_iter().filter_map(|operation| {
        let (method, path, _) = operation.rest?;
        Some((operation, method, path))
    })
}

async fn post(site: &Site, path: &str, body: Value) -> Answer {
    site.send_json("POST", path, None, &body).await
}

#[tokio::test]
async fn an_operation_answers_as_the_api_that_it_replaces() {
    let site = Site::start().await;
    let ann = json!({ "username": "ann", "email": "ann@example.com", "password": PASSWORD });
    let answer = post(&site, "/users/user/register/", ann).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let body = answer.json();
    let mut names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["email", "id", "tokens", "username"]);

    site.verify_account(&site.link_token("ann@example.com").await).await;
    let log_in = json!({ "username": "ann", "password": PASSWORD });
    let tokens = post(&site, "/users/login/", log_in).await.json();
    let refresh = json!({ "refresh": tokens["refresh"] });
    let fresh = post(&site, "/users/token/refresh/", refresh).await.json();
    assert_eq!(fresh, json!({ "access": fresh["access"] }), "the refresh token is the same");
    for (method, old, new) in [("PUT", PASSWORD, "zmxn73hhQQp"), ("PATCH", "zmxn73hhQQp", PASSWORD)]
    {
        let log_in = json!({ "username": "ann", "password": old });
        let tokens = post(&site, "/users/login/", log_in).await.json();
        let bearer = format!("Bearer {}", tokens["access"].as_str().unwrap());
        let change = json!({ "old_password": old, "new_password": new });
        let path = "/users/user/change_password/";
        let changed = site.send_json(method, path, Some(&bearer), &change).await;
        let done =
            json!({ "status": "OK", "code": 200, "message": "Password updated successfully" });
        assert_eq!((changed.status, changed.json()), (StatusCode::OK, done));
    }
}

#[tokio::test]
async fn a_rotating_refresh_returns_another_refresh_token() {
    let site = Site::with(&[("HASURA_ROTATE_REFRESH", "true")]).await;
    let ann = site.hasura_signed_in(HasuraApi::Rest, "ann", PASSWORD).await;
    site.advance(SignedDuration::from_mins(1));
    let fresh =
        post(&site, "/users/token/refresh/", json!({ "refresh": ann.refresh })).await.json();
    assert!(fresh["refresh"].is_string() && fresh["refresh"] != json!(ann.refresh), "{fresh}");
}

#[tokio::test]
async fn a_slash_at_the_end_makes_no_difference() {
    let site = Site::start().await;
    for (_, method, path) in with_paths() {
        for path in [path, path.trim_end_matches('/')] {
            let answer = site.send_json(method, path, None, &json!({})).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {}", answer.text);
        }
    }
}

#[tokio::test]
async fn each_field_is_refused_in_the_words_of_django_rest_framework() {
    let site = Site::start().await;
    let cases = [
        (None, "This field is required."),
        (Some(Value::Null), "This field may not be null."),
        (Some(json!("")), "This field may not be blank."),
        (Some(json!("  ")), "This field may not be blank."),
        (Some(json!(1)), "Not a valid string."),
        (Some(json!(true)), "Not a valid string."),
        (Some(json!([])), "Not a valid string."),
        (Some(json!({})), "Not a valid string."),
    ];
    for (operation, method, path) in with_paths() {
        for (value, message) in &cases {
            let given = operation.inputs.iter().filter_map(|name| Some((*name, value.clone()?)));
            let answer = site.send_json(method, path, None, &given.collect()).await;
            // Whether white space can be a password is the core's question, and not one of form.
            let is_asked = |name: &str| *value != Some(json!("  ")) || !name.ends_with("password");
            let asked = operation.inputs.iter().filter(|name| is_asked(name));
            let result: Value = asked.map(|name| (*name, [*message])).collect();
            if result == json!({}) {
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.json()), (400, result), "{path} {value:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_caller_gets_the_errors_of_simple_jwt() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::Rest, "ann", PASSWORD).await;
    site.sign_up("bob").await;
    let no_account = "No active account found with the given credentials";
    let over = "Token is invalid or expired";
    let login = |name: &str, password: &str| json!({ "username": name, "password": password });
    for (path, body, detail, code) in [
        ("/users/login/", login("ann", "no"), no_account, "no_active_account"),
        ("/users/login/", login("eve", "no"), no_account, "no_active_account"),
        ("/users/login/", login("bob", PASSWORD), "Please verify your account.", "not_verified"),
        ("/users/token/refresh/", json!({ "refresh": "x" }), over, "token_not_valid"),
        ("/users/token/refresh/", json!({ "refresh": ann.access }), over, "token_not_valid"),
    ] {
        let answer = post(&site, path, body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.json(), json!({ "detail": detail, "code": code }), "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
    }
    let change = json!({ "old_password": PASSWORD, "new_password": "zmxn73hhQQp" });
    let cookie = format!("JWT={}", ann.access);
    let expired = format!("Bearer {}", ann.access);
    site.advance(SignedDuration::from_hours(1));
    for (header, code) in [
        (("cookie", cookie.as_str()), "not_authenticated"),
        (("authorization", "Basic YTpi"), "not_authenticated"),
        (("authorization", expired.as_str()), "token_not_valid"),
        (("authorization", "Bearer rubbish"), "token_not_valid"),
    ] {
        let path = "/users/user/change_password/";
        let answer = site.send(Method::PUT, path, &[JSON, header], change.to_string()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?}");
        assert_eq!(answer.json()["code"], code, "{header:?}");
    }
}

#[tokio::test]
async fn a_cookie_authenticates_no_caller_of_hasura_rest() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::Rest, "ann", PASSWORD).await;
    let change = json!({ "old_password": PASSWORD, "new_password": "zmxn73hhQQp" }).to_string();
    let cookie = format!("JWT={}", ann.access);
    let headers = [JSON, ("cookie", cookie.as_str())];
    let answer = site.send(Method::PUT, "/users/user/change_password/", &headers, change).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
}

#[tokio::test]
async fn a_wrong_pair_of_address_and_token_is_not_found() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::Rest, "ann", PASSWORD).await;
    site.hasura_signed_in(HasuraApi::Rest, "bob", PASSWORD).await;
    let token = site.reset_link(&ann).await;
    for (email, token) in [
        ("bob@example.com", token.as_str()),
        ("rubbish", token.as_str()),
        ("ann@example.com", "rubbish"),
        ("ann@example.com", ann.refresh.as_str()),
    ] {
        let body = json!({ "email": email, "token": token, "password": "zmxn73hhQQp" });
        for path in ["/users/reset_password/validate_token/", "/users/reset_password/confirm/"] {
            let answer = post(&site, path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {}", answer.text);
            assert_eq!(answer.json()["detail"], "Not found.");
        }
    }
}

#[tokio::test]
async fn a_request_for_a_reset_does_not_reveal_an_account() {
    let site = Site::start().await;
    let answer = post(&site, "/users/reset_password/", json!({ "email": "eve@example.com" })).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "status": "OK" })));
    assert_eq!(site.mails_to("eve@example.com").await.len(), 0);
}

#[tokio::test]
async fn another_method_another_type_and_too_much_are_refused() {
    let site = Site::start().await;
    for (_, method, path) in with_paths() {
        for other in ["GET", "DELETE", if method == "PUT" { "POST" } else { "PUT" }] {
            let answer = site.send_json(other, path, None, &json!({})).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{other} {path}");
            let allowed = if method == "PUT" { "PUT,PATCH" } else { "POST" };
            assert_eq!(answer.headers["allow"], allowed, "{path}");
            let detail = format!("Method \"{other}\" not allowed.");
            assert_eq!(answer.json()["detail"], detail);
        }
        let method: Method = method.parse().unwrap();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = site.send(method.clone(), path, &form, "username=ann").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(answer.json()["detail"].is_string(), "{}", answer.text);
        let answer = site.send(method.clone(), path, &[JSON], " ".repeat(70_000)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        for body in ["", "{", "[]", "null", "\"ann\"", "{\"email\": \"\u{1}\"}"] {
            let answer = site.send(method.clone(), path, &[JSON], body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(answer.json()["code"], "parse_error", "{body}");
        }
    }
}
