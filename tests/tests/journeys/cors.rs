//! Pages of other origins that call the API from a browser.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use embedded::{Fault, Times};
use journeys::{Answer, Site};
use serde_json::{Value, json};

const LISTED: (&str, &str) = ("CORS_ORIGINS", "https://App.example:443,http://localhost:5173");
const IN_COOKIES: (&str, &str) = ("TOKENS_IN_COOKIES", "true");
const APP: (&str, &str) = ("origin", "https://app.example");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Headers of known clients, beside those that every page may send.
const HEADERS: &str = "apollo-require-preflight,apollographql-client-name,apollographql-client-version,\
                       authorization,content-type,graphql-preflight,sentry-trace,x-apollo-operation-name,\
                       x-csrftoken,x-request-id,x-requested-with";

/// The value of a header; empty if there is none.
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The preflight request of a browser.
async fn preflight(site: &Site, origin: &str, method: &str, path: &str) -> Answer {
    let asked = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", HEADERS),
    ];
    site.send(Method::OPTIONS, path, &asked, "").await
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_send_what_clients_send() {
    let site = Site::with(&[LISTED]).await;
    for (method, path) in [
        ("POST", "/graphql"),
        ("GET", "/graphql/relay"),
        ("POST", "/api/accounts/login/"),
        ("PUT", "/api/accounts/me/"),
        ("PATCH", "/api/accounts/me"),
        ("POST", "/users/login/"),
        ("POST", "/hasura/actions"),
        ("GET", "/.well-known/jwks.json"),
    ] {
        for origin in ["https://app.example", "http://localhost:5173"] {
            let answer = preflight(&site, origin, method, path).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{method} {path}");
            assert_eq!(answer.text, "");
            assert_eq!(header(&answer, "access-control-allow-origin"), origin);
            let methods = header(&answer, "access-control-allow-methods");
            assert!(methods.split(',').any(|allowed| allowed == method), "{methods}");
            assert_eq!(header(&answer, "access-control-allow-headers"), HEADERS);
            assert_eq!(header(&answer, "access-control-max-age"), "7200");
            assert_eq!(header(&answer, "access-control-allow-credentials"), "");
        }
    }
}

