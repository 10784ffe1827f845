//! The sessions that a user sees, and how the user ends them.

use std::net::SocketAddr;

use accounts::model::{Client, PlainPassword};
use accounts::operations::Credentials;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, failure, failure_code};
use lambda_http::request::RequestContext;
use serde_json::{Value, json};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const UNKNOWN: &str = "019ca93c-8000-7000-8000-000000000000";

fn ids(sessions: &[Value]) -> Vec<String> {
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

/// A log-in with those headers and that address of the connection.
async fn log_in_from(site: &Site, ann: &Actor, headers: &[(&str, &str)], ip: &str) -> Actor {
    let mut request = log_in_request(ann, headers);
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>(ip.parse().unwrap()));
    answered(site, ann, request).await
}

fn log_in_request(ann: &Actor, headers: &[(&str, &str)]) -> Request<Body> {
    let document = format!(
        "mutation {{ tokenAuth(username: \"{}\", password: \"{PASSWORD}\") {{
            success token refreshToken }} }}",
        ann.name
    );
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(json!({ "query": document }).to_string())).unwrap()
}

async fn answered(site: &Site, ann: &Actor, request: Request<Body>) -> Actor {
    ann.with_tokens(&site.respond(request).await.json()["data"]["tokenAuth"])
}

/// The caller's own session, as its owner sees it.
async fn current(site: &Site, actor: &Actor) -> Value {
    let mut sessions = site.sessions(actor).await;
    sessions.retain(|session| session["current"] == true);
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.remove(0)
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_one_of_them_is_the_callers() {
    let site = Site::start().await;
    let first = site.signed_in("ann").await;
    site.end_other_sessions(&first).await;
    site.advance(SECOND);
    let second = site.log_in(&first).await;
    site.advance(SECOND * 59);
    let third = site.log_in(&first).await;
    site.signed_in("bob").await;
    let second = site.refreshed(&second).await;

    let session = |actor: &Actor, created: &str, used: &str, current| {
        json!({
            "id": actor.session_id(), "createdAt": created, "lastUsedAt": used,
            "ipAddress": null, "userAgent": null, "current": current,
        })
    };
    let (noon, later) = ("2026-03-01T12:00:00.000000+00:00", "2026-03-01T12:01:00.000000+00:00");
    let then = "2026-03-01T12:00:01.000000+00:00";
    assert_eq!(
        site.sessions(&second).await,
        [
            session(&third, later, later, false),
            session(&second, then, later, true),
            session(&first, noon, noon, false),
        ]
    );
}

#[tokio::test]
async fn a_session_whose_time_is_over_is_not_listed_and_cannot_be_ended() {
    let site = Site::with(&[("REFRESH_TOKEN_LIFETIME", "100")]).await;
    let old = site.signed_in("ann").await;
    site.advance(SECOND * 60);
    let new = site.log_in(&old).await;
    site.advance(SECOND * 39);
    assert!(ids(&site.sessions(&new).await).contains(&old.session_id()));
    site.advance(SECOND);
    assert_eq!(ids(&site.sessions(&new).await), [new.session_id()]);
    let answer = site.end_session(&new, &old.session_id()).await;
    assert_eq!(answer["errors"], failure("not_found", "Not found."));
}

#[tokio::test]
async fn an_anonymous_caller_has_no_sessions_to_see_or_end() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let over = site.log_in(&ann).await;
    site.log_out(&over).await;
    let before = site.dump().await;
    for anonymous in [Actor::default(), over] {
        let answer = site.ask(&anonymous, "{ sessions { id } me { username } }", Value::Null).await;
        assert_eq!(answer.json()["data"], json!({ "sessions": null, "me": null }));
        assert_eq!(answer.code().as_deref(), Some("unauthenticated"));
        for answer in [
            site.end_session(&anonymous, &ann.session_id()).await,
            site.end_session(&anonymous, "garbage").await,
            site.end_other_sessions(&anonymous).await,
            site.log_out(&anonymous).await,
        ] {
            let errors = failure("unauthenticated", "Unauthenticated.");
            assert_eq!(answer, json!({ "success": false, "errors": errors }));
        }
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn the_address_is_that_of_the_connection_whatever_a_client_writes() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let forged = [
        ("user-agent", "Firefox/149"),
        ("x-forwarded-for", "198.51.100.1"),
        ("forwarded", "for=198.51.100.1"),
        ("x-real-ip", "198.51.100.1"),
        ("client-ip", "198.51.100.1"),
        ("true-client-ip", "198.51.100.1"),
        ("cf-connecting-ip", "198.51.100.1"),
    ];
    let here = log_in_from(&site, &ann, &forged, "203.0.113.7:1234").await;
    let session = current(&site, &here).await;
    assert_eq!(session["ipAddress"], "203.0.113.7");
    assert_eq!(session["userAgent"], "Firefox/149");
    let here = log_in_from(&site, &ann, &[], "[2001:db8::7]:1234").await;
    assert_eq!(current(&site, &here).await["ipAddress"], "2001:db8::7");
    let nowhere = answered(&site, &ann, log_in_request(&ann, &forged)).await;
    assert_eq!(current(&site, &nowhere).await["ipAddress"], Value::Null);
}

#[tokio::test]
async fn behind_the_gateway_the_address_is_what_the_gateway_says() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let context = json!({
        "accountId": "123456789012", "apiId": "api", "stage": "$default", "requestId": "id",
        "routeKey": "$default", "time": "", "timeEpoch": 0,
        "http": {
            "method": "POST", "path": "/graphql", "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.44", "userAgent": "said to the gateway",
        },
    });
    let context = RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap());
    let mut request = log_in_request(&ann, &[("x-forwarded-for", "198.51.100.1")]);
    request.extensions_mut().insert(context);
    let proxy: SocketAddr = "127.0.0.1:1".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(proxy));
    let here = answered(&site, &ann, request).await;
    assert_eq!(current(&site, &here).await["ipAddress"], "192.0.2.44");
}

