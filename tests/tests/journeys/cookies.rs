//! Tokens in cookies, where that is set.

use axum::http::{Method, StatusCode};
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

use crate::cookie_headers::me_with_bytes;

const LOG_IN: &str =
    "mutation { tokenAuth(username: \"ann\", password: \"kdjf84jfKKd\") { success } }";
const LOG_OUT: &str = "mutation { logout { success } }";
pub(crate) const REFRESH: &str = "mutation { refreshAccessToken { token refreshToken payload } }";
pub(crate) const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
pub(crate) const ME: &str = "{ me { username } }";

type Given = &'static [(&'static str, &'static str)];

pub(crate) const ON: Given = &[("TOKENS_IN_COOKIES", "true")];

pub(crate) async fn post(site: &Site, document: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    site.send(Method::POST, "/graphql", &all, json!({ "query": document }).to_string()).await
}

/// The name of `me` for those headers; null for an anonymous caller.
pub(crate) async fn me(site: &Site, headers: &[(&str, &str)]) -> Value {
    post(site, ME, headers).await.json()["data"]["me"]["username"].clone()
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

fn assert_cleared(answer: &Answer) {
    let set = set_cookies(answer);
    let is_cleared = |cookie: &String| cookie.contains("=; ") && cookie.contains("Max-Age=0");
    assert!(set.len() == 2 && set.iter().all(is_cleared), "{set:?} {}", answer.text);
}

pub(crate) async fn with_ann(settings: Given) -> (Site, Actor) {
    assert_eq!(PASSWORD, "kdjf84jfKKd");
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site.restarted_with(settings), ann)
}

async fn site() -> Site {
    with_ann(ON).await.0
}

#[tokio::test]
async fn a_browser_logs_in_refreshes_and_logs_out_without_seeing_a_token() {
    let site = site().await;
    let answer = post(&site, LOG_IN, &[OWN]).await;
    let set = set_cookies(&answer);
    assert_eq!(set.len(), 3, "{set:?}");
    assert!(set[2].starts_with("JWT-device=ey"), "{set:?}");
    assert!(set[0].starts_with("JWT=ey") && set[1].starts_with("JWT-refresh-token=ey"), "{set:?}");
    for (cookie, age) in set.iter().zip(["Max-Age=900;", "Max-Age=604800;", "Max-Age=15552000;"]) {
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", age] {
            assert!(cookie.contains(attribute), "{attribute}: {cookie}");
        }
    }
    let header = cookies(&answer);
    let me = post(&site, "{ whoami { username } }", &[("cookie", &header)]).await.json();
    assert_eq!(me["data"]["whoami"]["username"], "ann");

    let answer = post(&site, REFRESH, &[("cookie", &header), OWN]).await;
    assert_eq!(answer.json()["data"]["refreshAccessToken"]["payload"]["username"], "ann");
    let next = cookies(&answer);
    assert_ne!(next, header);

    let answer = post(&site, LOG_OUT, &[("cookie", &next), OWN]).await;
    assert_eq!(answer.json()["data"]["logout"]["success"], true, "{}", answer.text);
    assert_cleared(&answer);
    let me = post(&site, ME, &[("cookie", &next)]).await.json();
    assert_eq!(me["data"]["me"], json!(null));
}

