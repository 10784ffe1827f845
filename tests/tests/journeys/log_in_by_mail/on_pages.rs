//! The pages: the form, the code, and the link in the browser that has asked and in another one.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Answer, FORM, Site, Visit};

use super::{ANN, MINUTE, another};
use crate::second_factor::{Secured, secure};

/// The cookie with the request.
fn kept(answer: &Answer) -> String {
    let mut set = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
    let cookie = set.find(|set| set.contains("login-mail=")).expect("a cookie");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

async fn post(site: &Site, path: &str, cookie: &str, form: &str) -> Answer {
    let headers = [FORM[0], FORM[1], ("cookie", cookie)];
    site.send(Method::POST, path, &headers, form.to_owned()).await
}

async fn get(site: &Site, path: &str, cookie: &str) -> Answer {
    site.send(Method::GET, path, &[("cookie", cookie)], "").await
}

/// Asks for the mail: the cookie of the browser.
async fn ask(site: &Site, email: &str) -> String {
    let answer = post(site, "/login/mail", "", &format!("email={email}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.headers["location"], "/login/mail/code");
    kept(&answer)
}

async fn assert_logged_in(site: &Site, answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let sessions: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|set| set.to_str().unwrap().split(';').next())
        .filter(|set| set.starts_with("__Host-latchkey-account="))
        .collect();
    let visit = Visit::with(site, sessions[0].to_owned());
    let account = visit.get("/account").await;
    assert!(account.text.contains(ANN), "{}", account.text);
}

/// C18: the code, in the browser that has asked. A wrong one may be typed again.
#[tokio::test]
async fn the_code_logs_in_the_browser_that_has_asked_to_the_account_page() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let log_in = get(&site, "/account", "").await;
    assert!(log_in.text.contains("href=\"/login/mail\""), "{}", log_in.text);
    assert_eq!(get(&site, "/login/mail", "").await.status, StatusCode::OK);
    let cookie = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    assert_eq!(get(&site, "/login/mail/code", &cookie).await.status, StatusCode::OK);
    let form = format!("code={}", another(&code));
    let wrong = post(&site, "/login/mail/code", &cookie, &form).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("aria-invalid"), "{}", wrong.text);
    let form = format!("code={code}");
    let elsewhere = post(&site, "/login/mail/code", "", &form).await;
    assert_eq!(elsewhere.headers["location"], "/login/mail", "a browser that has not asked");
    let answer = post(&site, "/login/mail/code", &cookie, &form).await;
    assert!(kept(&answer).ends_with("login-mail="), "the request is used up");
    assert_logged_in(&site, &answer).await;
}

/// C19: the page of the link names the time and the network of the request, and one click logs in the browser that has
/// asked.
#[tokio::test]
async fn the_link_logs_in_the_browser_that_has_asked_after_a_click() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let cookie = ask(&site, ANN).await;
    let path = format!("/login/mail/{}", site.link_token(ANN).await);
    site.advance(MINUTE * 3);
    let items = site.all_items().await;
    let page = get(&site, &path, &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("2026-03-01 12:00 UTC"), "{}", page.text);
    assert!(page.text.contains("It was this browser."), "{}", page.text);
    assert_eq!(site.all_items().await, items);
    let foreign =
        [("content-type", FORM[0].1), ("sec-fetch-site", "cross-site"), ("cookie", &cookie)];
    let refused = site.send(Method::POST, &path, &foreign, "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "another site clicks");
    assert_logged_in(&site, &post(&site, &path, &cookie, "").await).await;
    let again = post(&site, &path, &cookie, "").await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{}", again.text);
    assert!(again.text.contains("href=\"/login/mail\""), "{}", again.text);
}

/// C19: in another browser, the link does not fail: it asks, and shows the code to type in the browser that has asked.
#[tokio::test]
async fn the_link_shows_the_code_in_another_browser_and_does_not_log_it_in() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let cookie = ask(&site, ANN).await;
    let (code, token) = (site.code(ANN).await, site.link_token(ANN).await);
    let path = format!("/login/mail/{token}");
    // A browser without a request, and one with the request of another user.
    let eves = ask(&site, "eve@example.com").await;
    for other in ["", eves.as_str()] {
        let page = get(&site, &path, other).await;
        assert!(page.text.contains("It was not this browser."), "{}", page.text);
        assert!(!page.text.contains(&code), "{}", page.text);
        let shown = post(&site, &path, other, "").await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
        assert!(shown.text.contains(&code), "{}", shown.text);
        assert!(!shown.headers.contains_key("set-cookie"), "no session");
    }
    let form = format!("code={code}");
    assert_logged_in(&site, &post(&site, "/login/mail/code", &cookie, &form).await).await;
    let used = get(&site, &path, "").await;
    assert_eq!(used.status, StatusCode::BAD_REQUEST, "{}", used.text);
}

/// C2: the second factor is asked for as after the password.
#[tokio::test]
async fn a_user_with_a_second_factor_gets_the_form_of_the_second_step() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let Secured { recovery_codes, .. } = secure(&site, &ann).await;
    let cookie = ask(&site, ANN).await;
    let form = format!("code={}", site.code(ANN).await);
    let page = post(&site, "/login/mail/code", &cookie, &form).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(kept(&page).ends_with("login-mail="), "the mail is used up");
    let mut set = page.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
    assert!(!set.any(|set| set.contains("latchkey-account=")), "nothing is open yet");
    let field = "name=\"challenge\" value=\"";
    let challenge = page.text.split(field).nth(1).unwrap().split('"').next().unwrap();
    let form = format!("challenge={challenge}&code={}", recovery_codes[0]);
    let answer = post(&site, "/account/log-in/code", "", &form).await;
    assert_logged_in(&site, &answer).await;
}

/// C18, C20: too old, unknown and malformed.
#[tokio::test]
async fn each_failure_leads_to_another_mail_and_an_unknown_address_looks_like_a_known_one() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let malformed = post(&site, "/login/mail", "", "email=ann").await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST, "{}", malformed.text);
    let nobodys = ask(&site, "nobody@example.com").await;
    let cookie = ask(&site, ANN).await;
    assert_eq!(nobodys.len(), cookie.len());
    let unknown = post(&site, "/login/mail/code", &nobodys, "code=000000").await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    let (code, token) = (site.code(ANN).await, site.link_token(ANN).await);
    site.advance(SignedDuration::from_mins(10));
    let path = format!("/login/mail/{token}");
    for answer in [
        get(&site, &path, &cookie).await,
        post(&site, &path, &cookie, "").await,
        post(&site, "/login/mail/code", &cookie, &format!("code={code}")).await,
    ] {
        assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text);
        assert!(answer.text.contains("href=\"/login/mail\""), "{}", answer.text);
    }
    let rubbish = get(&site, "/login/mail/rubbish", "").await;
    assert_eq!(rubbish.status, StatusCode::BAD_REQUEST);
}
