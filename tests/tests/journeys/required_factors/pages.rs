//! The account, the log-in page of an application, and the console ask for the factor themselves.

use accounts::model::Role;
use axum::http::Method;
use journeys::{Answer, FORM, PASSWORD, Site, Visit, at_once};

use super::{ALL, STAFF, add_app};
use crate::passkeys::browser::Browser;
use crate::second_factor::Phone;

/// The value of a hidden field of a page.
fn field(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let value = page.text.split(&start).nth(1).unwrap_or_else(|| panic!("{name}: {page:?}"));
    value.split('"').next().unwrap().to_owned()
}

/// The address of the QR code.
fn phone(page: &Answer) -> Phone {
    let uri = page.text.split("href=\"otpauth:").nth(1).unwrap().split('"').next().unwrap();
    Phone::reading(&format!("otpauth:{}", uri.replace("&#x2f;", "/").replace("&amp;", "&")))
}

async fn send(site: &Site, root: &str, path: &str, form: String) -> Answer {
    site.send(Method::POST, &format!("{root}/log-in/{path}"), &FORM, form).await
}

fn is_without_session(page: &Answer) -> bool {
    page.headers.get("set-cookie").is_none()
}

/// Ann must have a factor, and has none.
async fn with_ann(settings: &'static [(&'static str, &'static str)]) -> Site {
    let site = Site::start().await;
    site.signed_in_as(Role::Staff, "ann").await;
    site.restarted_with(settings)
}

#[tokio::test]
async fn without_javascript_an_app_opens_the_account_and_the_console() {
    let site = with_ann(STAFF).await;
    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    assert!(page.status == 200 && is_without_session(&page), "{page:?}");
    assert!(page.text.contains("Add a second factor"), "{}", page.text);
    let (challenge, setup) = (field(&page, "challenge"), field(&page, "setup"));
    let app = phone(&page);
    let form = |code: &str| format!("challenge={challenge}&setup={setup}&code={code}");
    let wrong = send(&site, "/account", "new-app", form("000000")).await;
    assert!(wrong.status == 401 && is_without_session(&wrong), "{wrong:?}");
    assert!(wrong.text.contains("That code is wrong"), "{}", wrong.text);
    assert_eq!(field(&wrong, "setup"), setup, "the secret stays");
    let added = send(&site, "/account", "new-app", form(&app.code(&site))).await;
    assert_eq!(added.status, 200, "{added:?}");
    assert_eq!(added.text.matches("<li><code>").count(), 10, "{}", added.text);
    assert!(added.text.contains("class=\"button\" href=\"/account\""), "{}", added.text);
    let visit = Visit::with(&site, Visit::cookie(&added).unwrap());
    let page = visit.get("/account").await;
    assert!(page.status == 200 && page.text.contains("ann@example.com"), "{page:?}");
    let again = send(&site, "/account", "new-app", form(&app.code(&site))).await;
    assert!(again.status == 401 && is_without_session(&again), "{again:?}");

    // The last factor stays.
    let path = "/account/second-factor/remove";
    let kept = visit.post(path, &visit.csrf(path).await, "").await;
    assert!(kept.text.contains("so the last one stays"), "{}", kept.text);
}

#[tokio::test]
async fn the_console_asks_staff_for_the_factor() {
    let site = with_ann(STAFF).await;
    let page = Visit::log_in(&site, "/admin", "ann", PASSWORD).await;
    let (challenge, setup) = (field(&page, "challenge"), field(&page, "setup"));
    let code = phone(&page).code(&site);
    let form = format!("challenge={challenge}&setup={setup}&code={code}");
    // The challenge of the console opens no account.
    let other = send(&site, "/account", "new-app", form.clone()).await;
    assert!(other.status == 401 && is_without_session(&other), "{other:?}");
    let added = send(&site, "/admin", "new-app", form).await;
    assert!(added.text.contains("class=\"button\" href=\"/admin\""), "{added:?}");
    let visit = Visit::with(&site, Visit::cookie(&added).unwrap());
    assert_eq!(visit.get("/admin/users").await.status, 200);
}

