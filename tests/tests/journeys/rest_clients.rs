//! Requests of clients of Django REST framework and SimpleJWT, and the parts of the answers that they use.

use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Answer, PASSWORD, Site, Tokens};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const FORM: &str = "application/x-www-form-urlencoded";

/// The interceptor of axios that is copied from project to project, word by word:
///
/// ```js
/// error.response.data.code === 'token_not_valid' && error.response.status === 401 && error.response.statusText === 'Unauthorized'
/// ```
fn makes_the_client_refresh(answer: &Answer) -> bool {
    answer.json()["code"] == "token_not_valid"
        && answer.status == 401
        && answer.status.canonical_reason() == Some("Unauthorized")
}

async fn me(site: &Site, method: Method, access: &str) -> Answer {
    let header = format!("Bearer {access}");
    site.rest_as(method, Some(&header), "me/", json!({ "first_name": "Ann" })).await
}

/// All requests with an access token.
async fn as_caller(site: &Site, access: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for method in [Method::GET, Method::PATCH, Method::PUT] {
        answers.push(me(site, method, access).await);
    }
    let header = format!("Bearer {access}");
    let body = json!({ "old_password": PASSWORD, "new_password": "another jf84jfKKd" });
    let sent = site.rest_as(Method::POST, Some(&header), "password/change/", body);
    answers.push(sent.await);
    answers
}

/// The body is SimpleJWT 5.5's.
async fn assert_client_refreshes(site: &Site, access: &str, message: &str) {
    for answer in as_caller(site, access).await {
        assert!(makes_the_client_refresh(&answer), "{} {}", answer.status, answer.text);
        let expected = json!({
            "detail": "Given token not valid for any token type",
            "code": "token_not_valid",
            "messages": [
                { "token_class": "AccessToken", "token_type": "access", "message": message }
            ],
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
    }
}

#[tokio::test]
pub(super) async fn a_client_refreshes_when_its_access_token_is_not_honoured_any_more() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    for bad in ["x.y.z", "x", &ann.refresh, &ann.access[..ann.access.len() - 4]] {
        assert_client_refreshes(&site, bad, "Token is invalid").await;
    }
    site.advance(SignedDuration::from_secs(900));
    assert_client_refreshes(&site, &ann.access, "Token is expired").await;

    let next = site.rest("token/refresh/", json!({ "refresh": ann.refresh })).await.tokens();
    assert_eq!(me(&site, Method::GET, &next.access).await.status, 200);
    site.rest("logout/", json!({ "refresh": next.refresh })).await;
    assert_client_refreshes(&site, &next.access, "Token is invalid").await;
}

#[tokio::test]
pub(super) async fn a_client_refreshes_and_then_logs_in_when_its_account_was_banned() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let id = me(&site, Method::GET, &ann.access).await.json()["id"].as_str().unwrap().to_owned();
    site.store.set_active(id.parse().unwrap(), false).await.unwrap();
    assert_client_refreshes(&site, &ann.access, "Token is invalid").await;
    assert_token_refused(
        &refuse(&site, "token/refresh/", "refresh", &ann.refresh).await,
        "invalid",
    );
}

async fn refuse(site: &Site, path: &str, field: &str, token: &str) -> Answer {
    site.rest(path, json!({ field: token })).await
}

/// The body is SimpleJWT 5.5's.
fn assert_token_refused(answer: &Answer, what: &str) {
    assert!(makes_the_client_refresh(answer), "{} {}", answer.status, answer.text);
    let detail = format!("Token is {what}");
    assert_eq!(answer.json(), json!({ "detail": detail, "code": "token_not_valid" }));
    assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
}

#[tokio::test]
async fn a_token_in_a_body_is_refused_as_simple_jwt_refuses_it() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    for (path, field) in
        [("token/refresh/", "refresh"), ("token/verify/", "token"), ("logout/", "refresh")]
    {
        let other = if field == "token" { &ann.refresh } else { &ann.access };
        for bad in ["x.y.z", "5", other] {
            assert_token_refused(&refuse(&site, path, field, bad).await, "invalid");
        }
    }
    site.advance(SignedDuration::from_secs(900));
    assert_token_refused(&refuse(&site, "token/verify/", "token", &ann.access).await, "expired");
    let verified = refuse(&site, "token/verify/", "token", "x").await;
    assert_token_refused(&verified, "invalid");
    site.rest("logout/", json!({ "refresh": ann.refresh })).await;
    for path in ["token/refresh/", "logout/"] {
        assert_token_refused(&refuse(&site, path, "refresh", &ann.refresh).await, "invalid");
    }
}

/// There is no token to refresh: the client has to log in.
#[tokio::test]
pub(super) async fn a_request_without_a_token_is_not_one_with_a_bad_token() {
    let site = Site::start().await;
    for header in [None, Some("Basic YTpi"), Some("Bearer"), Some("Bearer a b")] {
        let answer = site.rest_as(Method::GET, header, "me/", Value::Null).await;
        let expected = json!({
            "detail": "Authentication credentials were not provided.", "code": "unauthenticated",
        });
        assert_eq!((answer.status.as_u16(), answer.json()), (401, expected), "{header:?}");
        assert!(!makes_the_client_refresh(&answer));
    }
}