#[tokio::test]
async fn a_refresh_tells_where_a_session_is_used_from_now() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let here = log_in_from(&site, &ann, &[("user-agent", "one")], "203.0.113.7:1").await;
    let document = "mutation($t: String!) { refreshToken(refreshToken: $t) {
        token refreshToken } }";
    let body = json!({ "query": document, "variables": { "t": here.refresh } }).to_string();
    let mut request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("user-agent", "two")
        .body(Body::from(body))
        .unwrap();
    let there: SocketAddr = "203.0.113.8:1".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(there));
    let answer = site.respond(request).await.json();
    let there = here.with_tokens(&answer["data"]["refreshToken"]);
    let session = current(&site, &there).await;
    assert_eq!(
        (&session["ipAddress"], &session["userAgent"]),
        (&"203.0.113.8".into(), &"two".into())
    );
}

#[tokio::test]
async fn of_a_user_agent_what_can_be_shown_is_kept() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let long = "x".repeat(10 << 10);
    let here = log_in_from(&site, &ann, &[("user-agent", &long)], "203.0.113.7:1").await;
    assert_eq!(current(&site, &here).await["userAgent"], "x".repeat(200));
    let odd = log_in_from(&site, &ann, &[("user-agent", "a\tb")], "203.0.113.7:1").await;
    assert_eq!(current(&site, &odd).await["userAgent"], "ab");
    // No server lets these through; the core does not count on it.
    let odd = "a\0b\r\nc\u{1b}[31md\u{7f}\u{85}é".to_owned() + &"\u{1f600}".repeat(300);
    let client = Client { ip: Some("1\n2".to_owned()), user_agent: Some(odd), ..Client::default() };
    let name = Credentials::Username("ann".to_owned());
    let logged_in = site.accounts.log_in(name, PlainPassword::new(PASSWORD), &client).await;
    let access = logged_in.unwrap().tokens.access;
    let session = current(&site, &Actor { access, ..ann }).await;
    let kept = format!("abc[31mdé{}", "\u{1f600}".repeat(191));
    assert_eq!(session["userAgent"], kept);
    assert_eq!(session["ipAddress"], "12");
}