#[tokio::test]
pub(super) async fn a_mutation_that_another_site_may_have_sent_is_refused() {
    let site = site().await;
    let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
    let own_origin = ("origin", "https://accounts.example");
    for from in [
        vec![],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://accounts.example.evil")],
        vec![("origin", "null")],
        vec![("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "böse")],
    ] {
        let mut headers = from.clone();
        headers.push(("cookie", header.as_str()));
        let answer = post(&site, LOG_OUT, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?}");
        assert_eq!(answer.code().as_deref(), Some("cross_site"));
        let answer = post(&site, LOG_IN, &from).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?}");
        assert_eq!(set_cookies(&answer), [""; 0]);
    }
    let answer = post(&site, LOG_OUT, &[("cookie", &header), own_origin]).await;
    assert_eq!(answer.json()["data"]["logout"]["success"], true);
}

#[tokio::test]
async fn an_authorization_header_does_not_let_a_cookie_of_another_site_s_page_in() {
    let site = site().await;
    let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
    let cookie = ("cookie", header.as_str());
    for authorization in ["Bearer garbage", "Basic eDp5", ""] {
        let other = ("authorization", authorization);
        for from in [vec![], vec![("origin", "https://evil.example")]] {
            let headers = [vec![cookie, other], from].concat();
            let answer = post(&site, LOG_OUT, &headers).await;
            assert_ne!(answer.json()["data"]["logout"]["success"], true, "{headers:?}");
            let answer = post(&site, REFRESH, &headers).await;
            assert_eq!(answer.code().as_deref(), Some("invalid_token"), "{}", answer.text);
        }
    }
    let evil = ("origin", "https://evil.example");
    assert_eq!(me(&site, &[cookie, evil]).await, Value::Null);
    assert_eq!(me(&site, &[cookie, ("sec-fetch-site", "cross-site")]).await, Value::Null);
    assert_eq!(me(&site, &[cookie, OWN]).await, "ann");
}

#[tokio::test]
pub(super) async fn no_cookie_is_set_or_read_unless_that_is_asked_for() {
    let (site, ann) = with_ann(&[]).await;
    let answer = post(&site, LOG_IN, &[]).await;
    assert_eq!(answer.json()["data"]["tokenAuth"]["success"], true);
    assert_eq!(set_cookies(&answer), [""; 0]);
    let header = format!("JWT={}; JWT-refresh-token={}", ann.access, ann.refresh);
    let cookie = ("cookie", header.as_str());
    assert_eq!(me(&site, &[cookie, OWN]).await, Value::Null);
    let answer = post(&site, REFRESH, &[cookie, OWN]).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_token"), "{}", answer.text);
    let answer = post(&site, LOG_OUT, &[cookie, OWN]).await;
    assert_eq!(answer.json()["data"]["logout"]["success"], false, "{}", answer.text);
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
pub(super) async fn one_bad_cookie_hides_no_other() {
    let (site, ann) = with_ann(ON).await;
    let good = format!("JWT={}", ann.access);
    for bad in [
        &b"city=M\xc3\xbcnchen"[..],
        b"city=M\xfcnchen",
        b"M\xfcnchen",
        b"=",
        b"",
        b"JWT",
        b"JWT=",
        b"JWT=old.stale.one",
        b"JWT=\xff\xfe",
    ] {
        for line in [[bad, b"; ", good.as_bytes()].concat(), [good.as_bytes(), b"; ", bad].concat()]
        {
            let shown = String::from_utf8_lossy(&line).into_owned();
            assert_eq!(me_with_bytes(&site, &[&line]).await, "ann", "{shown}");
        }
        assert_eq!(me_with_bytes(&site, &[bad, good.as_bytes()]).await, "ann");
    }
}

#[tokio::test]
async fn a_log_out_that_failed_leaves_the_cookies() {
    let site = site().await;
    let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
    let headers = [("cookie", header.as_str()), OWN];
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::InternalError);
    let answer = post(&site, LOG_OUT, &headers).await;
    assert_eq!(answer.code().as_deref(), Some("unavailable"), "{}", answer.text);
    assert_eq!(set_cookies(&answer), [""; 0]);
    site.end_faults().await;
    assert_eq!(me(&site, &headers).await, "ann");
    assert_cleared(&post(&site, LOG_OUT, &headers).await);
    let answer = post(&site, LOG_OUT, &headers).await;
    assert_eq!(set_cookies(&answer), [""; 0], "{}", answer.text);
}

#[tokio::test]
async fn whatever_ends_the_caller_s_session_clears_the_cookies() {
    let password = format!("password: \"{PASSWORD}\"");
    for end in [
        "logout { success }".to_owned(),
        "endSession(id: \"$ID\") { success }".to_owned(),
        "revokeToken(refreshToken: \"$REFRESH\") { success }".to_owned(),
        format!("archiveAccount({password}) {{ success }}"),
        format!("deleteAccount({password}) {{ success }}"),
        format!(
            "user_change_password(arg: {{old_password: \"{PASSWORD}\", \
             new_password: \"zmxn73hhQQp\"}}) {{ status }}"
        ),
    ] {
        let site = site().await;
        let log_in = LOG_IN.replace("{ success }", "{ token refreshToken }");
        let answer = post(&site, &log_in, &[OWN]).await;
        let tokens = &answer.json()["data"]["tokenAuth"];
        let caller = site.accounts.authenticate(tokens["token"].as_str().unwrap()).await.unwrap();
        let end = end.replace("$ID", &caller.session.id.to_string());
        let end = end.replace("$REFRESH", tokens["refreshToken"].as_str().unwrap());
        let header = cookies(&answer);
        let headers = [("cookie", header.as_str()), OWN];
        let wrong = end.replace(PASSWORD, "not it").replace("(id: \"", "(id: \"0");
        if wrong != end {
            let answer = post(&site, &format!("mutation {{ {wrong} }}"), &headers).await;
            assert_eq!(set_cookies(&answer), [""; 0], "{}", answer.text);
        }
        let answer = post(&site, &format!("mutation {{ {end} }}"), &headers).await;
        assert_cleared(&answer);
        assert_eq!(me(&site, &headers).await, Value::Null, "{end}");
    }
}

#[tokio::test]
async fn the_end_of_another_session_leaves_the_cookies() {
    let (site, ann) = with_ann(ON).await;
    let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
    let headers = [("cookie", header.as_str()), OWN];
    let id = site.caller(&ann).await.session.id;
    let end = format!("mutation {{ endSession(id: \"{id}\") {{ success }} }}");
    let answer = post(&site, &end, &headers).await;
    assert_eq!(answer.json()["data"]["endSession"]["success"], true, "{}", answer.text);
    let end = "mutation { endOtherSessions { success } }";
    let others = post(&site, end, &headers).await;
    assert_eq!(others.json()["data"]["endOtherSessions"]["success"], true, "{}", others.text);
    assert_eq!((set_cookies(&answer), set_cookies(&others)), (vec![], vec![]));
    assert_eq!(me(&site, &headers).await, "ann");
}

#[tokio::test]
async fn where_tokens_are_in_cookies_only_no_answer_has_one() {
    let (site, _) = with_ann(&[
        ("TOKENS_IN_COOKIES", "only"),
        ("COOKIE_PREFIX", "__Host-"),
        ("ALLOW_LOGIN_NOT_VERIFIED", "true"),
    ])
    .await;
    let mut header = String::new();
    for call in [
        "register(email: \"bob@example.com\", username: \"bob\", password1: \"kdjf84jfKKd\", \
         password2: \"kdjf84jfKKd\") { success token refreshToken }",
        "createUser(input: {email: \"cat@example.com\", username: \"cat\", \
         password: \"kdjf84jfKKd\"}) { success: ok token refreshToken }",
        "tokenAuth(username: \"ann\", password: \"kdjf84jfKKd\") \
         { success token refreshToken payload }",
        "refreshAccessToken { token refreshToken payload }",
        "passwordChange(oldPassword: \"kdjf84jfKKd\", newPassword1: \"zmxn73hhQQp\", \
         newPassword2: \"zmxn73hhQQp\") { success token refreshToken }",
    ] {
        let document = format!("mutation {{ it: {call} }}");
        let answer = post(&site, &document, &[("cookie", &header), OWN]).await;
        let it = &answer.json()["data"]["it"];
        let is_done = it["success"] == true || it["payload"]["username"] == "ann";
        assert!(is_done && !answer.text.contains("eyJ"), "{}", answer.text);
        assert_eq!((&it["token"], &it["refreshToken"]), (&Value::Null, &Value::Null));
        header = cookies(&answer);
        assert!(header.starts_with("__Host-JWT=ey"), "{header}");
        assert!(header.contains("; __Host-JWT-refresh-token=ey"), "{header}");
    }
    assert_eq!(me(&site, &[("cookie", &header)]).await, "ann");
    // As another host of the domain can set them.
    let planted = header.replace("__Host-", "");
    assert_eq!(me(&site, &[("cookie", &planted)]).await, Value::Null);
    assert_cleared(&post(&site, LOG_OUT, &[("cookie", &header), OWN]).await);
}

#[tokio::test]
async fn a_site_on_https_sends_strict_transport_security() {
    let site = Site::start().await;
    for path in ["/graphql?query=%7B__typename%7D", "/activate", "/health", "/none", "/pages.css"] {
        let answer = site.send(Method::GET, path, &[], "").await;
        assert_eq!(answer.headers["strict-transport-security"], "max-age=63072000", "{path}");
    }
    let site = site.restarted_with(&[("BASE_URL", "http://accounts.example")]);
    let answer = site.send(Method::GET, "/activate", &[], "").await;
    assert_eq!(answer.headers.get("strict-transport-security"), None);
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
        let near = format!("{sent}.evil.example");
        let headers = [("cookie", &*header), ("origin", &near), ("sec-fetch-site", "cross-site")];
        let refused = post(&site, LOG_OUT, &headers).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        let headers = [("cookie", &*header), ("origin", sent), ("sec-fetch-site", "same-site")];
        let answer = post(&site, LOG_OUT, &headers).await;
        assert_eq!(answer.json()["data"]["logout"]["success"], true, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_browser_whose_access_token_has_expired_logs_out_by_its_refresh_token() {
    let site = site().await;
    for is_access_sent in [true, false] {
        let header = cookies(&post(&site, LOG_IN, &[OWN]).await);
        site.advance(SignedDuration::from_mins(16));
        let sent = if is_access_sent { &*header } else { header.split_once("; ").unwrap().1 };
        let headers = [("cookie", sent), OWN];
        // A header decides who the caller is.
        let other = [headers.as_slice(), &[("authorization", "Bearer garbage")]].concat();
        let answer = post(&site, LOG_OUT, &other).await;
        assert_eq!(answer.json()["data"]["logout"]["success"], false, "{}", answer.text);
        let answer = post(&site, LOG_OUT, &headers).await;
        assert_eq!(answer.json()["data"]["logout"]["success"], true, "{}", answer.text);
        assert_cleared(&answer);
        let answer = post(&site, REFRESH, &headers).await;
        assert_eq!(answer.code().as_deref(), Some("invalid_token"), "{}", answer.text);
        let again = post(&site, LOG_OUT, &headers).await;
        assert_eq!(again.json()["data"]["logout"]["success"], false, "{}", again.text);
        assert_eq!(set_cookies(&again), [""; 0]);
    }
}