/// Posts fields in that form, as a caller or not.
async fn send(site: &Site, kind: &str, path: &str, access: Option<&str>, fields: &Value) -> Answer {
    let fields = fields.as_object().unwrap();
    let encode =
        |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let pairs = fields.iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let (kind, body) = if kind == FORM {
        let pairs = pairs.map(|(name, value)| format!("{name}={}", encode(value)));
        (FORM.to_owned(), pairs.collect::<Vec<_>>().join("&"))
    } else {
        let parts = pairs.map(|(name, value)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        (format!("{kind}; boundary=b"), parts.collect::<String>() + "--b--\r\n")
    };
    let bearer = access.map(|access| format!("Bearer {access}"));
    let mut headers = vec![("content-type", kind.as_str())];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    let method = if path == "me/" { Method::PATCH } else { Method::POST };
    site.send(method, &format!("/api/accounts/{path}"), &headers, body).await
}

#[tokio::test]
async fn every_body_may_be_a_form() {
    const NEW: &str = "né w & pass=word+84";
    for kind in [FORM, "multipart/form-data"] {
        let site = Site::start().await;
        let ask = async |path: &str, access: Option<&str>, fields: Value| {
            send(&site, kind, path, access, &fields).await
        };
        let body = json!({
            "email": ANN, "password": PASSWORD, "username": "", "first_name": "", "last_name": "Lée",
        });
        let answer = ask("signup/", None, body).await;
        assert_eq!(answer.status, 201, "{kind} {}", answer.text);
        ask("send-otp/", None, json!({ "email": ANN })).await;
        let otp = site.code(ANN).await;
        assert_eq!(
            ask("verify-email/", None, json!({ "email": ANN, "otp": otp })).await.status,
            200
        );
        let credentials = json!({ "email": ANN, "password": PASSWORD });
        let tokens = ask("login/", None, credentials).await.tokens();
        let access = Some(tokens.access.as_str());
        let shown = ask("me/", access, json!({ "first_name": "Ann" })).await.json();
        assert_eq!((&shown["first_name"], &shown["last_name"]), (&json!("Ann"), &json!("Lée")));
        assert_eq!(shown["username"], "ann", "made of the address, as the field was left empty");
        assert_eq!(ask("token/verify/", None, json!({ "token": tokens.access })).await.text, "{}");
        let body = json!({ "old_password": PASSWORD, "new_password": NEW });
        let tokens = ask("password/change/", access, body).await.tokens();
        let tokens =
            ask("token/refresh/", None, json!({ "refresh": tokens.refresh })).await.tokens();
        assert_eq!(ask("logout/", None, json!({ "refresh": tokens.refresh })).await.status, 205);
        // The same characters in JSON are the same password.
        site.rest("login/", json!({ "email": ANN, "password": NEW })).await.tokens();
    }
}

#[tokio::test]
async fn a_form_gets_the_same_errors_as_json() {
    let site = Site::start().await;
    for kind in [FORM, "multipart/form-data"] {
        let fields = json!({ "email": "ann", "password": "123" });
        let by_form = send(&site, kind, "signup/", None, &fields).await;
        let by_json = site.rest("signup/", fields).await;
        assert_eq!((by_form.status, by_form.text), (by_json.status, by_json.text), "{kind}");
    }
}

/// As Django reads it: the last value of a field counts.
#[tokio::test]
pub(super) async fn a_text_of_a_form_that_is_not_utf_8_is_refused_and_a_field_twice_is_its_last_value()
 {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    let post = |body: &'static str| {
        site.send(Method::POST, "/api/accounts/login/", &[("content-type", FORM)], body)
    };
    let answer = post("email=ann@example.com&password=kdjf84%ff%feKKd").await;
    assert_eq!(answer.json()["password"], json!(["Not a valid string."]), "{}", answer.text);
    let answer =
        post("email=eve@example.com&password=x&email=ann@example.com&password=kdjf84jfKKd");
    answer.await.tokens();
}

#[tokio::test]
pub(super) async fn a_whole_number_passes_for_a_text() {
    let site = Site::start().await;
    let answer = site.rest("signup/", json!({ "email": ANN, "password": PASSWORD })).await;
    let otp: Value = loop {
        // A code that begins with a zero is no number.
        let otp = site.code(ANN).await;
        if !otp.starts_with('0') {
            break otp.parse().unwrap();
        }
        site.advance(SignedDuration::from_mins(11));
        site.rest("send-otp/", json!({ "email": ANN })).await;
    };
    let answer_to_code = site.rest("verify-email/", json!({ "email": ANN, "otp": otp })).await;
    assert_eq!(answer_to_code.status, 200, "{}", answer_to_code.text);
    let tokens: Tokens = answer.tokens();
    for (number, expected) in [
        (json!(12_345_678), "12345678"),
        (json!(-5), "-5"),
        (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
    ] {
        let header = tokens.header();
        let body = json!({ "first_name": number });
        let answer = site.rest_as(Method::PATCH, Some(&header), "me/", body).await;
        assert_eq!(answer.json()["first_name"], expected, "{}", answer.text);
    }
    let body = json!({ "email": "bob@example.com", "password": 12_345_678 });
    let answer = site.rest("signup/", body).await;
    assert_eq!(answer.json()["errors"]["password"][0]["code"], "password_too_common");
}
