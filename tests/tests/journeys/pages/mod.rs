//! The account pages: the text of each one, that a `GET` changes nothing, and their settings.

mod account;
mod app;
mod changes;
mod forms;
mod languages;
mod paths;
mod picture;
mod results;
mod send_again;
mod settings;
mod sign_up;

use axum::http::{Method, StatusCode};
use journeys::{Actor, Answer, PASSWORD, Site, link_token};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const PASSWORDLESS: (&str, &str) = ("ALLOW_PASSWORDLESS_REGISTRATION", "true");
const OTHER: &str = "zmxn73hhQQp";

async fn get(site: &Site, path: &str) -> Answer {
    site.send(Method::GET, path, &[], "").await
}

/// Sends a form, as a browser does: a form that worked leads to another page.
async fn post(site: &Site, path: &str, form: &str) -> Answer {
    let answer = site.send(Method::POST, path, &[FORM], form.to_owned()).await;
    match answer.headers.get("location") {
        Some(page) if answer.status == StatusCode::SEE_OTHER => {
            get(site, page.to_str().expect("a path")).await
        }
        _ => answer,
    }
}

/// A whole page for browsers, for search engines and for users who cannot see it.
fn assert_page(answer: &Answer, status: StatusCode, title: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-language", "en"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
    ] {
        assert_eq!(answer.headers[name], value, "{title}");
    }
    assert_eq!(answer.headers.get("set-cookie"), None);
    let page = &answer.text;
    assert_eq!(page.matches("<h1").count(), 1, "{page}");
    assert!(page.contains(&format!("<h1>{title}</h1>")), "no {title:?} in {page}");
    assert!(page.contains(&format!("{title} – Example</title>")), "{page}");
    for part in ["<html lang=\"en\" dir=\"ltr\">", "<main>", "width=device-width"] {
        assert!(page.contains(part), "{page}");
    }
    for part in ["<script", "style=", "<style", " on", "src=", "//cdn"] {
        let tags = page.split('<').filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
        assert!(tags.into_iter().all(|tag| !format!("<{tag}").contains(part)), "{part} in {page}");
    }
}

/// The text of a fault, in the element that describes the field; the field must be invalid, too.
fn assert_error_at(page: &str, field: &str, text: &str) {
    let input = page.split("<input ").find(|input| input.starts_with(&format!("id=\"{field}\"")));
    let (input, _) = input.and_then(|input| input.split_once('>')).expect("the field");
    assert!(input.contains("aria-invalid=\"true\"") && input.contains(" autofocus"), "{input}");
    assert!(input.contains(&format!("{field}-error\"")), "{input}");
    let (_, error) = page.split_once(&format!("id=\"{field}-error\">")).expect("an error");
    assert!(error.split("</div>").next().unwrap_or_default().contains(text), "{error}");
    assert_eq!(page.matches("aria-invalid").count(), 1, "{page}");
    assert_eq!(page.matches(" autofocus").count(), 1, "{page}");
    assert!(page.contains("<title>Error: "), "{page}");
}

/// A link to each page that needs one: mailed to Ann, to Bob, who has a password, and to Eve. The site lets users
/// sign up without a password.
async fn links(site: &Site) -> [String; 3] {
    site.sign_up_without_password("ann").await;
    let activate = link_token(&site.mails_to("ann@example.com").await[0]);
    let bob = site.sign_up_without_password("bob").await;
    let first = site.link_token(&bob.email()).await;
    assert_eq!(site.set_password(&first, PASSWORD, PASSWORD).await["success"], true);
    let reset = site.reset_link(&bob).await;
    site.sign_up_without_password("eve").await;
    let set = site.link_token("eve@example.com").await;
    [
        format!("/activate/{activate}"),
        format!("/password-reset/{reset}"),
        format!("/password-set/{set}"),
    ]
}

fn named(name: &str) -> Actor {
    Actor { name: name.to_owned(), ..Actor::default() }
}
