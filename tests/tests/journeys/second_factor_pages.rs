//! The second factor on the account pages, as a browser without scripts uses it.

use accounts::model::{Trail, UserId};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Answer, FORM, PASSWORD, Site, Visit};

use crate::second_factor::Phone;

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// The next code of an app begins.
const STEP: SignedDuration = SignedDuration::from_secs(30);
pub(crate) const PAGE: &str = "/account/second-factor";

/// The value of a hidden field of a page.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let value = page.split(field.as_str()).nth(1).unwrap_or_else(|| panic!("no {name}: {page}"));
    value.split('"').next().unwrap().to_owned()
}

fn secret(page: &str) -> String {
    let secret = page.split("dir=\"ltr\">").find(|part| part.contains("</code>"));
    let secret = secret.unwrap_or_else(|| panic!("no secret: {page}"));
    secret.split('<').next().unwrap().to_owned()
}

/// An authenticator app that has read the QR code of the page.
fn phone(page: &str) -> Phone {
    let uri = page.split("href=\"otpauth:").nth(1).unwrap_or_else(|| panic!("no URI: {page}"));
    Phone::reading(&format!("otpauth:{}", uri.split('"').next().unwrap().replace("&amp;", "&")))
}

fn recovery_codes(page: &str) -> Vec<String> {
    let codes = page.split("<li><code>").skip(1);
    codes.map(|code| code.split('<').next().unwrap().to_owned()).collect()
}

/// Adds an app on the pages. Gives it, and the recovery codes.
async fn add_app(site: &Site, visit: &Visit<'_>) -> (Phone, Vec<String>) {
    let csrf = visit.csrf("/account").await;
    let page = visit.post("/account/second-factor/add", &csrf, "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let app = phone(&page.text);
    let fields = format!("setup={}&code={}", hidden(&page.text, "setup"), app.code(site));
    let added = visit.post("/account/second-factor/app", &csrf, &fields).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    site.advance(STEP);
    (app, recovery_codes(&added.text))
}

/// A user with an app, in a session of the pages in which the second factor was just proven.
pub(crate) async fn with_app<'a>(site: &'a Site, name: &str) -> (Visit<'a>, Phone, Vec<String>) {
    let visit = Visit::open(site, "/account", name).await;
    let (app, codes) = add_app(site, &visit).await;
    (visit, app, codes)
}

/// The token of the first step of a log-in.
pub(crate) async fn first_step(site: &Site, root: &str, name: &str) -> String {
    let page = Visit::log_in(site, root, name, PASSWORD).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(Visit::cookie(&page), None, "nothing is open yet");
    assert!(page.text.contains("autocomplete=\"one-time-code\""), "{}", page.text);
    hidden(&page.text, "challenge")
}

/// The second step.
pub(crate) async fn complete(site: &Site, root: &str, challenge: &str, code: &str) -> Answer {
    let form = format!("challenge={challenge}&code={code}");
    site.send(Method::POST, &format!("{root}/log-in/code"), &FORM, form).await
}

async fn is_event(site: &Site, user: UserId, name: &str) -> bool {
    let events = site.store.trail(Trail::Of(user), None, 100).await.unwrap().events;
    events.iter().any(|event| event.event.name() == name)
}

pub(crate) fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_user_adds_an_app_by_its_first_code_and_sees_the_recovery_codes_once() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let account = visit.get("/account").await.text;
    assert!(account.contains("It is off.") && account.contains(PAGE), "{account}");
    let csrf = visit.csrf("/account").await;
    let page = visit.post("/account/second-factor/add", &csrf, "").await;
    for part in ["<svg class=\"qr\"", "href=\"otpauth://totp/", "inputmode=\"numeric\""] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    assert!(!page.text.contains("style="), "{}", page.text);

    // A wrong code shows the same secret once more.
    let (app, setup) = (phone(&page.text), hidden(&page.text, "setup"));
    let add = async |code: &str| {
        let fields = format!("setup={setup}&code={code}");
        visit.post("/account/second-factor/app", &csrf, &fields).await
    };
    let code = app.code(&site);
    let wrong = add(if code == "000000" { "000001" } else { "000000" }).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("That code is wrong."), "{}", wrong.text);
    assert_eq!(secret(&wrong.text), secret(&page.text));
    assert!(!is_event(&site, ann.user_id(), "app_added").await);

    let added = add(&code).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    assert_eq!(added.headers["cache-control"], "no-store");
    assert_eq!(recovery_codes(&added.text).len(), 10, "{}", added.text);
    assert!(is_event(&site, ann.user_id(), "app_added").await);
    // A reload sends the form again, and shows no codes.
    assert_eq!(location(&add(&code).await), PAGE);

    // The page offers to end the other sessions, such as that of the API.
    let next = visit.get("/account/second-factor?done=factor-added").await.text;
    for part in ["The second factor is added.", "10 of 10 are left.", "end-other-sessions"] {
        assert!(next.contains(part), "{part}: {next}");
    }
    visit.post("/account/end-other-sessions", &csrf, "").await;
    assert_eq!(site.me(&ann).await, None);
    let next = visit.get("/account/second-factor?done=factor-added").await.text;
    assert!(!next.contains("end-other-sessions"), "{next}");
}

