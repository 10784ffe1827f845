use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Answer, Calls, PASSWORD, Site, Tokens, at_once};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

async fn sign_up(site: &Site) -> Answer {
    site.rest("signup/", json!({ "email": ANN, "password": PASSWORD })).await
}

async fn me(site: &Site, tokens: &Tokens) -> Answer {
    site.rest_as(Method::GET, Some(&tokens.header()), "me/", Value::Null).await
}

async fn log_out(site: &Site, refresh: &str) -> Answer {
    site.rest("logout/", json!({ "refresh": refresh })).await
}

async fn verify_email(site: &Site, email: &str, otp: &str) -> Answer {
    site.rest("verify-email/", json!({ "email": email, "otp": otp })).await
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn assert_unauthorized(answer: &Answer, code: &str) {
    assert_eq!(answer.refusal(), (401, code.to_owned()), "{}", answer.text);
    assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
}

#[tokio::test]
pub(super) async fn ann_signs_up_proves_her_address_logs_in_refreshes_and_logs_out() {
    let site = Site::start().await;

    let answer = sign_up(&site).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.json()["email"], ANN);
    assert_eq!(answer.json()["is_verified"], false);
    answer.tokens();

    let log_in = || site.rest("login/", json!({ "email": ANN, "password": PASSWORD }));
    assert_eq!(log_in().await.refusal(), (403, "not_verified".into()));

    let first = site.code(ANN).await;
    site.advance(SignedDuration::from_secs(60));
    let answer = site.rest("send-otp/", json!({ "email": ANN })).await;
    assert_eq!(answer.status, StatusCode::OK);
    let otp = site.code(ANN).await;
    assert_eq!(site.mails_to(ANN).await.len(), 2);
    assert_eq!(otp, first);

    let answer = verify_email(&site, ANN, other_than(&otp)).await;
    assert_eq!(answer.refusal(), (400, "invalid_otp".into()));
    let answer = verify_email(&site, ANN, &otp).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "is_verified": true })));

    let answer = log_in().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["email"], ANN);
    assert_eq!(answer.json()["is_verified"], true);
    let tokens = answer.tokens();

    let shown = me(&site, &tokens).await.json();
    assert_eq!(shown["username"], "ann");
    let names = json!({ "first_name": " Ann ", "last_name": "Lee" });
    let header = tokens.header();
    let answer = site.rest_as(Method::PATCH, Some(&header), "me/", names).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["first_name"], "Ann");
    assert_eq!(me(&site, &tokens).await.json(), answer.json());

    let refresh = |token: &str| site.rest("token/refresh/", json!({ "refresh": token }));
    let next = refresh(&tokens.refresh).await.tokens();
    assert_ne!(next.refresh, tokens.refresh);
    assert_eq!(refresh(&tokens.refresh).await.tokens().refresh, next.refresh);

    let answer = log_out(&site, &next.refresh).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::RESET_CONTENT, ""));
    assert_unauthorized(&log_out(&site, &next.refresh).await, "token_not_valid");
    assert_unauthorized(&refresh(&next.refresh).await, "token_not_valid");
    assert_unauthorized(&me(&site, &next).await, "token_not_valid");
}

