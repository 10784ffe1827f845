//! The notices to users, and their languages.

use axum::http::Method;
use embedded::Message;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::json;

const NEW: &str = "another jf84jfKKd";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.mails_to(&ann.email()).await;
    site.aws.mailbox().clear();
    (site, ann)
}

/// The only mail since the last look.
async fn the_mail(site: &Site, address: &str) -> Message {
    let mut mails = site.mails_to(address).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    site.aws.mailbox().clear();
    mails.remove(0)
}

/// The link leads to the page that mails a password reset. It grants nothing.
fn assert_asks_to_reset(mail: &Message) {
    let page = "https://accounts.example/password-reset";
    for part in [mail.text.as_deref().unwrap(), mail.html.as_deref().unwrap()] {
        let links = part.matches("https://").count();
        assert_eq!((links, part.matches(page).count()), (links, links), "{part}");
        assert!(links > 0 && !part.contains(&format!("{page}/")), "{part}");
    }
}

#[tokio::test]
async fn a_notice_that_asks_to_reset_leads_to_the_configured_page() {
    let site =
        Site::with(&[("PASSWORD_RESET_PATH_ON_EMAIL", "new-password"), ("PAGES", "off")]).await;
    let ann = site.signed_in("ann").await;
    site.aws.mailbox().clear();
    assert_eq!(site.change_password(&ann, PASSWORD, NEW, NEW).await["success"], true);
    let text = the_mail(&site, &ann.email()).await.text.unwrap();
    assert!(text.contains("\nhttps://accounts.example/new-password\n"), "{text}");
}

#[tokio::test]
pub(crate) async fn a_changed_password_is_mailed_to_its_user() {
    let (site, ann) = with_ann().await;
    assert_eq!(site.change_password(&ann, PASSWORD, NEW, NEW).await["success"], true);
    let mail = the_mail(&site, &ann.email()).await;
    assert_eq!(mail.subject, "Your password on Example was changed");
    assert_asks_to_reset(&mail);

    let link = site.reset_link(&ann).await;
    site.aws.mailbox().clear();
    assert_eq!(site.reset_password(&link, PASSWORD, PASSWORD).await["success"], true);
    assert_eq!(the_mail(&site, &ann.email()).await.subject, "Your password on Example was changed");
}

#[tokio::test]
async fn a_password_that_stays_leads_to_no_mail() {
    let (site, ann) = with_ann().await;
    assert_eq!(site.change_password(&ann, "wrong", NEW, NEW).await["success"], false);
    assert_eq!(site.change_password(&ann, PASSWORD, "1", "1").await["success"], false);
    assert_eq!(site.reset_password("none", NEW, NEW).await["success"], false);
    assert!(site.mails_to(&ann.email()).await.is_empty());
}

#[tokio::test]
pub(crate) async fn a_session_that_was_used_from_two_places_leads_to_one_mail() {
    let (site, ann) = with_ann().await;
    let next = site.refreshed(&ann).await;
    site.advance(SignedDuration::from_secs(60));
    for _ in 0..3 {
        assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
    }
    assert_eq!(site.refresh_token(&next.refresh).await["success"], false);
    let mail = the_mail(&site, &ann.email()).await;
    assert_eq!(mail.subject, "You were logged out on Example");
    assert_asks_to_reset(&mail);
}

#[tokio::test]
async fn a_used_token_of_a_session_that_is_over_anyway_tells_nothing() {
    let (site, ann) = with_ann().await;
    site.refreshed(&ann).await;
    site.advance(SignedDuration::from_secs(60));
    let other = site.log_in(&ann).await;
    site.end_other_sessions(&other).await;
    assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
    assert!(site.mails_to(&ann.email()).await.is_empty());
}

