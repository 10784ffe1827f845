//! The page on which users sign up.

use axum::http::{Method, StatusCode};
use journeys::{Answer, FORM, PASSWORD, Site, Visit};

use super::{OTHER, assert_error_at, assert_page, get, named, post};

fn form(email: &str, username: &str, password: &str, again: &str) -> String {
    let email = email.replace('@', "%40");
    format!("email={email}&username={username}&password={password}&again={again}")
}

fn anns() -> String {
    form("ann@example.com", "ann", PASSWORD, PASSWORD)
}

async fn send(site: &Site, form: &str) -> Answer {
    site.send(Method::POST, "/signup", &FORM, form.to_owned()).await
}

#[tokio::test]
async fn a_user_signs_up_proves_the_address_and_logs_in() {
    let site = Site::start().await;
    assert_page(&get(&site, "/signup").await, StatusCode::OK, "Create an account");
    let done = post(&site, "/signup", &anns()).await;
    assert_page(&done, StatusCode::OK, "Check your email");
    assert!(done.text.contains("href=\"/activate\""), "{}", done.text);
    let ann = named("ann");
    assert!(!site.is_password(&ann, PASSWORD).await, "the address is not proven yet");
    let code = site.code("ann@example.com").await;
    let proven = post(&site, "/activate", &format!("email=ann%40example.com&code={code}")).await;
    assert_page(&proven, StatusCode::OK, "Your address is confirmed");
    // The sign-up itself has opened no session.
    let ann = site.log_in(&ann).await;
    assert_eq!(site.sessions(&ann).await.len(), 1);
}

#[tokio::test]
async fn each_fault_is_shown_at_its_field_and_no_password_comes_back() {
    let site = Site::start().await;
    site.signed_in("bob").await;
    let ann = "ann@example.com";
    for (fields, field, text) in [
        (form("ann", "ann", PASSWORD, PASSWORD), "email", "valid email address"),
        (form("bob@example.com", "ann", PASSWORD, PASSWORD), "email", "already exists"),
        (form(ann, "a+b", PASSWORD, PASSWORD), "username", "valid username"),
        (form(ann, "BOB", PASSWORD, PASSWORD), "username", "already exists"),
        (form(ann, "ann", "12345", "12345"), "password", "too short"),
        (form(ann, "ann", PASSWORD, OTHER), "again", "didn’t match"),
    ] {
        let refused = send(&site, &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{fields}");
        assert_error_at(&refused.text, field, text);
        for secret in [PASSWORD, OTHER] {
            assert!(!refused.text.contains(secret), "{}", refused.text);
        }
    }
    let typed = send(&site, &form("\"<b>@example", "ann", PASSWORD, PASSWORD)).await.text;
    assert!(typed.contains("value=\"&quot;&lt;b&gt;@example\""), "{typed}");
    let nothing = send(&site, "").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert!(nothing.text.contains("This field is required."), "{}", nothing.text);
}

/// The answer is the same for each address; the owner of a taken one gets another mail.
#[tokio::test]
async fn a_site_that_conceals_accounts_reveals_no_address() {
    let site = Site::with(&[("CONCEAL_ACCOUNTS", "true")]).await;
    let mut answers = Vec::new();
    for name in ["ann", "anna"] {
        let done = send(&site, &form("ann@example.com", name, PASSWORD, PASSWORD)).await;
        assert_eq!(done.headers["location"], "/done/signed-up", "{}", done.text);
        answers.push((done.status, done.text.clone()));
        let mails = site.mails_to("ann@example.com").await;
        if name == "ann" {
            let code = site.code("ann@example.com").await;
            post(&site, "/activate", &format!("email=ann%40example.com&code={code}")).await;
            assert!(site.is_password(&named("ann"), PASSWORD).await);
        } else {
            assert!(mails.last().unwrap().subject.contains("account"), "{mails:?}");
        }
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_site_that_mails_no_link_leads_to_the_log_in() {
    let site = Site::with(&[
        ("SEND_ACTIVATION_EMAIL", "false"),
        ("ALLOW_LOGIN_NOT_VERIFIED", "true"),
        ("TOKENS_IN_COOKIES", "true"),
    ])
    .await;
    let done = send(&site, &anns()).await;
    assert_eq!(done.headers["location"], "/login");
    assert_eq!(done.headers.get("set-cookie"), None);
    Visit::open(&site, "/account", "ann").await;
}

#[tokio::test]
async fn the_application_goes_on_after_a_sign_up() {
    let site = Site::with(&[("CORS_ORIGINS", "https://app.example")]).await;
    let query = "?next=https%3A%2F%2Fapp.example%2Fwelcome";
    let page = get(&site, &format!("/signup{query}")).await.text;
    assert!(page.contains(&format!("action=\"/signup{query}\"")), "{page}");
    let path = format!("/signup{query}");
    let done = site.send(Method::POST, &path, &FORM, anns()).await;
    assert_eq!(done.headers["location"], format!("/done/signed-up{query}"));
    let code = site.code("ann@example.com").await;
    let fields = format!("email=ann%40example.com&code={code}");
    let proven = post(&site, &format!("/activate{query}"), &fields).await.text;
    assert!(proven.contains("href=\"https://app.example/welcome\""), "{proven}");
}
