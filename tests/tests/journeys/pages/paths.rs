//! Where the pages are: every mailed link leads to one.

use accounts::config::Settings;
use accounts::model::Purpose;
use accounts::model::{Client, MailKind};
use axum::http::Method;
use graphql::{Front, FrontSettings};
use journeys::{Actor, PASSWORD, Site};

use super::{PASSWORDLESS, get};

const ODD: &[(&str, &str)] = &[
    PASSWORDLESS,
    ("BASE_URL", "https://example.com/auth"),
    ("ACTIVATION_PATH_ON_EMAIL", "/users/activate/"),
    ("PASSWORD_RESET_PATH_ON_EMAIL", "api/forgotten"),
    ("PASSWORD_SET_PATH_ON_EMAIL", "graphql/first~password"),
    ("ACTIVATION_SECONDARY_EMAIL_PATH_ON_EMAIL", "users/activate/second"),
    ("EMAIL_CHANGE_PATH_ON_EMAIL", "health"),
    ("EMAIL_CHANGE_CANCEL_PATH_ON_EMAIL", "users/activate/stop"),
    ("EMAIL_RESTORE_PATH_ON_EMAIL", "users/back"),
];
const USUAL: &[(&str, &str)] = &[PASSWORDLESS];
/// A domain of its own for links, which leads to the same pages.
const ELSEWHERE: &[(&str, &str)] =
    &[PASSWORDLESS, ("LINK_URL", "https://links.example"), ("ACTIVATION_PATH_ON_EMAIL", "confirm")];

/// The kinds of mails that carry a link.
fn with_a_link() -> usize {
    MailKind::ALL.iter().filter(|kind| matches!(kind, MailKind::Link(_))).count()
}

/// A link of each kind, from the mails that carry one, and what its page says.
async fn mailed_links(site: &Site, base: &str) -> Vec<(Purpose, String, &'static str)> {
    let link = async |address: &str| {
        let text = site.mails_to(address).await.pop().expect("a mail").text.expect("text");
        let line = text.lines().find(|line| line.starts_with(base));
        line.unwrap_or_else(|| panic!("no link to {base} in {text}")).to_owned()
    };
    let ann = site.sign_up_without_password("ann").await;
    let first = site.mails_to(&ann.email()).await[0].text.clone().expect("text");
    let activation = first.lines().find(|line| line.starts_with(base)).expect("a link").to_owned();
    let set = link(&ann.email()).await;
    let token = set.rsplit('/').next().expect("a token");
    assert_eq!(site.set_password(token, PASSWORD, PASSWORD).await["success"], true);
    site.verify_account(activation.rsplit('/').next().expect("a token")).await;
    let ann: Actor = site.log_in(&ann).await;

    site.sign_up_without_password("bob").await;
    let bobs = site.mails_to("bob@example.com").await;
    let bobs: Vec<String> = bobs
        .iter()
        .filter_map(|mail| mail.text.as_deref()?.lines().find(|line| line.starts_with(base)))
        .map(str::to_owned)
        .collect();
    site.change_email(&ann, "new@example.com").await.expect("the mail is decided on");
    let change = link("new@example.com").await;
    let document = "mutation($p: String!) { sendSecondaryEmailActivation(email: \"second@example.com\", \
                    password: $p) { success errors } }";
    site.ask(&ann, document, serde_json::json!({ "p": PASSWORD })).await;
    let second = link("second@example.com").await;
    let token = change.rsplit('/').next().expect("a token");
    site.accounts.verify_new_email(token).await.expect("the address is another one");
    let restore = link(&ann.email()).await;
    site.change_email(&ann, "newer@example.com").await.expect("the mail is decided on");
    let (change, cancel) = (link("newer@example.com").await, link("new@example.com").await);
    site.send_password_reset("new@example.com").await;
    let reset = link("new@example.com").await;
    let log_in = site.accounts.send_log_in("new@example.com", None, &Client::default()).await;
    log_in.expect("the mail is decided on");
    let log_in = link("new@example.com").await;
    vec![
        (Purpose::Activation, bobs[0].clone(), "Confirm your address"),
        (Purpose::PasswordSet, bobs[1].clone(), "Set your password"),
        (Purpose::PasswordReset, reset, "Choose a new password"),
        (Purpose::EmailChange, change, "Confirm your address"),
        (Purpose::SecondaryEmail, second, "Confirm your address"),
        (Purpose::EmailChangeCancel, cancel, "Keep your address"),
        (Purpose::EmailRestore, restore, "Take your account back"),
        (Purpose::LogIn, log_in, "Log in"),
    ]
}

