//! Where Latchkey differs from Django REST framework with SimpleJWT: each row of the migration guide, with its tests.

use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Answer, PASSWORD, Site, Tokens, forge};
use serde_json::{Value, json};

use crate::second_factor::ways_in;
use crate::{rest, rest_clients, rest_input, rest_passwords};

const GUIDE: &str = include_str!("../../../docs/migrate-from-drf.md");
const TABLE: &str = "\n| DRF with SimpleJWT | Latchkey | why |\n|---|---|---|\n";
const PATHS: &str =
    "| SimpleJWT's guide | dj-rest-auth | djoser | Latchkey, under `/api/accounts` |\n";

const ANN: &str = "ann@example.com";
const NEW: &str = "another jf84jfKKd";

/// The first cell of a row, with the tests that it has.
type Row = (&'static str, &'static [fn()]);

const ROWS: &[Row] = &[
    (
        "`/api/token/`, `/auth/jwt/create/`, `/dj-rest-auth/login/`",
        &[paths_of_other_packages_are_not_found],
    ),
    ("a log-in takes `username`", &[a_log_in_is_by_email]),
    (
        "a failed log-in has no code",
        &[
            rest::a_wrong_address_and_a_wrong_password_are_answered_alike,
            rest::ann_signs_up_proves_her_address_logs_in_refreshes_and_logs_out,
        ],
    ),
    ("a log-in always returns tokens", &[ways_in::no_way_in_skips_the_second_factor]),
    ("a log-in drops the spaces around a password", &[space_around_a_password_counts]),
    (
        "a log-out answers 200 `{}`",
        &[rest::ann_signs_up_proves_her_address_logs_in_refreshes_and_logs_out],
    ),
    (
        "access tokens stay valid after a log-out",
        &[rest_clients::a_client_refreshes_when_its_access_token_is_not_honoured_any_more],
    ),
    (
        "a used refresh token is refused, and nothing else happens",
        &[rest::a_refresh_token_that_is_used_again_late_ends_the_session],
    ),
    (
        "`token/verify/` accepts a token of any kind, even of a banned or deleted user",
        &[rest::an_access_token_that_would_be_honoured_is_valid],
    ),
    (
        "a refresh gives no refresh token, unless tokens rotate",
        &[rest::ann_signs_up_proves_her_address_logs_in_refreshes_and_logs_out],
    ),
    (
        "a token of a banned user is `user_inactive`, of a deleted one `user_not_found`",
        &[rest_clients::a_client_refreshes_and_then_logs_in_when_its_account_was_banned],
    ),
    (
        "a request with a bad `Authorization` header is 401, even if the path needs no token",
        &[a_bad_token_is_ignored_where_none_is_needed],
    ),
    (
        "a malformed `Authorization` header is `bad_authorization_header`",
        &[rest_clients::a_request_without_a_token_is_not_one_with_a_bad_token],
    ),
    (
        "a 400 has the fields and nothing else",
        &[rest::a_sign_up_returns_all_errors_at_once],
    ),
    (
        "null \"may not be null\", an empty text \"may not be blank\"",
        &[rest_input::an_error_names_each_missing_or_blank_field, rest_input::an_error_names_each_field_that_is_no_text],
    ),
    (
        "any number is a valid text",
        &[rest_clients::a_whole_number_passes_for_a_text, rest_input::an_error_names_each_field_that_is_no_text],
    ),
    (
        "DRF repairs a form text that is not UTF-8",
        &[rest_clients::a_text_of_a_form_that_is_not_utf_8_is_refused_and_a_field_twice_is_its_last_value],
    ),
    ("a body may have 2.5 MB", &[rest_input::a_body_may_have_64_kib_and_not_a_byte_more]),
    ("`OPTIONS` describes a path", &[an_options_request_describes_nothing]),
    (
        "other sessions continue after a change of the password (dj-rest-auth, djoser)",
        &[rest_passwords::a_change_of_the_password_ends_all_sessions_and_opens_one],
    ),
    (
        "a change takes `new_password1` and `new_password2`, or `current_password`",
        &[a_change_of_the_password_by_other_names_is_refused],
    ),
    (
        "the confirmation of a reset takes `uid` and `token`",
        &[rest_passwords::a_mailed_token_resets_the_password_once],
    ),
    (
        "an access token has the claims `user_id` and `token_type`, and Django's key signs it",
        &[an_access_token_says_whose_it_is_in_sub],
    ),
];

