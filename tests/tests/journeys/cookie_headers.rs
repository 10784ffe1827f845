//! Requests with several cookies, and with cookies that are not valid.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

use crate::cookies::{ME, ON, OWN, REFRESH, post, with_ann};

/// The name of `me` for a `Cookie` header of any bytes.
pub(crate) async fn me_with_bytes(site: &Site, lines: &[&[u8]]) -> Value {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    for line in lines {
        request = request.header("cookie", HeaderValue::from_bytes(line).unwrap());
    }
    let body = Body::from(json!({ "query": ME }).to_string());
    let answer = site.respond(request.body(body).unwrap()).await;
    answer.json()["data"]["me"]["username"].clone()
}

#[tokio::test]
async fn one_bad_cookie_hides_no_other_in_an_event_of_lambda() {
    let (site, ann) = with_ann(ON).await;
    let event = json!({ "version": "2.0", "routeKey": "$default", "rawPath": "/graphql",
        "rawQueryString": "", "isBase64Encoded": false, "body": json!({ "query": ME }).to_string(),
        "cookies": ["city=München", "JWT=old.stale.one", format!("JWT={}", ann.access)],
        "headers": { "content-type": "application/json", "user-agent": "Fox/1.0 (München)" },
        "requestContext": { "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d",
            "requestId": "r", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "http": { "method": "POST", "path": "/graphql", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "t" } } });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let (parts, body) = request.into_parts();
    let lambda_http::Body::Text(text) = body else { panic!("the body was no text") };
    let answer = site.respond(Request::from_parts(parts, Body::from(text))).await;
    assert_eq!(answer.json()["data"]["me"]["username"], "ann", "{}", answer.text);
}

#[tokio::test]
async fn a_header_is_not_given_up_for_a_byte_that_is_not_ascii() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    for (agent, shown) in [
        (&b"Fox/1.0 (M\xc3\xbcnchen)"[..], "Fox/1.0 (München)"),
        (b"Fox/1.0 (M\xfcnchen)", "Fox/1.0 (München)"),
    ] {
        let document = format!(
            "mutation {{ tokenAuth(username: \"ann\", password: \"{PASSWORD}\") {{ token }} \
             sendPasswordResetEmail(email: \"ann@example.com\") {{ success }} }}"
        );
        let request = Request::post("/graphql")
            .header("content-type", "application/json; x=\u{e9}")
            .header("accept-language", HeaderValue::from_bytes(b"\xe9,de").unwrap())
            .header("user-agent", HeaderValue::from_bytes(agent).unwrap());
        let body = Body::from(json!({ "query": document }).to_string());
        let answer = site.respond(request.body(body).unwrap()).await.json();
        let token = answer["data"]["tokenAuth"]["token"].as_str().unwrap();
        let caller = site.accounts.authenticate(token).await.unwrap();
        assert_eq!(caller.session.user_agent.as_deref(), Some(shown));
        let mail = site.mails_to("ann@example.com").await.pop().unwrap();
        assert!(mail.subject.contains("Passwort"), "{}", mail.subject);
    }
}

#[tokio::test]
async fn of_two_refresh_cookies_the_one_that_is_good_counts_and_no_session_ends() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let next = site.refreshed(&ann).await;
    // After the grace: used alone, the first one would end the session.
    site.advance(SignedDuration::from_mins(1));
    let other = site.log_in(&next).await;
    site.log_out(&other).await;
    let site = site.restarted_with(ON);
    for tokens in [
        [&ann.refresh, &next.refresh],
        [&next.refresh, &ann.refresh],
        [&other.refresh, &next.refresh],
        [&next.refresh, &other.refresh],
    ] {
        let [first, second] = tokens;
        let header = format!(
            "JWT-refresh-token=garbage; JWT-refresh-token={first}; JWT-refresh-token={second}"
        );
        let answer = post(&site, REFRESH, &[("cookie", &header), OWN]).await;
        let payload = &answer.json()["data"]["refreshAccessToken"]["payload"];
        assert_eq!(payload["username"], "ann", "{}", answer.text);
    }
    let header = format!("JWT-refresh-token={}", other.refresh);
    let answer = post(&site, REFRESH, &[("cookie", &header), OWN]).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_token"), "{}", answer.text);
    assert_eq!(site.me(&next).await.as_deref(), Some("ann"), "the session goes on");
}

#[tokio::test]
async fn a_refresh_cookie_that_was_used_before_ends_its_session_when_it_comes_alone() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let next = site.refreshed(&ann).await;
    site.advance(SignedDuration::from_mins(1));
    let site = site.restarted_with(ON);
    let header = format!("JWT-refresh-token={}", ann.refresh);
    let answer = post(&site, REFRESH, &[("cookie", &header), OWN]).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_token"), "{}", answer.text);
    assert_eq!(site.me(&next).await, None);
}

#[tokio::test]
async fn a_refresh_cookie_of_an_account_that_is_not_proven_hides_no_other() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.advance(SignedDuration::from_secs(1));
    let bob = site.sign_up("bob").await;
    let site = site.restarted_with(ON);
    let of = |actor: &Actor| format!("JWT-refresh-token={}", actor.refresh);
    let both = format!("{}; {}", of(&bob), of(&ann));
    let answer = post(&site, REFRESH, &[("cookie", &both), OWN]).await.json();
    assert_eq!(answer["data"]["refreshAccessToken"]["payload"]["username"], "ann", "{answer}");
    let answer = post(&site, REFRESH, &[("cookie", &of(&bob)), OWN]).await;
    assert_eq!(answer.code().as_deref(), Some("not_verified"), "{}", answer.text);
}