#[tokio::test]
async fn a_log_in_to_the_pages_has_two_steps_for_a_user_with_an_app() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (_, app, codes) = with_app(&site, "ann").await;
    let challenge = first_step(&site, "/account", "ann").await;
    let code = app.code(&site);
    let wrong = complete(&site, "/account", &challenge, "not+a+code").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Visit::cookie(&wrong), None);
    assert!(wrong.text.contains("That code is wrong, or was used before."), "{}", wrong.text);
    assert_eq!(hidden(&wrong.text, "challenge"), challenge);

    let opened = complete(&site, "/account", &challenge, &code).await;
    assert_eq!(location(&opened), "/account");
    let visit = Visit::with(&site, Visit::cookie(&opened).unwrap());
    assert!(visit.get("/account").await.text.contains("It is on:"));

    // The first step is used up, and so is the code.
    let (other, next) = (first_step(&site, "/account", "ann").await, &codes[0]);
    let repeated = complete(&site, "/account", &challenge, next).await;
    assert_eq!(repeated.status, StatusCode::UNAUTHORIZED);
    assert!(repeated.text.contains("That took too long, or was done before."), "{}", repeated.text);
    let repeated = complete(&site, "/account", &other, &code).await;
    assert!(repeated.text.contains("That code is wrong, or was used before."), "{}", repeated.text);
    // A recovery code opens the session, and the page and a mail say so.
    let typed = next.to_uppercase().replace('-', "+");
    let opened = complete(&site, "/account", &other, &typed).await;
    let visit = Visit::with(&site, Visit::cookie(&opened).unwrap());
    let page = visit.get("/account").await.text;
    assert!(page.contains("Recovery code used</strong> <small>(9 left)</small>"), "{page}");
    let subjects: Vec<_> =
        site.mails_to(&ann.email()).await.into_iter().map(|mail| mail.subject).collect();
    assert!(subjects.iter().any(|subject| subject.contains("recovery code")), "{subjects:?}");

    let late = first_step(&site, "/account", "ann").await;
    site.advance(MINUTE * 11);
    let late = complete(&site, "/account", &late, &app.code(&site)).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.text.contains("<h1>Your account</h1>"), "{}", late.text);
    assert!(late.text.contains("Please log in again."), "{}", late.text);
}

#[tokio::test]
async fn a_change_that_needs_the_second_factor_goes_on_after_a_code() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (visit, app, old) = with_app(&site, "ann").await;
    let csrf = visit.csrf("/account").await;
    let codes = "/account/second-factor/codes";
    assert!(visit.get(codes).await.text.contains("stop working"));
    site.advance(MINUTE * 6);
    let asked = visit.post(codes, &csrf, "kept=%3Cthis%3E").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(asked.text.contains("<h1>Confirm that it is you</h1>"), "{}", asked.text);
    assert_eq!(hidden(&asked.text, "kept"), "&lt;this&gt;");
    assert!(!asked.text.contains("type=\"password\""), "{}", asked.text);
    let wrong = visit.post(codes, &csrf, "second_factor_code=000").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("That code is wrong"), "{}", wrong.text);

    let code = format!("second_factor_code={}", app.code(&site));
    let new = visit.post(codes, &csrf, &code).await;
    assert_eq!(new.status, StatusCode::OK, "{}", new.text);
    let new = recovery_codes(&new.text);
    assert_eq!(new.len(), 10);
    let challenge = first_step(&site, "/account", "ann").await;
    let refused = complete(&site, "/account", &challenge, &old[0]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "the old codes do not work");
    assert_eq!(location(&complete(&site, "/account", &challenge, &new[0]).await), "/account");

    // The proof is enough for the next minutes.
    let removed = visit.post("/account/second-factor/remove", &csrf, "").await;
    assert_eq!(location(&removed), "/account/second-factor?done=factor-removed");
    assert!(is_event(&site, ann.user_id(), "app_removed").await);
    Visit::open(&site, "/account", "ann").await;
}

