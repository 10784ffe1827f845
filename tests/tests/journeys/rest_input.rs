use std::convert::Infallible;
use std::task::Poll;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use futures::stream;
use journeys::{Answer, Calls, PASSWORD, Site};
use lambda_http::Context;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

const FORM_DATA: &str = "multipart/form-data; boundary=b";

/// Where a body is sent, and the texts without which nothing can be tried.
const POSTS: [(&str, &[&str]); 10] = [
    ("signup/", &["email", "password"]),
    ("login/", &["email", "password"]),
    ("login/second-factor/", &["challenge", "code"]),
    ("token/refresh/", &["refresh"]),
    ("token/verify/", &["token"]),
    ("logout/", &["refresh"]),
    ("password/reset/", &["email"]),
    ("password/reset/confirm/", &["token", "new_password"]),
    ("send-otp/", &["email"]),
    ("verify-email/", &["email", "otp"]),
];

async fn post(site: &Site, path: &str, body: impl Into<Body>) -> Answer {
    site.send(Method::POST, &format!("/api/accounts/{path}"), &[JSON], body).await
}

/// The codes that a 400 has for a field; its messages are there as often. The messages for a field of the name `code` are in
/// `errors` alone, because the body has its own `code`.
fn codes(answer: &Answer, field: &str) -> Vec<String> {
    assert_eq!(answer.refusal(), (400, "invalid".into()), "{}", answer.text);
    let body = answer.json();
    let errors = body["errors"][field].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    let result = |name: &str| errors.iter().map(|error| error[name].clone()).collect::<Vec<_>>();
    if field != "code" {
        assert_eq!(body[field], Value::from(result("message")), "{}", answer.text);
    }
    result("code").iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
pub(super) async fn an_error_names_each_missing_or_blank_field() {
    let site = Site::start().await;
    for (path, fields) in POSTS {
        for blank in [json!({}), with_all(fields, &json!("")), with_all(fields, &json!("  "))] {
            let answer = site.rest(path, blank.clone()).await;
            for field in fields {
                // A password is not trimmed: whether it may be blank is not a question of form.
                if field.ends_with("password") && blank[field] == "  " && path != "signup/" {
                    continue;
                }
                assert_eq!(codes(&answer, field), ["required"], "{path} {blank}");
            }
        }
    }
    assert_eq!(site.dump().await, [""; 0]);
}

fn with_all(fields: &[&str], value: &Value) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), value.clone())).collect()
}

#[tokio::test]
pub(super) async fn an_error_names_each_field_that_is_no_text() {
    let site = Site::start().await;
    for (path, fields) in POSTS {
        for odd in
            [json!(null), json!(1.5), json!(1e300), json!(true), json!([]), json!({ "a": 1 })]
        {
            let answer = site.rest(path, with_all(fields, &odd)).await;
            for field in fields {
                assert_eq!(codes(&answer, field), ["invalid"], "{path} {odd}");
                let errors = &answer.json()["errors"][*field];
                assert_eq!(errors[0]["message"], "Not a valid string.");
            }
        }
    }
    let ann = site.rest_signed_in("ann").await;
    for field in ["first_name", "last_name"] {
        let body = json!({ field: null });
        let answer = site.rest_as(Method::PATCH, Some(&ann.header()), "me/", body).await;
        assert_eq!(codes(&answer, field), ["invalid"]);
    }
    for field in ["username", "first_name", "last_name"] {
        let body = json!({ "email": "bob@example.com", "password": PASSWORD, field: true });
        assert_eq!(codes(&site.rest("signup/", body).await, field), ["invalid"]);
    }
}

#[tokio::test]
async fn an_error_names_each_field_that_does_not_fit() {
    let site = Site::start().await;
    let long = "x".repeat(60_000);
    let long_address = format!("{}@example.com", "x".repeat(60_000));
    for (field, value, expected) in [
        ("email", "not an address", "invalid"),
        ("email", "a\u{0}b@example.com", "invalid"),
        ("email", "ann@example.com\r\nBcc: eve@example.com", "invalid"),
        ("email", "a\u{202e}nn@example.com", "invalid"),
        ("email", &long_address, "max_length"),
        ("password", "short", "password_too_short"),
        ("password", &long, "max_length"),
        ("password", "kdjf84\0jfKKd", "null_characters_not_allowed"),
        ("username", "a b", "invalid"),
        ("username", "a\u{202e}b", "invalid"),
        ("username", "a\u{7}b", "invalid"),
        ("username", "", "required"),
        ("username", &long, "max_length"),
        ("first_name", &long, "max_length"),
        ("first_name", "A\0nn", "null_characters_not_allowed"),
        ("last_name", &long, "max_length"),
    ] {
        let mut body = json!({ "email": "ann@example.com", "password": PASSWORD });
        body[field] = json!(value);
        let found = codes(&site.rest("signup/", body).await, field);
        let value: String = value.chars().take(30).collect();
        assert!(found.contains(&expected.to_owned()), "{field} {value:?} {found:?}");
    }
    assert_eq!(site.dump().await, [""; 0]);
}

