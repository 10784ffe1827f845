//! Tokens in cookies, where that is set.

use axum::http::{Method, StatusCode};
use journeys::{Answer, PASSWORD, Site};
use serde_json::json;

const LOG_IN: &str =
    "mutation { tokenAuth(username: \"ann\", password: \"kdjf84jfKKd\") { success } }";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn post(site: &Site, document: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    site.send(Method::POST, "/graphql", &all, json!({ "query": document }).to_string()).await
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

/// The `Cookie` header that a browser would send after that answer.
fn cookies(answer: &Answer) -> String {
    let set = set_cookies(answer);
    set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

async fn site() -> Site {
    assert_eq!(PASSWORD, "kdjf84jfKKd");
    let site = Site::start().await;
    site.signed_in("ann").await;
    site.restarted_with(&[("TOKENS_IN_COOKIES", "true")])
}

#[tokio::test]
async fn a_browser_logs_in_refreshes_and_logs_out_without_seeing_a_token() {
    let site = site().await;
    let answer = post(&site, LOG_IN, &[OWN]).await;
    let set = set_cookies(&answer);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[0].starts_with("JWT=ey") && set[1].starts_with("JWT-refresh-token=ey"), "{set:?}");
    for (cookie, age) in set.iter().zip(["Max-Age=900;", "Max-Age=604800;"]) {
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", age] {
            assert!(cookie.contains(attribute), "{attribute}: {cookie}");
        }
    }
    let header = cookies(&answer);
    let me = post(&site, "{ whoami { username } }", &[("cookie", &header)]).await.json();
    assert_eq!(me["data"]["whoami"]["username"], "ann");

    let refresh = "mutation { refreshAccessToken { payload } }";
    let answer = post(&site, refresh, &[("cookie", &header), OWN]).await;
    assert_eq!(answer.json()["data"]["refreshAccessToken"]["payload"]["username"], "ann");
    let next = cookies(&answer);
    assert_ne!(next, header);

    let answer = post(&site, "mutation { logout { success } }", &[("cookie", &next), OWN]).await;
    assert_eq!(answer.json()["data"]["logout"]["success"], true, "{}", answer.text);
    let cleared = set_cookies(&answer);
    assert!(cleared.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")));
    let me = post(&site, "{ me { username } }", &[("cookie", &next)]).await.json();
    assert_eq!(me["data"]["me"], json!(null));
}

#[tokio::test]
async fn a_mutation_that_another_site_may_have_sent_is_refused() {
    let site = site().await;
    let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
    let logout = "mutation { logout { success } }";
    let own_origin = ("origin", "https://accounts.example");
    for from in [
        vec![],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://accounts.example.evil")],
        vec![("origin", "null")],
        vec![("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
    ] {
        let mut headers = from.clone();
        headers.push(("cookie", header.as_str()));
        let answer = post(&site, logout, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?}");
        assert_eq!(answer.code().as_deref(), Some("cross_site"));
        let answer = post(&site, LOG_IN, &from).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?}");
        assert_eq!(set_cookies(&answer), [""; 0]);
    }
    let answer = post(&site, logout, &[("cookie", &header), own_origin]).await;
    assert_eq!(answer.json()["data"]["logout"]["success"], true);
}

#[tokio::test]
async fn no_cookies_are_set_unless_that_is_asked_for() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let answer = post(&site, LOG_IN, &[]).await;
    assert_eq!(answer.json()["data"]["tokenAuth"]["success"], true);
    assert_eq!(set_cookies(&answer), [""; 0]);
}

#[tokio::test]
async fn a_page_of_the_application_is_known_however_the_site_spells_its_url() {
    for (given, sent) in [
        ("https://müller.example/app", "https://xn--mller-kva.example"),
        ("https://App.Example:443", "https://app.example"),
    ] {
        let site = Site::start().await;
        site.signed_in("ann").await;
        let given = [("TOKENS_IN_COOKIES", "true"), ("APP_URL", given)];
        let site = site.restarted_with(given.to_vec().leak());
        let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
        let logout = "mutation { logout { success } }";
        let near = format!("{sent}.evil.example");
        let headers = [("cookie", &*header), ("origin", &near), ("sec-fetch-site", "cross-site")];
        let refused = post(&site, logout, &headers).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        let headers = [("cookie", &*header), ("origin", sent), ("sec-fetch-site", "same-site")];
        let answer = post(&site, logout, &headers).await;
        assert_eq!(answer.json()["data"]["logout"]["success"], true, "{}", answer.text);
    }
}