#[tokio::test]
async fn a_download_wants_the_code_and_the_password() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let (visit, app, _) = with_app(&site, "ann").await;
    let csrf = visit.csrf("/account").await;
    site.advance(MINUTE * 6);
    let account = visit.get("/account").await.text;
    assert!(!account.contains("type=\"password\""), "{account}");
    let asked = visit.post("/account/data", &csrf, "password=").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(asked.text.contains("type=\"password\""), "{}", asked.text);
    let secret = "something+typed";
    let asked = visit.post("/account/data", &csrf, &format!("password={secret}")).await;
    assert!(!asked.text.contains("something"), "a password never comes back: {}", asked.text);
    let code = app.code(&site);
    let both = format!("second_factor_code={code}&password={PASSWORD}");
    let file = visit.post("/account/data", &csrf, &both).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text);
    assert_eq!(file.json()["account"]["username"], "ann");
}

#[tokio::test]
async fn five_minutes_after_the_log_in_a_new_app_wants_the_password() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    assert!(!visit.get(PAGE).await.text.contains("type=\"password\""));
    site.advance(MINUTE * 6);
    assert!(visit.get(PAGE).await.text.contains("type=\"password\""));
    for (password, text) in
        [("", "Please enter your password."), ("wrong", "That password is wrong.")]
    {
        let fields = format!("password={password}");
        let refused = visit.post("/account/second-factor/add", &csrf, &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(text), "{}", refused.text);
    }
    let fields = format!("password={PASSWORD}");
    let begun = visit.post("/account/second-factor/add", &csrf, &fields).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    // The setup is good for a quarter of an hour, in this session.
    let (app, setup) = (phone(&begun.text), hidden(&begun.text, "setup"));
    let other = Visit::open(&site, "/account", "ann").await;
    for (visit, wait) in [(&other, MINUTE), (&visit, MINUTE * 16)] {
        site.advance(wait);
        let fields = format!("setup={setup}&code={}", app.code(&site));
        let csrf = visit.csrf("/account").await;
        let late = visit.post("/account/second-factor/app", &csrf, &fields).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        assert!(late.text.contains("Please begin again."), "{}", late.text);
    }
}

#[tokio::test]
async fn a_user_whose_address_is_not_verified_adds_no_app() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.sign_up("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let page = visit.get(PAGE).await.text;
    assert!(page.contains("Please confirm your e-mail address first."), "{page}");
    let csrf = visit.csrf("/account").await;
    let refused = visit.post("/account/second-factor/add", &csrf, "").await;
    assert_eq!(location(&refused), PAGE);
}

#[tokio::test]
async fn no_get_and_no_form_of_another_site_changes_a_factor() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let (visit, app, _) = with_app(&site, "ann").await;
    let csrf = visit.csrf("/account").await;
    let before = site.dump().await;
    let cookie = ("cookie", visit.cookie.as_str());
    for path in ["add", "app", "codes", "remove", "keep"].map(|path| format!("{PAGE}/{path}")) {
        assert_eq!(visit.get(&path).await.status, StatusCode::OK, "{path}");
        let code = app.code(&site);
        for (headers, csrf) in [
            (vec![FORM[0], cookie, ("sec-fetch-site", "cross-site")], csrf.as_str()),
            (vec![FORM[0], cookie, ("origin", "https://evil.example")], csrf.as_str()),
            (vec![FORM[0], FORM[1], cookie], ""),
        ] {
            let form = format!("csrf={csrf}&second_factor_code={code}");
            let refused = site.send(Method::POST, &path, &headers, form).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(site.dump().await, before);
    // Nor does another site complete a log-in.
    let challenge = first_step(&site, "/account", "ann").await;
    let form = format!("challenge={challenge}&code={}", app.code(&site));
    let headers = [FORM[0], ("sec-fetch-site", "cross-site")];
    let refused = site.send(Method::POST, "/account/log-in/code", &headers, form).await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::BAD_REQUEST, None));
    // Without a session, the pages show the form to log in.
    let form = site.send(Method::GET, PAGE, &[], "").await;
    assert!(form.text.contains("action=\"/account/log-in\""), "{}", form.text);
}

#[tokio::test]
async fn wrong_codes_lock_the_second_step_and_a_mail_says_so() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await;
    let (_, app, _) = with_app(&site, "ann").await;
    let challenge = first_step(&site, "/account", "ann").await;
    for _ in 0..5 {
        let wrong = complete(&site, "/account", &challenge, "12345").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{}", wrong.text);
    }
    let locked = complete(&site, "/account", &challenge, &app.code(&site)).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(locked.headers.contains_key("retry-after"));
    let text = "Too many wrong codes of the second factor";
    assert!(locked.text.contains(text), "{}", locked.text);
    let mails = site.mails_to(&ann.email()).await;
    let last = mails.last().unwrap();
    assert!(last.subject.contains("An attacker may know your password"), "{}", last.subject);
    site.advance(MINUTE * 6);
    let opened = complete(&site, "/account", &challenge, &app.code(&site)).await;
    assert_eq!(location(&opened), "/account");
}