/// Django takes them, too. A mail has no name in it.
#[tokio::test]
async fn a_name_takes_no_control_characters_and_gets_into_no_mail() {
    let site = Site::start().await;
    for name in ["Ann\r\nBcc: eve@example.com", "Ann\u{202e}eeL", "Ann\u{1b}[31m"] {
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "first_name": name });
        let answer = site.rest("signup/", body).await;
        assert_eq!(answer.status, 400, "{name:?}: {}", answer.text);
        assert!(answer.text.contains("control_characters_not_allowed"), "{}", answer.text);
    }
    let name = "Ann, Bcc: eve@example.com";
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "first_name": name });
    let tokens = site.rest("signup/", body).await.tokens();
    let header = tokens.header();
    let shown = site.rest_as(Method::GET, Some(&header), "me/", Value::Null).await;
    assert_eq!(shown.json()["first_name"], name);
    let mails = site.mails_to("ann@example.com").await;
    assert_eq!(mails.len(), 1);
    for text in [Some(&mails[0].subject), mails[0].text.as_ref(), mails[0].html.as_ref()] {
        let text = text.unwrap();
        assert!(!text.contains("eve@"), "{text}");
    }
    assert!(!mails[0].subject.contains(['\r', '\n']), "{}", mails[0].subject);
}