#[tokio::test]
async fn the_log_in_page_of_an_application_leads_on_to_it() {
    let site = with_ann(&[
        ("MFA_REQUIRED", "all"),
        ("TOKENS_IN_COOKIES", "true"),
        ("APP_URL", "https://app.example.com/start"),
    ])
    .await;
    let page = Visit::log_in(&site, "/login", "ann", PASSWORD).await;
    assert!(page.status == 200 && is_without_session(&page), "{page:?}");
    let form = format!(
        "challenge={}&setup={}&code={}",
        field(&page, "challenge"),
        field(&page, "setup"),
        phone(&page).code(&site)
    );
    let added = send(&site, "/login", "new-app", form).await;
    let set: Vec<_> = added.headers.get_all("set-cookie").iter().collect();
    let names = set.iter().map(|set| set.to_str().unwrap().split('=').next().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["JWT", "JWT-refresh-token", "JWT-device"]);
    let link = "class=\"button\" href=\"https://app.example.com/start\"";
    assert!(added.text.replace("&#x2f;", "/").contains(link), "{}", added.text);
}

#[tokio::test]
async fn a_passkey_opens_the_account() {
    let (site, mut browser) = (with_ann(ALL).await, Browser::new());
    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    let challenge = field(&page, "challenge");
    let options = page.text.split("data-options=\"").nth(1).unwrap().split('"').next().unwrap();
    let options = options.replace("&quot;", "\"").replace("&#x2f;", "/");
    let answer = browser.create(&options).await;
    let credential: String = form_urlencoded::byte_serialize(answer.as_bytes()).collect();
    let form = format!("challenge={challenge}&credential={credential}");
    let added = send(&site, "/account", "new-passkey", form.clone()).await;
    assert_eq!(added.text.matches("<li><code>").count(), 10, "{added:?}");
    assert!(Visit::cookie(&added).is_some(), "{added:?}");
    let again = send(&site, "/account", "new-passkey", form).await;
    assert!(again.status == 401 && is_without_session(&again), "{again:?}");
}

#[tokio::test]
async fn a_mailed_log_in_leads_to_the_same_page() {
    let site = with_ann(ALL).await;
    let form = "email=ann%40example.com";
    let asked = site.send(Method::POST, "/login/mail", &FORM, form).await;
    let cookie = asked.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let code = site.code("ann@example.com").await;
    let headers = [FORM[0], FORM[1], ("cookie", cookie)];
    let path = "/login/mail/code";
    let page = site.send(Method::POST, path, &headers, format!("code={code}")).await;
    assert!(page.text.contains("Add a second factor"), "{page:?}");
    let form = format!(
        "challenge={}&setup={}&code={}",
        field(&page, "challenge"),
        field(&page, "setup"),
        phone(&page).code(&site)
    );
    let added = send(&site, "/account", "new-app", form).await;
    assert!(Visit::cookie(&added).is_some(), "{added:?}");
}

#[tokio::test]
async fn another_site_sends_no_form_for_a_user() {
    let site = with_ann(ALL).await;
    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    let form = format!(
        "challenge={}&setup={}&code={}",
        field(&page, "challenge"),
        field(&page, "setup"),
        phone(&page).code(&site)
    );
    let foreign = [FORM[0], ("sec-fetch-site", "cross-site")];
    let refused = site.send(Method::POST, "/account/log-in/new-app", &foreign, form).await;
    assert!(refused.status == 400 && is_without_session(&refused), "{refused:?}");
}

/// Two tabs send the form at once: one opens a session, and the account has one app.
#[tokio::test]
async fn of_two_forms_at_once_one_opens_the_account() {
    let site = std::sync::Arc::new(with_ann(ALL).await);
    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    let form = format!(
        "challenge={}&setup={}&code={}",
        field(&page, "challenge"),
        field(&page, "setup"),
        phone(&page).code(&site)
    );
    site.meet("TransactWriteItems", 2);
    let answers = at_once(2, |_| {
        let (site, form) = (site.clone(), form.clone());
        async move { send(&site, "/account", "new-app", form).await }
    })
    .await;
    let opened = answers.iter().filter(|answer| Visit::cookie(answer).is_some()).count();
    assert_eq!(opened, 1, "{answers:?}");
}

/// The grace: the account says from when on a second factor is necessary.
#[tokio::test]
async fn the_account_says_from_when_on_the_user_needs_a_factor() {
    let site = Site::with(&[("MFA_REQUIRED", "all from 2026-03-02")]).await;
    site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    for path in ["/account", "/account/second-factor"] {
        let page = visit.get(path).await;
        assert!(page.text.contains("From 2026-03-02 00:00 (UTC) on"), "{}", page.text);
    }
    let site = site.restarted_with(ALL);
    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    add_app(&site, &field(&page, "challenge")).await.unwrap_err();
}