#[test]
fn the_guide_and_the_tests_have_the_same_differences() {
    let (_, table) = GUIDE.split_once(TABLE).expect("the table of the guide");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let result: Vec<_> = rows.map(|row| row.split('|').nth(1).unwrap_or_default().trim()).collect();
    let tested: Vec<_> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(result, tested);
    assert!(ROWS.iter().all(|(_, tests)| !tests.is_empty()));
}

/// The texts in backticks in the last column.
#[test]
fn the_guide_has_every_path_of_the_dialect_and_no_other() {
    let (_, table) = GUIDE.split_once(PATHS).expect("the paths of the guide");
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let mut result: Vec<_> = rows
        .map(|row| row.trim_end_matches('|').rsplit('|').next().unwrap_or_default())
        .map(|cell| format!("/api/accounts/{}", cell.split('`').nth(1).unwrap_or_default()))
        .collect();
    let of_dialect = |path: &&str| path.starts_with("/api/accounts/");
    let mut paths: Vec<_> = graphql::openapi::paths().into_iter().filter(of_dialect).collect();
    result.sort();
    paths.sort_unstable();
    assert_eq!(result, paths);
}

async fn log_in(site: &Site, password: &str) -> Answer {
    site.rest("login/", json!({ "email": ANN, "password": password })).await
}

#[tokio::test]
async fn paths_of_other_packages_are_not_found() {
    let site = Site::start().await;
    let json = [("content-type", "application/json")];
    for path in [
        "/api/token/",
        "/api/token/refresh/",
        "/api/token/blacklist/",
        "/auth/jwt/create/",
        "/auth/users/",
        "/dj-rest-auth/login/",
    ] {
        let answer = site.send(Method::POST, path, &json, "{}").await;
        assert_eq!(answer.refusal(), (404, "not_found".into()), "{path}");
    }
}

#[tokio::test]
async fn an_options_request_describes_nothing() {
    let site = Site::start().await;
    let answer = site.send(Method::OPTIONS, "/api/accounts/me/", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
}

#[tokio::test]
async fn a_log_in_is_by_email() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    let answer = site.rest("login/", json!({ "username": "ann", "password": PASSWORD })).await;
    assert_eq!(answer.json()["email"], json!(["This field is required."]));
    log_in(&site, PASSWORD).await.tokens();
}

#[tokio::test]
async fn space_around_a_password_counts() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let spaced = format!(" {NEW} ");
    let body = json!({ "old_password": PASSWORD, "new_password": spaced });
    let header = ann.header();
    let answer = site.rest_as(Method::POST, Some(&header), "password/change/", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(log_in(&site, NEW).await.refusal(), (401, "invalid_credentials".into()));
    log_in(&site, &spaced).await.tokens();
}

#[tokio::test]
async fn a_bad_token_is_ignored_where_none_is_needed() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    site.advance(SignedDuration::from_secs(900));
    let ask = |path, body| site.rest_as(Method::POST, Some("Bearer x.y.z"), path, body);
    let refreshed = ask("token/refresh/", json!({ "refresh": ann.refresh })).await;
    refreshed.tokens();
    ask("login/", json!({ "email": ANN, "password": PASSWORD })).await.tokens();
    assert_eq!(ask("send-otp/", json!({ "email": ANN })).await.status, 200);
}

#[tokio::test]
async fn a_change_of_the_password_by_other_names_is_refused() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    for body in [
        json!({ "old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW }),
        json!({ "current_password": PASSWORD, "new_password": NEW }),
    ] {
        let header = ann.header();
        let answer = site.rest_as(Method::POST, Some(&header), "password/change/", body).await;
        assert_eq!(answer.refusal(), (400, "invalid".into()));
    }
    log_in(&site, PASSWORD).await.tokens();
}

#[tokio::test]
async fn an_access_token_says_whose_it_is_in_sub() {
    let site = Site::start().await;
    let Tokens { access, .. } = site.rest_signed_in("ann").await;
    let header = format!("Bearer {access}");
    let me = site.rest_as(Method::GET, Some(&header), "me/", Value::Null).await.json();
    let (head, claims) = (forge::header(&access), forge::payload(&access));
    assert_eq!((&head["typ"], &claims["sub"]), (&json!("at+jwt"), &me["id"]));
    assert_eq!((&claims["user_id"], &claims["token_type"]), (&Value::Null, &Value::Null));
}