#[tokio::test]
async fn an_account_is_shown_in_full() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let mut shown = me(&site, &ann).await.json();
    let id = shown["id"].take();
    assert_eq!(id.as_str().map(str::len), Some(36), "{id}");
    let expected = json!({
        "id": null,
        "email": ANN,
        "username": "ann",
        "first_name": "",
        "last_name": "",
        "is_verified": true,
        "is_active": true,
        "is_staff": false,
        "role": "user",
        "date_joined": "2026-03-01T12:00:00.000000Z",
        "has_second_factor": false,
        "recovery_codes_left": 0,
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_token_is_taken_under_both_names_of_the_scheme_and_no_other() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let get = async |header: &str| {
        site.rest_as(Method::GET, Some(header), "me/", Value::Null).await.status.as_u16()
    };
    for scheme in ["Bearer", "JWT", "bearer"] {
        assert_eq!(get(&format!("{scheme} {}", ann.access)).await, 200, "{scheme}");
    }
    for header in ["", "Bearer", "Basic YTpi", &ann.access, &format!("Token {}", ann.access)] {
        assert_eq!(get(header).await, 401, "{header}");
    }
    assert_eq!(get(&format!("Bearer {}", ann.refresh)).await, 401);
}

#[tokio::test]
async fn every_path_is_there_without_its_slash_too() {
    let site = Site::start().await;
    for path in graphql::openapi::paths() {
        let path = path.trim_end_matches('/');
        let answer = site.send(Method::TRACE, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let answer = site.rest("signup", json!({ "email": ANN, "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_username_and_names_are_taken_at_sign_up() {
    let site = Site::start().await;
    let body = json!({
        "email": ANN, "password": PASSWORD,
        "username": "annie", "first_name": "Ann", "last_name": "Lee",
    });
    let tokens = site.rest("signup/", body).await.tokens();
    let shown = me(&site, &tokens).await.json();
    assert_eq!(
        (&shown["username"], &shown["first_name"], &shown["last_name"]),
        (&json!("annie"), &json!("Ann"), &json!("Lee"))
    );
}

#[tokio::test]
async fn sign_up_gives_no_tokens_where_the_site_says_so() {
    let site = Site::with(&[("TOKENS_ON_REGISTER", "false")]).await;
    let answer = sign_up(&site).await;
    let expected = json!({ "email": ANN, "is_verified": false, "access": null, "refresh": null });
    assert_eq!((answer.status.as_u16(), answer.json()), (201, expected));
}

#[tokio::test]
pub(super) async fn a_sign_up_returns_all_errors_at_once() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    let body = json!({ "email": "ANN@example.com", "password": "123", "username": "a b" });
    let answer = site.rest("signup/", body).await;
    assert_eq!(answer.refusal(), (400, "invalid".into()));
    let body = answer.json();
    assert_eq!(body["email"], json!(["User with this Email address already exists."]));
    assert_eq!(body["username"].as_array().map(Vec::len), Some(1));
    let codes: Vec<_> =
        body["errors"]["password"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    assert_eq!(codes, ["password_too_short", "password_too_common", "password_entirely_numeric"]);
    assert_eq!(body["password"][0], body["errors"]["password"][0]["message"]);
}

#[tokio::test]
pub(super) async fn a_wrong_address_and_a_wrong_password_are_answered_alike() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    sign_up_as(&site, "bob@example.com").await;
    let mut texts = Vec::new();
    for (email, password) in [
        (ANN, "not the password"),
        ("eve@example.com", PASSWORD),
        ("ann", PASSWORD),
        ("bob@example.com", "not the password"),
    ] {
        let answer = site.rest("login/", json!({ "email": email, "password": password })).await;
        assert_unauthorized(&answer, "invalid_credentials");
        texts.push(answer.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

async fn sign_up_as(site: &Site, email: &str) {
    let answer = site.rest("signup/", json!({ "email": email, "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

#[tokio::test]
async fn a_name_that_is_left_out_stays_and_what_is_not_the_caller_s_to_change_is_passed_over() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let header = ann.header();
    let patch = |body| site.rest_as(Method::PATCH, Some(&header), "me/", body);
    patch(json!({ "first_name": "Ann", "last_name": "Lee" })).await;
    let body = json!({ "first_name": "", "is_staff": true, "email": "eve@example.com", "id": 1 });
    let shown = patch(body).await.json();
    assert_eq!(shown["first_name"], "");
    assert_eq!(shown["last_name"], "Lee");
    assert_eq!((&shown["is_staff"], &shown["email"]), (&json!(false), &json!(ANN)));
}

#[tokio::test]
pub(super) async fn an_access_token_that_would_be_honoured_is_valid() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let verify = |token: &str| site.rest("token/verify/", json!({ "token": token }));
    let answer = verify(&ann.access).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "{}"));
    assert_unauthorized(&verify(&ann.refresh).await, "token_not_valid");
    assert_unauthorized(&verify("x.y.z").await, "token_not_valid");
    site.advance(SignedDuration::from_secs(900));
    assert_unauthorized(&verify(&ann.access).await, "token_not_valid");
}

#[tokio::test]
pub(super) async fn a_refresh_token_that_is_used_again_late_ends_the_session() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let refresh = |token: &str| site.rest("token/refresh/", json!({ "refresh": token }));
    let next = refresh(&ann.refresh).await.tokens();
    site.advance(SignedDuration::from_secs(11));
    assert_unauthorized(&refresh(&ann.refresh).await, "token_not_valid");
    assert_unauthorized(&refresh(&next.refresh).await, "token_not_valid");
    assert_unauthorized(&refresh(&next.access).await, "token_not_valid");
}

/// The access token of the header, if any, does not matter.
#[tokio::test]
async fn a_session_is_ended_by_its_refresh_token_and_by_nothing_else() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    let eve = site.rest_signed_in("eve").await;
    let before = site.dump().await;
    for other in [&ann.access, &eve.access, "x.y.z"] {
        let body = json!({ "refresh": other });
        for header in [None, Some(ann.header()), Some(eve.header())] {
            let sent = site.rest_as(Method::POST, header.as_deref(), "logout/", body.clone());
            assert_unauthorized(&sent.await, "token_not_valid");
        }
    }
    assert_eq!(site.dump().await, before);
    site.advance(SignedDuration::from_secs(900));
    assert_unauthorized(&me(&site, &ann).await, "token_not_valid");
    assert_eq!(log_out(&site, &ann.refresh).await.status, StatusCode::RESET_CONTENT);
    let refresh =
        |tokens: &Tokens| site.rest("token/refresh/", json!({ "refresh": tokens.refresh }));
    assert_unauthorized(&refresh(&ann).await, "token_not_valid");
    refresh(&eve).await.tokens();
}

#[tokio::test]
async fn a_log_out_costs_the_end_of_the_session() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    site.calls.take();
    assert_eq!(log_out(&site, &ann.refresh).await.status, StatusCode::RESET_CONTENT);
    assert_eq!(site.calls.take(), Calls { round_trips: 1, calls: 1 });
}

#[tokio::test]
async fn an_address_that_is_unknown_or_proven_gets_no_code_and_the_same_answer() {
    let site = Site::start().await;
    site.rest_signed_in("ann").await;
    sign_up_as(&site, "bob@example.com").await;
    let send = async |email: &str| {
        let before = site.dump().await.len();
        site.calls.take();
        let answer = site.rest("send-otp/", json!({ "email": email })).await;
        let calls = site.calls.take();
        let written = site.dump().await.len() - before;
        let mails = site.mails_to(email).await.len();
        ((answer.status.as_u16(), answer.text, calls, written), mails)
    };
    let (answer, mails) = send("bob@example.com").await;
    assert_eq!((answer.0, answer.3, mails), (200, 1, 2));
    assert_eq!(send(ANN).await, (answer.clone(), 1));
    assert_eq!(send("eve@example.com").await, (answer, 0));
    assert_eq!(send("not an address").await.0.0, 400);
}

#[tokio::test]
async fn a_code_tells_why_it_does_not_work() {
    let site = Site::start().await;
    sign_up(&site).await;
    let right = site.code(ANN).await;
    for _ in 0..5 {
        let answer = verify_email(&site, ANN, other_than(&right)).await;
        assert_eq!(answer.refusal(), (400, "invalid_otp".into()));
    }
    let answer = verify_email(&site, ANN, &right).await;
    assert_eq!(answer.refusal(), (400, "too_many_attempts".into()));
    site.rest("send-otp/", json!({ "email": ANN })).await;
    site.deliver_mail().await;
    let answer = verify_email(&site, ANN, &right).await;
    assert_eq!(answer.refusal(), (400, "too_many_attempts".into()));
    site.advance(SignedDuration::from_secs(600));
    let answer = verify_email(&site, ANN, &right).await;
    assert_eq!(answer.refusal(), (400, "expired_otp".into()));
    let answer = verify_email(&site, "eve@example.com", &right).await;
    assert_eq!(answer.refusal(), (400, "invalid_otp".into()));
}

#[tokio::test]
async fn a_code_is_no_use_once_the_link_has_proven_the_address() {
    let site = Site::start().await;
    sign_up(&site).await;
    let (otp, token) = (site.code(ANN).await, site.link_token(ANN).await);
    assert_eq!(site.verify_account(&token).await["success"], true);
    let answer = verify_email(&site, ANN, &otp).await;
    assert_eq!(answer.refusal(), (400, "already_verified".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_codes_at_once_five_are_compared() {
    let (site, otp) = crowd(50).await;
    let wrong = other_than(&otp);
    let answers = at_once(50, |_| {
        let site = site.clone();
        async move { verify_email(&site, ANN, wrong).await.refusal() }
    })
    .await;
    let count = |code: &str| answers.iter().filter(|(_, given)| given == code).count();
    assert!(answers.iter().all(|(status, _)| *status == 400), "{answers:?}");
    assert_eq!((count("invalid_otp"), count("too_many_attempts")), (5, 45));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_right_codes_at_once_one_proves_the_address() {
    let (site, otp) = crowd(20).await;
    let answers = at_once(20, |_| {
        let (site, otp) = (site.clone(), otp.clone());
        async move { verify_email(&site, ANN, &otp).await.status.as_u16() }
    })
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 400].contains(status)), "{answers:?}");
}

/// A site where Ann has her code, and that many tries meet at the table.
async fn crowd(tries: usize) -> (Arc<Site>, String) {
    let site = Arc::new(Site::start().await);
    sign_up(&site).await;
    let otp = site.code(ANN).await;
    site.meet("UpdateItem", tries);
    (site, otp)
}

#[tokio::test]
async fn an_answer_does_not_name_dynamodb_when_the_table_fails() {
    let site = Site::start().await;
    let ann = site.rest_signed_in("ann").await;
    site.aws.faults().fail("BatchGetItem", embedded::Times::Always, embedded::Fault::Rejected);
    let answer = me(&site, &ann).await;
    assert_eq!(answer.refusal(), (503, "unavailable".into()));
    assert!(!answer.text.to_lowercase().contains("dynamo"), "{}", answer.text);
}

/// The body of an event is in Base64 when API Gateway takes it for binary.
#[tokio::test]
async fn an_event_of_api_gateway_is_answered_also_with_its_body_in_base64() {
    use base64::Engine;
    let site = Site::start().await;
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/rest-signup.json")).unwrap();
    let body = event["body"].as_str().unwrap().to_owned();
    event["body"] = json!(base64::engine::general_purpose::STANDARD.encode(body));
    event["isBase64Encoded"] = json!(true);
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let answer = site.respond(request.map(Body::new)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

#[tokio::test]
async fn the_document_has_every_route_and_nothing_else() {
    let site = Site::start().await;
    let answer = site.send(Method::GET, "/api/openapi.json", &[], "").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text, graphql::openapi::document());
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let routes = graphql::openapi::paths();
    assert_eq!(paths.len(), routes.len(), "{routes:?} {:?}", paths.keys());
    for route in routes {
        // The answer to a wrong method names the right ones.
        let answer = site.send(Method::TRACE, route, &[], "").await;
        let allowed = answer.headers["allow"].to_str().unwrap().to_lowercase();
        let mut allowed: Vec<_> = allowed.split(',').filter(|method| *method != "head").collect();
        let mut documented: Vec<_> =
            paths[route].as_object().unwrap().keys().map(String::as_str).collect();
        allowed.sort_unstable();
        documented.sort_unstable();
        assert_eq!(documented, allowed, "{route}");
    }
}
