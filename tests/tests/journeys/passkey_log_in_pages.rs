//! Log-ins with a passkey on the pages of the account, the console and an application.

use accounts::model::Role;
use axum::http::{Method, StatusCode};
use journeys::{FORM, PASSWORD, Site, Visit};

use crate::passkey_pages::{
    MINUTE, PAGE, add, answer, assert_has, assert_script, form, hidden, location, log_in, options,
    with_passkey,
};
use crate::passkeys::browser::Browser;

/// C15: without a name, by autofill or by a button; the form for the password is on the same page.
#[tokio::test]
async fn a_passkey_opens_the_account_pages_without_a_name() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    with_passkey(&site, "ann", &mut browser).await;
    let page = site.send(Method::GET, "/account", &[], "").await;
    assert_script(&page);
    for part in [
        "autocomplete=\"username webauthn\"",
        "autocomplete=\"current-password\"",
        "data-passkey=\"get\" data-options-from=\"/account/log-in/passkey-options\" hidden>",
    ] {
        assert_has(&page.text, part);
    }
    let credential = answer(&site, "/account", &mut browser).await;
    let opened = log_in(&site, "/account", &credential).await;
    assert_eq!(location(&opened), "/account");
    let visit = Visit::with(&site, Visit::cookie(&opened).unwrap());
    assert_has(&visit.get("/account").await.text, "<bdi>ann</bdi>");
    // It has the second factor: a change of factors asks for nothing more.
    let csrf = visit.csrf(PAGE).await;
    let begun = visit.post("/account/passkeys/begin", &csrf, "").await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);

    let again = log_in(&site, "/account", &credential).await;
    assert_eq!((again.status, Visit::cookie(&again)), (StatusCode::UNAUTHORIZED, None));
    assert_has(&again.text, "Please log in again.");
    // A passkey that the site does not know.
    let id = hidden(&visit.get(PAGE).await.text, "id");
    let removed = visit.post("/account/passkeys/remove", &csrf, &form(&[("id", &id)])).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    let credential = answer(&site, "/account", &mut browser).await;
    let refused = log_in(&site, "/account", &credential).await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::UNAUTHORIZED, None));
    assert_has(&refused.text, "That passkey was not accepted.");
    for nonsense in ["", "{}", "null"] {
        let refused = log_in(&site, "/account", nonsense).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{nonsense}");
    }
}

#[tokio::test]
async fn a_passkey_is_the_second_step_on_the_pages_and_a_code_is_still_one() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let added = add(&visit, &mut browser, "Phone").await.text;
    let code = added.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();

    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    assert_eq!((page.status, Visit::cookie(&page)), (StatusCode::OK, None));
    assert_script(&page);
    assert_has(&page.text, "Use your passkey; or enter a code");
    let challenge = hidden(&page.text, "challenge");
    let step = async |credential: &str| {
        let fields = form(&[("challenge", &challenge), ("credential", credential)]);
        site.send(Method::POST, "/account/log-in/passkey-step", &FORM, fields).await
    };
    // A text that is no answer, and an answer to another challenge: the page asks once more.
    let refused = step("{}").await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::UNAUTHORIZED, None));
    assert_has(&refused.text, "That passkey was not accepted.");
    let other = answer(&site, "/account", &mut browser).await;
    let refused = step(&other).await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::UNAUTHORIZED, None));
    assert_has(&refused.text, "Please use the passkey again.");
    assert_has(&refused.text, "autocomplete=\"one-time-code\"");
    let credential = browser.get(&options(&refused)).await;
    let opened = step(&credential).await;
    assert_eq!(location(&opened), "/account");
    let visit = Visit::with(&site, Visit::cookie(&opened).unwrap());
    assert_has(&visit.get("/account").await.text, "It is on:");
    let used = step(&credential).await;
    assert_eq!((used.status, Visit::cookie(&used)), (StatusCode::UNAUTHORIZED, None));

    let page = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    let fields = form(&[("challenge", &hidden(&page.text, "challenge")), ("code", &code)]);
    let opened = site.send(Method::POST, "/account/log-in/code", &FORM, fields).await;
    assert_eq!(location(&opened), "/account");
}

#[tokio::test]
async fn a_passkey_opens_the_console_for_staff_alone() {
    let site = Site::start().await;
    site.signed_in_as(Role::Superuser, "boss").await;
    let user = site.signed_in("ann").await.user_id();
    let (mut boss, mut ann) = (Browser::new(), Browser::new());
    with_passkey(&site, "boss", &mut boss).await;
    with_passkey(&site, "ann", &mut ann).await;
    let page = site.send(Method::GET, "/admin", &[], "").await;
    assert_has(&page.text, "data-options-from=\"/admin/log-in/passkey-options\"");
    let credential = answer(&site, "/admin", &mut ann).await;
    let refused = log_in(&site, "/admin", &credential).await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::UNAUTHORIZED, None));
    assert_has(&refused.text, "may not use the console");
    let credential = answer(&site, "/admin", &mut boss).await;
    let opened = log_in(&site, "/admin", &credential).await;
    assert_eq!(location(&opened), "/admin");
    let desk = Visit::with(&site, Visit::cookie(&opened).unwrap());
    assert_eq!(desk.get("/admin/users").await.status, StatusCode::OK);

    // A grave change asks for the passkey in the frame of the console.
    let csrf = desk.csrf("/admin/invite").await;
    site.advance(MINUTE * 6);
    let delete = format!("/admin/users/{user}/delete");
    let asked = desk.post(&delete, &csrf, "reason=spam&name=ann").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert_script(&asked);
    assert_has(&asked.text, "body class=\"console\"");
    let credential = boss.get(&options(&asked)).await;
    let fields =
        [("reason", "spam"), ("name", "ann"), ("second_factor_passkey", credential.as_str())];
    let deleted = desk.post(&delete, &csrf, &form(&fields)).await;
    assert!(location(&deleted).ends_with("/trail?done=delete"));
}

#[tokio::test]
async fn a_passkey_at_the_log_in_page_of_an_application_leads_on_to_it() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    with_passkey(&site, "ann", &mut browser).await;
    let site = site
        .restarted_with(&[("TOKENS_IN_COOKIES", "only"), ("APP_URL", "https://app.example/start")]);
    let page = site.send(Method::GET, "/login", &[], "").await;
    assert_script(&page);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
    let credential = answer(&site, "/login", &mut browser).await;
    let opened = log_in(&site, "/login", &credential).await;
    assert_eq!(location(&opened), "https://app.example/start");
    let set = opened.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("JWT=") && set.contains("HttpOnly; Secure"), "{set}");
}