#[tokio::test]
async fn odd_credentials_tokens_and_codes_are_tried_and_refused() {
    let site = Site::start().await;
    let long = "x".repeat(30_000);
    for odd in ["\0", "a\u{202e}b\r\n", "ünïcödé", "null", "٣٣٣٣٣٣", &long] {
        let status = async |path: &str, body| site.rest(path, body).await.status.as_u16();
        assert_eq!(status("login/", json!({ "email": odd, "password": odd })).await, 401);
        assert_eq!(status("token/refresh/", json!({ "refresh": odd })).await, 401);
        assert_eq!(status("token/verify/", json!({ "token": odd })).await, 401);
        assert_eq!(status("logout/", json!({ "refresh": odd })).await, 401);
        assert_eq!(status("verify-email/", json!({ "email": odd, "otp": odd })).await, 400);
        assert_eq!(status("send-otp/", json!({ "email": odd })).await, 400);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let site = Site::start().await;
    let deep = "[".repeat(60_000);
    for (path, _) in POSTS {
        for body in [
            &b""[..],
            b"not json",
            b"null",
            b"5",
            b"\"text\"",
            b"[]",
            b"{\"email\": ",
            b"{\"email\": \"\xff\"}",
            b"{\"email\": \"\\ud800\"}",
            deep.as_bytes(),
        ] {
            let answer = post(&site, path, body.to_vec()).await;
            assert_eq!(answer.refusal(), (400, "parse_error".into()), "{path} {}", answer.text);
        }
    }
    assert_eq!(site.calls.take(), Calls::default());
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let site = Site::start().await;
    let whole = "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nx\r\n--b--\r\n";
    let odd = whole.replace("name=", "\u{1f}name=");
    for (kind, body) in [
        ("multipart/form-data", whole),
        ("multipart/form-data; boundary=", whole),
        ("multipart/form-data; boundary=c", whole),
        ("multipart/form-data; boundary=b", &odd),
        ("multipart/form-data; boundary=b", &whole[..whole.len() - 8]),
        ("multipart/form-data; boundary=b", "{}"),
    ] {
        let headers = [("content-type", kind)];
        let answer =
            site.send(Method::POST, "/api/accounts/token/verify/", &headers, body.to_owned()).await;
        assert_eq!(answer.refusal(), (400, "parse_error".into()), "{kind} {body:?}");
    }
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    let answer = site.send(Method::POST, "/api/accounts/token/verify/", &headers, whole).await;
    assert_eq!(answer.refusal(), (401, "token_not_valid".into()));
    let file = whole.replace("\"token\"", "\"token\"; filename=\"a.txt\"");
    let answer = site.send(Method::POST, "/api/accounts/token/verify/", &headers, file).await;
    assert_eq!(codes(&answer, "token"), ["invalid"]);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let site = Site::start().await;
    for (path, _) in POSTS {
        for kind in ["text/plain", "application/xml", "multipart/mixed", ""] {
            let path = format!("/api/accounts/{path}");
            let answer = site.send(Method::POST, &path, &[("content-type", kind)], "{}").await;
            assert_eq!(answer.refusal(), (415, "unsupported_media_type".into()));
        }
    }
    assert_eq!(site.calls.take(), Calls::default());
}

#[tokio::test]
pub(super) async fn a_body_may_have_64_kib_and_not_a_byte_more() {
    let site = Site::start().await;
    let body = "{\"token\":\"x\"}";
    let fits = format!("{body}{}", " ".repeat(64 * 1024 - body.len()));
    assert_eq!(post(&site, "token/verify/", fits.clone()).await.status.as_u16(), 401);
    for (path, _) in POSTS {
        for kind in ["application/json", "application/x-www-form-urlencoded", FORM_DATA] {
            let headers = [("content-type", kind)];
            let path = format!("/api/accounts/{path}");
            let answer = site.send(Method::POST, &path, &headers, format!("{fits} ")).await;
            assert_eq!(answer.refusal(), (413, "too_large".into()), "{path} {kind}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let site = Site::start().await;
    for path in ["", "/", "/accounts", "/accounts/", "/accounts/sign-up/", "/accounts/me/x", "/x"] {
        for method in [Method::GET, Method::POST] {
            let answer = site.send(method, &format!("/api{path}"), &[JSON], "{}").await;
            assert_eq!(answer.refusal(), (404, "not_found".into()), "{path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_methods() {
    let site = Site::start().await;
    for (path, _) in POSTS {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
            let path = format!("/api/accounts/{path}");
            let answer = site.send(method, &path, &[JSON], "{}").await;
            assert_eq!(answer.refusal(), (405, "method_not_allowed".into()));
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
    for method in [Method::POST, Method::DELETE] {
        let answer = site.send(method, "/api/accounts/me/", &[JSON], "{}").await;
        assert_eq!(answer.refusal(), (405, "method_not_allowed".into()));
        assert_eq!(answer.headers["allow"], "GET,HEAD,PATCH,PUT");
    }
}

/// A read of it panics, as faulty code would.
fn broken_body() -> Body {
    Body::from_stream(stream::poll_fn(|_| -> Poll<Option<Result<Bytes, Infallible>>> {
        panic!("the inside")
    }))
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_that_says_nothing_and_the_next_request_works() {
    let site = Site::start().await;
    for path in ["/api/accounts/login/", "/api/accounts/signup", "/graphql", "/graphql/relay"] {
        let answer = site.send(Method::POST, path, &[JSON], broken_body()).await;
        assert_eq!(answer.refusal(), (500, "internal".into()), "{path}");
        let id = answer.json()["request_id"].take();
        let expected = json!({
            "detail": "Internal server error.", "code": "internal", "request_id": id,
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(id.as_str().map(str::len), Some(36), "{id}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    site.rest_signed_in("ann").await;
}

#[tokio::test]
async fn a_500_has_the_request_id_that_lambda_s_log_has() {
    let site = Site::start().await;
    let event = include_str!("../../../events/rest-login.json");
    let of_gateway = || lambda_http::request::from_str(event).unwrap().map(|_| broken_body());
    let mut of_lambda = of_gateway();
    let mut context = Context::default();
    context.request_id = "8476a536".to_owned();
    of_lambda.extensions_mut().insert(context);
    let id = async |request: Request<Body>| site.respond(request).await.json()["request_id"].take();
    assert_eq!(id(of_gateway()).await, "UKgPhjqSliAEM00=");
    assert_eq!(id(of_lambda).await, "8476a536");
}

#[tokio::test]
async fn a_cookie_authenticates_no_caller_of_the_rest_api() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let cookie = format!("JWT={}", ann.access);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    for method in [Method::GET, Method::PATCH] {
        let answer =
            site.send(method, "/api/accounts/me/", &headers, "{\"first_name\":\"A\"}").await;
        assert_eq!(answer.status, 401, "{}", answer.text);
    }
}