#[tokio::test]
async fn a_user_ends_one_of_their_sessions_once() {
    let site = Site::start().await;
    let here = site.signed_in("ann").await;
    let there = site.log_in(&here).await;
    let answer = site.end_session(&here, &there.session_id()).await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    site.assert_over(&there).await;
    let again = site.end_session(&here, &there.session_id()).await;
    let errors = failure("not_found", "Not found.");
    assert_eq!(again, json!({ "success": false, "errors": errors }));
    site.assert_goes_on(&here).await;
}

#[tokio::test]
async fn a_session_of_another_user_is_not_found_and_goes_on() {
    let site = Site::start().await;
    let (ann, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
    let before = site.dump().await;
    let (bobs, bob_id) = (bob.session_id(), bob.user_id().to_string());
    for id in [
        &*bobs,
        UNKNOWN,
        &bob_id,
        &ann.user_id().to_string(),
        "",
        "garbage",
        "*",
        "SESSION#",
        &format!("{}#", ann.session_id()),
        &format!("USER#{bob_id}/SESSION#{bobs}"),
        &"x".repeat(50_000),
    ] {
        let answer = site.end_session(&ann, id).await;
        assert_eq!(answer["success"], false, "{id}");
        assert_eq!(answer["errors"], failure("not_found", "Not found."), "{id}");
    }
    assert_eq!(site.dump().await, before);
    site.assert_goes_on(&bob).await;
}

#[tokio::test]
async fn a_user_ends_the_present_session() {
    let site = Site::start().await;
    let here = site.signed_in("ann").await;
    let there = site.log_in(&here).await;
    assert_eq!(site.end_session(&here, &here.session_id()).await["success"], true);
    site.assert_over(&here).await;
    site.assert_goes_on(&there).await;
}

#[tokio::test]
async fn a_user_ends_all_sessions_but_the_present_one() {
    let site = Site::start().await;
    let here = site.signed_in("ann").await;
    let (there, elsewhere) = (site.log_in(&here).await, site.log_in(&here).await);
    let bob = site.signed_in("bob").await;
    let answer = site.end_other_sessions(&here).await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    site.assert_over(&there).await;
    site.assert_over(&elsewhere).await;
    assert_eq!(ids(&site.sessions(&here).await), [here.session_id()]);
    let here = site.assert_goes_on(&here).await;
    assert_eq!(site.end_other_sessions(&here).await["success"], true);
    site.assert_goes_on(&here).await;
    site.assert_goes_on(&bob).await;
}

#[tokio::test]
async fn a_user_logs_out_of_the_present_session_only() {
    let site = Site::start().await;
    let here = site.signed_in("ann").await;
    let there = site.log_in(&here).await;
    assert_eq!(site.log_out(&here).await, json!({ "success": true, "errors": null }));
    site.assert_over(&here).await;
    assert_eq!(failure_code(&site.log_out(&here).await), "unauthenticated");
    assert_eq!(ids(&site.sessions(&there).await).len(), 2, "the first one, and this");
    site.assert_goes_on(&there).await;
}

#[tokio::test]
async fn after_the_session_was_ended_in_a_document_nothing_more_is_done_in_it() {
    for ending in ["logout", "endSession(id: \"ID\")"] {
        let site = Site::start().await;
        let ann = site.signed_in("ann").await;
        let ending = ending.replace("ID", &ann.session_id());
        let document = format!(
            "mutation {{
                {ending} {{ success }}
                endOtherSessions {{ success }}
                passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"another jf84\",
                    newPassword2: \"another jf84\") {{ success errors token }} }}"
        );
        let answer = site.ask(&ann, &document, Value::Null).await.json()["data"].clone();
        assert_eq!(answer["endOtherSessions"]["success"], false, "{ending}");
        assert_eq!(failure_code(&answer["passwordChange"]), "unauthenticated", "{ending}");
        assert!(site.is_password(&ann, PASSWORD).await, "{ending}");
    }
}
