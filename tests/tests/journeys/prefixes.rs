//! Prefixes of a path: that of `BASE_URL`, and the name of API Gateway's stage.

use axum::http::Method;
use journeys::Site;
use serde_json::json;

use crate::cors::event;

const JSON: (&str, &str) = ("content-type", "application/json");
const ASK: &str = r#"{"query":"{__typename}"}"#;

async fn assert_all_is_there(site: &Site, prefix: &str) {
    for path in [
        "/health",
        "/.well-known/jwks.json",
        "/api/openapi.json",
        "/activate",
        "/password-reset",
        "/pages.css",
    ] {
        let answer = site.send(Method::GET, &format!("{prefix}{path}"), &[], "").await;
        assert_eq!(answer.status, 200, "{prefix}{path}");
    }
    for (path, status) in [("/graphql", 200), ("/graphql/relay", 200), ("/users/login/", 400)] {
        let answer = site.send(Method::POST, &format!("{prefix}{path}"), &[JSON], ASK).await;
        assert_eq!(answer.status, status, "{prefix}{path}");
    }
    for path in ["/api/accounts/me/", "/api/accounts/me"] {
        let answer = site.send(Method::GET, &format!("{prefix}{path}"), &[], "").await;
        assert_eq!(answer.json()["code"], "unauthenticated", "{prefix}{path}");
    }
    let answer = site.send(Method::GET, &format!("{prefix}/nowhere"), &[], "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn below_the_path_of_the_sites_address_all_is_there_too() {
    for settings in [
        &[("BASE_URL", "https://example.com/auth")] as &[_],
        &[("BASE_URL", "https://example.com/auth/v1/")],
        // Routes start so, too.
        &[("BASE_URL", "https://example.com/api")],
        &[("BASE_URL", "https://example.com/graphql")],
    ] {
        let site = Site::with(settings).await;
        let prefix = settings[0].1.trim_end_matches('/').trim_start_matches("https://example.com");
        assert_all_is_there(&site, "").await;
        assert_all_is_there(&site, prefix).await;
        let answer = site.send(Method::GET, "/elsewhere/health", &[], "").await;
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn a_mailed_link_below_a_path_leads_to_its_page_and_that_to_its_style() {
    let site = Site::with(&[("BASE_URL", "https://example.com/auth")]).await;
    let ann = site.sign_up("ann").await;
    let mails = site.mails_to(&ann.email()).await;
    let text = mails[0].text.clone().unwrap();
    let link = text.lines().find(|line| line.starts_with("https://example.com/auth/activate/"));
    for path in [
        link.unwrap().trim_start_matches("https://example.com"),
        link.unwrap().trim_start_matches("https://example.com/auth"),
    ] {
        let page = site.send(Method::GET, path, &[], "").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("href=\"/auth/pages.css\""), "{}", page.text);
    }
}

#[tokio::test]
async fn the_name_of_a_stage_is_no_part_of_a_path() {
    for (base_url, stage, path) in [
        ("https://a1b2.example/prod", "prod", "/prod/graphql"),
        // Behind a domain whose mapping leads to the stage.
        ("https://accounts.example", "prod", "/prod/graphql"),
        ("https://accounts.example", "prod", "/graphql"),
        ("https://example.com/auth", "prod", "/auth/graphql"),
        ("https://example.com/auth", "$default", "/auth/graphql"),
        ("https://example.com/auth", "$default", "/graphql"),
    ] {
        let settings: &'static [_] = Box::leak(Box::new([("BASE_URL", base_url)]));
        let answer = event(&Site::with(settings).await, |event| {
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!("query=%7B__typename%7D");
            event["requestContext"]["stage"] = json!(stage);
        })
        .await;
        assert_eq!(answer.json()["data"]["__typename"], "Query", "{base_url} {stage} {path}");
    }
}