async fn register_in(site: &Site, name: &str, language: &str) {
    let fields = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    let headers = [("content-type", "application/json"), ("accept-language", language)];
    let path = "/api/accounts/signup/";
    let answer = site.send(Method::POST, path, &headers, fields.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test]
pub(crate) async fn mails_use_the_language_of_the_sign_up() {
    let site = Site::start().await;
    for (name, language, subject) in [
        ("ann", "fa-IR,fa;q=0.9,en;q=0.8", "حساب خود را در \u{2068}Example\u{2069} فعال کنید"),
        ("bob", "de-AT", "Ihr Konto bei Example aktivieren"),
        ("cleo", "en-GB", "Activate your account on Example"),
        ("dan", "tlh, ../../etc", "Activate your account on Example"),
        ("eve", "", "Activate your account on Example"),
    ] {
        register_in(&site, name, language).await;
        let mail = the_mail(&site, &format!("{name}@example.com")).await;
        assert_eq!(mail.subject, subject);
    }
    // Later mails, too, from any request.
    site.send_password_reset("bob@example.com").await;
    let mail = the_mail(&site, "bob@example.com").await;
    assert_eq!(mail.subject, "Ihr Passwort bei Example zurücksetzen");
    assert!(mail.html.unwrap().starts_with("<!doctype html>\n<html lang=\"de\" dir=\"ltr\">"));
}

#[tokio::test]
async fn a_user_without_a_language_gets_that_of_the_request() {
    let (site, ann) = with_ann().await;
    let document = "mutation { sendPasswordResetEmail(email: \"ann@example.com\") { success } }";
    let headers = [("content-type", "application/json"), ("accept-language", "fa")];
    let body = json!({ "query": document }).to_string();
    site.send(Method::POST, "/graphql", &headers, body).await;
    let mail = the_mail(&site, &ann.email()).await;
    assert!(mail.html.unwrap().contains("<html lang=\"fa\" dir=\"rtl\">"));
}

#[tokio::test]
async fn the_site_has_a_language_of_its_own() {
    let site = Site::with(&[("DEFAULT_LANGUAGE", "de")]).await;
    let ann = site.sign_up("ann").await;
    let mail = the_mail(&site, &ann.email()).await;
    assert_eq!(mail.subject, "Ihr Konto bei Example aktivieren");
}

#[tokio::test]
async fn answers_go_where_the_site_says() {
    let site = Site::with(&[
        ("EMAIL_REPLY_TO", "help@example.com"),
        ("CONFIGURATION_SET", "latchkey"),
        ("SITE_NAME", "Müller & Söhne"),
    ])
    .await;
    let ann = site.sign_up("ann").await;
    let mail = the_mail(&site, &ann.email()).await;
    assert_eq!(mail.reply_to, ["help@example.com"]);
    assert_eq!(mail.configuration_set.as_deref(), Some("latchkey"));
    assert_eq!(mail.source, "=?UTF-8?B?TcO8bGxlciAmIFPDtmhuZQ==?= <accounts@latchkey.example>");
    let id = site.item("MAIL#", "MAIL").await["message_id"].as_s().unwrap().clone();
    assert_eq!(id, mail.id);
}

/// A person who has read of something that they did not do can act at once, from the mail.
#[tokio::test]
async fn a_notice_to_an_address_that_the_account_still_has_leads_to_the_reset() {
    let (site, ann) = with_ann().await;
    let second = "ann@second.example";
    let call = |what: &str| format!("mutation {{ it: {what} {{ success }} }}");
    let password = format!("password: \"{PASSWORD}\"");
    let does = async |what: String| {
        let done = site.ask(&ann, &call(&what), json!(null)).await.json();
        assert_eq!(done["data"]["it"]["success"], true, "{what}: {done}");
    };
    does(format!("sendSecondaryEmailActivation(email: \"{second}\", {password})")).await;
    assert_asks_to_reset(&site.mails_to(&ann.email()).await.pop().unwrap());
    let token = site.link_token(second).await;
    does(format!("verifySecondaryEmail(token: \"{token}\")")).await;
    assert_asks_to_reset(&site.mails_to(&ann.email()).await.pop().unwrap());
    does(format!("swapEmails({password})")).await;
    assert_asks_to_reset(&site.mails_to(second).await.pop().unwrap());
    does(format!("archiveAccount({password})")).await;
    assert_asks_to_reset(&site.mails_to(second).await.pop().unwrap());
}

#[tokio::test]
async fn the_mail_with_a_code_names_the_page_that_takes_it() {
    let page = "\nhttps://accounts.example/confirm\n";
    let site = Site::with(&[("ACTIVATION_PATH_ON_EMAIL", "confirm")]).await;
    let ann = site.sign_up("ann").await;
    let text = the_mail(&site, &ann.email()).await.text.unwrap();
    assert!(text.contains(page), "{text}");
    assert_eq!(site.send(Method::GET, "/confirm", &[], "").await.status, 200);

    let site = Site::with(&[("ACTIVATION_PATH_ON_EMAIL", "confirm"), ("PAGES", "off")]).await;
    let ann = site.sign_up("ann").await;
    let text = the_mail(&site, &ann.email()).await.text.unwrap();
    assert!(!text.contains(page), "{text}");
}
