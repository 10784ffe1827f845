//! The log-in page of an application: it sets the cookies of the API, and leads on to an origin that the site trusts.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Actor, Answer, FORM, PASSWORD, Site, Visit};
use serde_json::json;

use crate::second_factor::secure;

type Given = &'static [(&'static str, &'static str)];

const COOKIES: (&str, &str) = ("TOKENS_IN_COOKIES", "only");
const ON: Given = &[
    COOKIES,
    ("APP_URL", "https://app.example/start"),
    ("CORS_ORIGINS", "https://other.example:8443,http://localhost:5173"),
];
const HOME: &str = "https://app.example/start";

async fn site(settings: Given) -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site.restarted_with(settings), ann)
}

/// As the value of a field of a form.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    let one =
        |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

async fn get(site: &Site, path: &str) -> Answer {
    site.send(Method::GET, path, &[], "").await
}

async fn log_in(site: &Site, query: &str, password: &str) -> Answer {
    let form = format!("name=ann&password={password}");
    site.send(Method::POST, &format!("/login/log-in{query}"), &FORM, form).await
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect()
}

/// The `Cookie` header that a browser would send after that answer.
fn cookies(answer: &Answer) -> String {
    let pairs = set_cookies(answer).into_iter().map(|set| set.split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

/// The name of the user whom the API knows by those cookies.
async fn me(site: &Site, cookies: &str) -> Option<String> {
    let headers = [("content-type", "application/json"), ("cookie", cookies)];
    let body = json!({ "query": "{ me { username } }" }).to_string();
    let answer = site.send(Method::POST, "/graphql", &headers, body).await.json();
    answer["data"]["me"]["username"].as_str().map(str::to_owned)
}

fn policy(answer: &Answer) -> &str {
    answer.headers["content-security-policy"].to_str().unwrap()
}

#[tokio::test]
async fn a_log_in_sets_the_cookies_of_the_api_and_leads_on_to_the_application() {
    let (site, _) = site(ON).await;
    let form = get(&site, "/login").await;
    assert_eq!(form.status, StatusCode::OK);
    for part in ["<h1>Log in</h1>", "action=\"/login/log-in\"", "href=\"/signup\""] {
        assert!(form.text.contains(part), "{part}: {}", form.text);
    }
    assert_eq!(form.text.matches("<script").count(), 1, "only that of passkeys: {}", form.text);
    // Chromium follows a redirect after a form only to an origin that the policy of the page names.
    assert!(policy(&form).contains("form-action 'self' https://app.example;"), "{}", policy(&form));

    let opened = log_in(&site, "", PASSWORD).await;
    assert_eq!(location(&opened), HOME);
    let set = set_cookies(&opened);
    let names: Vec<_> = set.iter().map(|set| set.split('=').next().unwrap()).collect();
    assert_eq!(names, ["JWT", "JWT-refresh-token", "JWT-device"]);
    for cookie in &set {
        assert!(cookie.ends_with("; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    }
    let cookies = cookies(&opened);
    assert_eq!(me(&site, &cookies).await.as_deref(), Some("ann"));
    // The session of the application opens no page.
    let account = Visit::with(&site, cookies).get("/account").await;
    assert!(account.text.contains("action=\"/account/log-in\""), "{}", account.text);
}

#[tokio::test]
async fn a_wrong_password_and_a_form_of_another_site_set_no_cookie() {
    let (site, _) = site(ON).await;
    let wrong = log_in(&site, "", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("The name or the password is wrong."), "{}", wrong.text);
    assert!(wrong.text.contains("value=\"ann\""), "{}", wrong.text);
    assert!(policy(&wrong).contains("form-action 'self' https://app.example;"));
    assert_eq!(set_cookies(&wrong), [""; 0]);
    for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let form = format!("name=ann&password={PASSWORD}");
        let headers = [FORM[0], header];
        let foreign = site.send(Method::POST, "/login/log-in", &headers, form).await;
        assert_eq!(foreign.status, StatusCode::BAD_REQUEST, "{}", foreign.text);
        assert_eq!(set_cookies(&foreign), [""; 0]);
    }
}

#[tokio::test]
async fn a_link_names_the_page_of_the_application_that_goes_on() {
    let (site, _) = site(ON).await;
    for (next, origin) in [
        ("https://other.example:8443/a?b=c&d=%C3%A9#e", "https://other.example:8443"),
        ("http://localhost:5173/@ann", "http://localhost:5173"),
        ("https://app.example/orders", "https://app.example"),
        ("https://accounts.example/account", "https://accounts.example"),
    ] {
        let query = format!("?next={}", encoded(next));
        let form = get(&site, &format!("/login{query}")).await;
        let kept = query.replace('&', "&amp;");
        for link in ["action=\"/login/log-in", "href=\"/signup", "href=\"/password-reset"] {
            assert!(form.text.contains(&format!("{link}{kept}\"")), "{link} {kept}: {}", form.text);
        }
        let language = format!("href=\"?lang=de&amp;{}\"", &kept[1..]);
        assert!(form.text.contains(&language), "{language}: {}", form.text);
        let allowed = format!("form-action 'self' {origin};");
        assert!(policy(&form).contains(&allowed), "{allowed}: {}", policy(&form));
        let opened = log_in(&site, &query, PASSWORD).await;
        assert_eq!(location(&opened), next);
        let opened = log_in(&site, &format!("?lang=de&{}", &query[1..]), PASSWORD).await;
        assert_eq!(location(&opened), next);
    }
}

#[tokio::test]
async fn no_link_leads_on_to_an_origin_that_the_site_does_not_trust() {
    let (site, _) = site(ON).await;
    for next in [
        "https://evil.example/",
        "https://app.example.evil.example/",
        "https://evil-app.example/",
        "https://sub.app.example/",
        "https://app.example@evil.example/",
        "https://app.example\\@evil.example/",
        "https://app.example:444/",
        "http://app.example/",
        "http://localhost:51730/",
        "//evil.example/",
        "\\\\evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https:///evil.example",
        "javascript:alert(1)",
        "javascript://app.example/%0aalert(1)",
        "https://app.example/\r\nset-cookie: a=b",
        "/account",
        "",
    ] {
        let query = format!("?next={}", encoded(next));
        let form = get(&site, &format!("/login{query}")).await;
        assert!(!form.text.contains("next="), "{next}: {}", form.text);
        assert!(policy(&form).contains("form-action 'self' https://app.example;"), "{next}");
        assert_eq!(location(&log_in(&site, &query, PASSWORD).await), HOME, "{next}");
        let page = get(&site, &format!("/done/logged-in{query}")).await.text;
        assert!(page.contains(&format!("href=\"{HOME}\"")) && !page.contains("evil"), "{page}");
    }
    // The first of two counts, as it does on the page that the user sees.
    let query = format!("?next={}&next={}", encoded("https://evil.example"), encoded(HOME));
    assert_eq!(location(&log_in(&site, &query, PASSWORD).await), HOME);
}

#[tokio::test]
async fn a_user_with_a_second_factor_has_no_cookie_before_the_second_step() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let secured = secure(&site, &ann).await;
    let site = site.restarted_with(ON);
    site.advance(SignedDuration::from_secs(30));
    let next = "https://other.example:8443/a";
    let query = format!("?next={}", encoded(next));
    let step = log_in(&site, &query, PASSWORD).await;
    assert_eq!((step.status, set_cookies(&step)), (StatusCode::OK, vec![]), "{}", step.text);
    let action = format!("action=\"/login/log-in/code{query}\"");
    assert!(step.text.contains(&action), "{action}: {}", step.text);
    assert!(policy(&step).contains("form-action 'self' https://other.example:8443;"));
    let challenge = step.text.split("name=\"challenge\" value=\"").nth(1).unwrap();
    let challenge = challenge.split('"').next().unwrap();
    let complete = async |path: &str, code: &str| {
        let form = format!("challenge={challenge}&code={code}");
        site.send(Method::POST, &format!("{path}/log-in/code{query}"), &FORM, form).await
    };
    let wrong = complete("/login", "not+a+code").await;
    assert_eq!((wrong.status, set_cookies(&wrong)), (StatusCode::UNAUTHORIZED, vec![]));
    // The first step of one place is none of another.
    let other = complete("/account", &secured.phone.code(&site)).await;
    assert_eq!((other.status, set_cookies(&other)), (StatusCode::UNAUTHORIZED, vec![]));
    let opened = complete("/login", &secured.phone.code(&site)).await;
    assert_eq!(location(&opened), next);
    assert_eq!(me(&site, &cookies(&opened)).await.as_deref(), Some("ann"));
}

/// A stranger who tries passwords does not lock the user out of a browser that the user has logged in from.
#[tokio::test]
async fn the_page_knows_the_device_by_the_cookie_of_the_api() {
    let (site, _) = site(&[COOKIES, ("THROTTLE", "on")]).await;
    let opened = log_in(&site, "", PASSWORD).await;
    assert_eq!(location(&opened), "/done/logged-in");
    let own = cookies(&opened);
    let mut tries = 0;
    while log_in(&site, "", "wrong").await.status != StatusCode::TOO_MANY_REQUESTS {
        tries += 1;
        assert!(tries < 100);
    }
    assert_eq!(log_in(&site, "", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    let headers = [FORM[0], FORM[1], ("cookie", own.as_str())];
    let form = format!("name=ann&password={PASSWORD}");
    let known = site.send(Method::POST, "/login/log-in", &headers, form).await;
    assert_eq!(location(&known), "/done/logged-in");
}

#[tokio::test]
async fn without_tokens_in_cookies_the_log_in_is_that_of_the_account() {
    let (site, _) = site(&[("APP_URL", "https://app.example")]).await;
    assert_eq!(location(&get(&site, "/login").await), "/account");
    assert_eq!(location(&get(&site, "/login?lang=de").await), "/account?lang=de");
    assert_eq!(log_in(&site, "", PASSWORD).await.status, StatusCode::NOT_FOUND);
}