#[tokio::test]
async fn whatever_is_answered_a_listed_origin_may_read_it() {
    let site = Site::with(&[LISTED]).await;
    let ann = site.signed_in("ann").await;
    let (bad, good) = (("authorization", "Bearer garbage"), ann.authorization());
    let large = "x".repeat(100_000);
    let me = "/api/accounts/me/";
    let mut answers = Vec::new();
    for (status, method, path, headers, body) in [
        (200, Method::POST, "/graphql", vec![JSON], r#"{"query":"{__typename}"}"#),
        (400, Method::POST, "/graphql", vec![JSON], "garbage"),
        (401, Method::GET, me, vec![bad], ""),
        (404, Method::GET, "/nowhere", vec![], ""),
        (405, Method::DELETE, "/graphql", vec![], ""),
        (405, Method::DELETE, me, vec![], ""),
        (413, Method::POST, "/graphql", vec![JSON], large.as_str()),
        (415, Method::POST, "/api/accounts/login/", vec![], "email=a"),
    ] {
        let headers: Vec<_> = headers.into_iter().chain([APP]).collect();
        let answer = site.send(method, path, &headers, body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        answers.push(answer);
    }
    site.aws.faults().fail("dynamodb:*", Times::Always, Fault::InternalError);
    let headers = [APP, ("authorization", good.as_str())];
    answers.push(site.send(Method::GET, me, &headers, "").await);
    assert_eq!(answers.last().map(|answer| answer.status.as_u16()), Some(503));
    for answer in answers {
        let status = answer.status;
        assert_eq!(header(&answer, "access-control-allow-origin"), APP.1, "{status}");
        let exposed = header(&answer, "access-control-expose-headers");
        assert_eq!(exposed, "x-request-id,retry-after,x-device", "{status}");
        assert!(header(&answer, "vary").to_lowercase().contains("origin"), "{status}");
    }
}

#[tokio::test]
async fn a_page_of_any_other_origin_may_read_nothing() {
    let site = Site::with(&[LISTED, IN_COOKIES]).await;
    for origin in [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "http://app.example",
        "https://APP.example",
        "http://localhost:5174",
        "http://127.0.0.1:5173",
        "null",
        "*",
        "",
    ] {
        for answer in [
            preflight(&site, origin, "POST", "/graphql").await,
            site.send(Method::GET, "/health", &[("origin", origin)], "").await,
        ] {
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
            assert!(header(&answer, "vary").to_lowercase().contains("origin"), "{origin}");
        }
    }
}

#[tokio::test]
async fn pages_of_the_sites_own_addresses_may_call_it() {
    let site = Site::with(&[
        ("BASE_URL", "https://api.example/auth"),
        ("LINK_URL", "https://Links.example/account"),
        ("APP_URL", "https://müller.example:443/app"),
    ])
    .await;
    for origin in ["https://api.example", "https://links.example", "https://xn--mller-kva.example"]
    {
        let answer = preflight(&site, origin, "POST", "/graphql").await;
        assert_eq!(header(&answer, "access-control-allow-origin"), origin);
    }
}

#[tokio::test]
async fn cookies_may_come_along_only_where_they_are_used() {
    let answer = preflight(&Site::with(&[LISTED]).await, APP.1, "POST", "/graphql").await;
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    let site = Site::with(&[LISTED, IN_COOKIES]).await;
    let answer = preflight(&site, APP.1, "POST", "/graphql").await;
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    let answer = site.send(Method::GET, "/health", &[APP], "").await;
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn a_page_that_may_call_the_api_may_log_in_and_out_by_cookies() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let site = site.restarted_with(&[LISTED, IN_COOKIES]);
    let log_in = json!({ "query": "mutation { tokenAuth(username: \"ann\", password: \"kdjf84jfKKd\") { success } }" });
    for fetch_site in ["same-site", "cross-site"] {
        let from = [JSON, APP, ("sec-fetch-site", fetch_site)];
        let answer = site.send(Method::POST, "/graphql", &from, log_in.to_string()).await;
        assert_eq!(answer.json()["data"]["tokenAuth"]["success"], true, "{}", answer.text);
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 3);
    }
    let other = [JSON, ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let answer = site.send(Method::POST, "/graphql", &other, log_in.to_string()).await;
    assert_eq!(answer.code().as_deref(), Some("cross_site"));
}

/// A request as API Gateway brings it.
pub(crate) async fn event(site: &Site, change: impl FnOnce(&mut Value)) -> Answer {
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/health.json")).unwrap();
    change(&mut event);
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let body = |body| match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        lambda_http::Body::Empty => Body::empty(),
        _ => panic!("a body that is not known"),
    };
    site.respond(request.map(body)).await
}

#[tokio::test]
async fn api_gateway_hands_the_browsers_question_on_and_it_is_answered() {
    let site = Site::with(&[LISTED]).await;
    let answer = event(&site, |event| {
        event["rawPath"] = json!("/graphql");
        event["requestContext"]["http"]["method"] = json!("OPTIONS");
        event["requestContext"]["http"]["path"] = json!("/graphql");
        event["headers"]["origin"] = json!(APP.1);
        event["headers"]["access-control-request-method"] = json!("POST");
        event["headers"]["access-control-request-headers"] = json!("authorization,content-type");
    })
    .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(header(&answer, "access-control-allow-origin"), APP.1);
    assert_eq!(header(&answer, "access-control-allow-headers"), "authorization,content-type");
}

#[tokio::test]
async fn the_template_leaves_origins_to_the_function() {
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(local::TEMPLATE).unwrap();
    let resources = &template["Resources"];
    assert!(resources["HttpApi"]["Properties"]["CorsConfiguration"].is_null());
    let variables = &resources["GraphqlFunction"]["Properties"]["Environment"]["Variables"];
    assert!(!variables["CORS_ORIGINS"].is_null(), "{variables:?}");
}