#[tokio::test]
async fn every_link_of_every_mail_leads_to_its_page() {
    for (settings, base) in [
        (USUAL, "https://accounts.example/"),
        (ODD, "https://example.com/auth/"),
        (ELSEWHERE, "https://links.example/"),
    ] {
        let site = Site::with(settings).await;
        let links = mailed_links(&site, base).await;
        assert_eq!(links.len(), with_a_link(), "another kind of link needs a page");
        for (purpose, link, title) in links {
            let path =
                link.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
            let page = get(&site, path.expect("a path")).await;
            assert_eq!(page.status, 200, "{purpose:?}: {link}");
            assert!(page.text.contains(&format!("<h1>{title}</h1>")), "{purpose:?}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn pages_lead_to_each_other_at_the_paths_that_are_set() {
    let site = Site::with(ODD).await;
    let page = get(&site, "/users/activate").await;
    assert!(page.text.contains("action=\"/auth/users/activate\""), "{}", page.text);
    assert_eq!(get(&site, "/auth/api/forgotten").await.status, 200);
    let page = get(&site, "/health/garbage").await;
    assert!(page.text.contains("href=\"/auth/users/activate\""), "{}", page.text);
    let page = get(&site, "/graphql/first~password/garbage").await;
    assert!(page.text.contains("href=\"/auth/api/forgotten\""), "{}", page.text);
    for path in ["/activate", "/password-reset"] {
        assert_eq!(site.send(Method::GET, path, &[], "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_start_refuses_paths_that_it_cannot_distinguish() {
    for (given, named) in [
        (
            &[("ACTIVATION_PATH_ON_EMAIL", "password-reset")] as &'static [_],
            "PASSWORD_RESET_PATH_ON_EMAIL",
        ),
        (&[("PASSWORD_SET_PATH_ON_EMAIL", "activate")], "ACTIVATION_PATH_ON_EMAIL"),
        (&[("PASSWORD_SET_PATH_ON_EMAIL", "password-reset")], "PASSWORD_SET_PATH_ON_EMAIL"),
        (&[("EMAIL_CHANGE_PATH_ON_EMAIL", "password-reset")], "EMAIL_CHANGE_PATH_ON_EMAIL"),
        (&[("ACTIVATION_PATH_ON_EMAIL", "graphql")], "ACTIVATION_PATH_ON_EMAIL"),
        (&[("ACTIVATION_PATH_ON_EMAIL", "users/login")], "ACTIVATION_PATH_ON_EMAIL"),
        (&[("PASSWORD_RESET_PATH_ON_EMAIL", "api/accounts/me")], "PASSWORD_RESET_PATH_ON_EMAIL"),
        (&[("EMAIL_CHANGE_PATH_ON_EMAIL", "send-again")], "EMAIL_CHANGE_PATH_ON_EMAIL"),
        (
            &[("BASE_URL", "https://a.example/x"), ("ACTIVATION_PATH_ON_EMAIL", "x/graphql")],
            "BASE_URL",
        ),
    ] {
        let front = |pages: &'static str| {
            let settings = Settings::new(move |name| {
                let set = given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
                let usual = match name {
                    "BASE_URL" => Some("https://a.example"),
                    "PAGES" => Some(pages),
                    _ => None,
                };
                set.or(usual).map(str::to_owned)
            });
            Front::new(FrontSettings::new(&settings).expect("settings"))
        };
        let error = front("on").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{named} cannot ")), "{given:?}: {error}");
        // Then the paths are those of another front end.
        assert!(front("off").is_ok(), "{given:?}");
    }
}
