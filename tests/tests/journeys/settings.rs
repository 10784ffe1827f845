//! Each setting that django-graphql-auth has, too: its default, and its other values.

use accounts::config::Settings;
use jiff::SignedDuration;
use journeys::{Actor, BASE_URL, PASSWORD, Site, failure, failure_code};
use serde_json::{Value, json};

type Given = &'static [(&'static str, &'static str)];

const NEW: &str = "zmxn73hhQQp";
const SECOND: &str = "ann@second.example";
const PASSWORDLESS: (&str, &str) = ("ALLOW_PASSWORDLESS_REGISTRATION", "true");

/// The answer to a mutation of a user.
async fn ask(site: &Site, actor: &Actor, call: &str) -> Value {
    let document = format!("mutation {{ it: {call} {{ success errors }} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["it"].clone()
}

async fn log_in(site: &Site, how: &str, who: &str) -> Value {
    site.token_auth(json!({ how: who, "password": PASSWORD })).await
}

/// Ann, who has proven a second address.
async fn with_second_address(site: &Site) -> Actor {
    let ann = site.signed_in("ann").await;
    let token = Link::SecondAddress.mailed_by(site, &ann).await;
    assert_eq!(Link::SecondAddress.used(site, &token).await["success"], true);
    ann
}

/// The purpose of a mailed link.
#[derive(Clone, Copy, Debug)]
enum Link {
    Activation,
    PasswordReset,
    PasswordSet,
    SecondAddress,
}

impl Link {
    /// The token of such a link, mailed to a new Ann.
    async fn mailed(self, site: &Site) -> String {
        let ann = match self {
            Self::Activation => site.sign_up("ann").await,
            Self::PasswordSet => site.sign_up_without_password("ann").await,
            Self::PasswordReset | Self::SecondAddress => site.signed_in("ann").await,
        };
        self.mailed_by(site, &ann).await
    }

    async fn mailed_by(self, site: &Site, ann: &Actor) -> String {
        match self {
            Self::Activation | Self::PasswordSet => site.link_token(&ann.email()).await,
            Self::PasswordReset => site.reset_link(ann).await,
            Self::SecondAddress => {
                let arguments = format!("email: \"{SECOND}\", password: \"{PASSWORD}\"");
                ask(site, ann, &format!("sendSecondaryEmailActivation({arguments})")).await;
                site.link_token(SECOND).await
            }
        }
    }

    async fn used(self, site: &Site, token: &str) -> Value {
        match self {
            Self::Activation => site.verify_account(token).await,
            Self::PasswordReset => site.reset_password(token, NEW, NEW).await,
            Self::PasswordSet => site.set_password(token, NEW, NEW).await,
            Self::SecondAddress => {
                let call = format!("verifySecondaryEmail(token: \"{token}\")");
                ask(site, &Actor::default(), &call).await
            }
        }
    }
}

/// Asserts that such a link works for so many seconds, and not for one more.
async fn assert_lifetime(link: Link, seconds: i64, given: Given) {
    let site = Site::with(given).await;
    let token = link.mailed(&site).await;
    site.advance(SignedDuration::from_secs(seconds - 1));
    assert_eq!(link.used(&site, &token).await["success"], true, "{link:?} of {seconds} s");

    let site = Site::with(given).await;
    let token = link.mailed(&site).await;
    site.advance(SignedDuration::from_secs(seconds));
    let errors = failure("expired_token", "Expired token.");
    let expired = json!({ "success": false, "errors": errors });
    assert_eq!(link.used(&site, &token).await, expired, "{link:?} of {seconds} s");
}

#[tokio::test]
async fn expiration_activation_token_is_seven_days_or_as_the_site_says() {
    assert_lifetime(Link::Activation, 7 * 24 * 3600, &[]).await;
    assert_lifetime(Link::Activation, 120, &[("EXPIRATION_ACTIVATION_TOKEN", "120")]).await;
}

#[tokio::test]
async fn expiration_password_reset_token_is_an_hour_or_as_the_site_says() {
    assert_lifetime(Link::PasswordReset, 3600, &[]).await;
    let given = &[("EXPIRATION_PASSWORD_RESET_TOKEN", "7200")];
    assert_lifetime(Link::PasswordReset, 7200, given).await;
}

#[tokio::test]
async fn expiration_secondary_email_activation_token_is_an_hour_or_as_the_site_says() {
    assert_lifetime(Link::SecondAddress, 3600, &[]).await;
    let given = &[("EXPIRATION_SECONDARY_EMAIL_ACTIVATION_TOKEN", "7200")];
    assert_lifetime(Link::SecondAddress, 7200, given).await;
}

#[tokio::test]
async fn expiration_password_set_token_is_an_hour_or_as_the_site_says() {
    assert_lifetime(Link::PasswordSet, 3600, &[PASSWORDLESS]).await;
    let given = &[PASSWORDLESS, ("EXPIRATION_PASSWORD_SET_TOKEN", "7200")];
    assert_lifetime(Link::PasswordSet, 7200, given).await;
}

#[tokio::test]
async fn allow_login_not_verified_is_off_unless_the_site_says_so() {
    for (given, is_in) in [(&[] as Given, false), (&[("ALLOW_LOGIN_NOT_VERIFIED", "true")], true)] {
        let site = Site::with(given).await;
        site.sign_up("ann").await;
        let answer = log_in(&site, "username", "ann").await;
        assert_eq!(answer["success"], is_in, "{answer}");
        assert_eq!(failure_code(&answer), if is_in { "" } else { "not_verified" });
    }
}

#[tokio::test]
async fn allow_passwordless_registration_is_off_unless_the_site_says_so() {
    let document = "mutation { register(email: \"ann@example.com\", username: \"ann\") {
        success } }";
    for (given, status, accounts) in [(&[] as Given, 400, 0), (&[PASSWORDLESS], 200, 1)] {
        let site = Site::with(given).await;
        let answer = site.graphql(document, Value::Null).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(site.items("USERNAME#").await.len(), accounts);
    }
}

#[tokio::test]
async fn send_activation_email_is_on_unless_the_site_says_otherwise() {
    for (given, mails) in [(&[] as Given, 1), (&[("SEND_ACTIVATION_EMAIL", "false")], 0)] {
        let site = Site::with(given).await;
        let ann = site.sign_up("ann").await;
        assert_eq!(site.mails_to(&ann.email()).await.len(), mails);
        assert_eq!(site.items("MAIL#").await.len(), mails);
    }
}

#[tokio::test]
async fn allow_login_with_secondary_email_is_on_unless_the_site_says_otherwise() {
    let off: Given = &[("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "false")];
    for (given, is_in) in [(&[] as Given, true), (off, false)] {
        let site = Site::with(given).await;
        with_second_address(&site).await;
        let answer = log_in(&site, "email", SECOND).await;
        assert_eq!(answer["success"], is_in, "{answer}");
        assert_eq!(failure_code(&answer), if is_in { "" } else { "invalid_credentials" });
        assert_eq!(log_in(&site, "email", "ann@example.com").await["success"], true);
    }
}

#[tokio::test]
async fn allow_delete_account_is_off_unless_the_site_says_so() {
    for (given, kept) in [(&[] as Given, 1), (&[("ALLOW_DELETE_ACCOUNT", "true")], 0)] {
        let site = Site::with(given).await;
        let ann = with_second_address(&site).await;
        let answer = ask(&site, &ann, &format!("deleteAccount(password: \"{PASSWORD}\")")).await;
        assert_eq!(answer["success"], true);
        for partition in ["USERNAME#ann", "EMAIL#ann@example.com", "EMAIL#ann@second.example"] {
            let items = site.items(partition).await;
            let guards = items.iter().filter(|sk| *sk == "GUARD").count();
            assert_eq!(guards, kept, "{partition}");
        }
        assert_eq!(log_in(&site, "username", "ann").await["success"], false);
    }
}

#[tokio::test]
async fn tokens_on_register_is_on_unless_the_site_says_otherwise() {
    for (given, sessions) in [(&[] as Given, 1), (&[("TOKENS_ON_REGISTER", "false")], 0)] {
        let site = Site::with(given).await;
        let answer = site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await;
        assert_eq!(answer["success"], true);
        for token in ["token", "refreshToken"] {
            assert_eq!(answer[token].is_string(), sessions == 1, "{answer}");
        }
        let items = site.items("USER#").await;
        assert_eq!(items.iter().filter(|sk| sk.starts_with("SESSION#")).count(), sessions);
    }
}

#[tokio::test]
async fn users_query_is_for_staff_unless_the_site_says_otherwise() {
    let settings: [(Given, &[&str], &[&str]); 4] = [
        (&[], &[], &["ann"]),
        (&[("USERS_QUERY", "staff")], &[], &["ann"]),
        (&[("USERS_QUERY", "authenticated")], &[], &["ann", "bob"]),
        (&[("USERS_QUERY", "public")], &["ann", "bob"], &["ann", "bob"]),
    ];
    for (given, shown_to_nobody, shown_to_ann) in settings {
        let site = Site::with(given).await;
        let ann = site.signed_in("ann").await;
        site.add_user("bob", |_| {}).await;
        for (actor, shown) in [(&Actor::default(), shown_to_nobody), (&ann, shown_to_ann)] {
            let document = "{ users { edges { node { username } } } }";
            let answer = site.ask(actor, document, Value::Null).await.json();
            let edges: Vec<_> =
                shown.iter().map(|name| json!({ "node": { "username": name } })).collect();
            assert_eq!(answer["data"]["users"]["edges"], json!(edges), "{given:?}");
        }
    }
}

#[tokio::test]
async fn email_from_is_what_the_site_says_and_has_no_default() {
    let given = |name: &str| (name == "BASE_URL").then(|| BASE_URL.to_owned());
    let error = Settings::new(given).mails().unwrap_err();
    assert!(error.to_string().contains("EMAIL_FROM"), "{error}");
    for (sender, source) in [
        // An address alone gets the name of the site.
        ("hello@example.com", "\"Example\" <hello@example.com>"),
        ("Ann <ann@example.com>", "\"Ann\" <ann@example.com>"),
        // SES takes neither a domain nor a name that is more than ASCII.
        ("post@bücher.example", "\"Example\" <post@xn--bcher-kva.example>"),
        ("Bücher <post@example.com>", "=?UTF-8?B?QsO8Y2hlcg==?= <post@example.com>"),
    ] {
        let given = [("EMAIL_FROM", sender), ("EMAIL_REPLY_TO", "Hilfe <hilfe@bücher.example>")];
        let site = Site::with(given.to_vec().leak()).await;
        let ann = site.sign_up("ann").await;
        let mail = &site.mails_to(&ann.email()).await[0];
        assert_eq!(mail.source, source, "{sender}");
        assert_eq!(mail.reply_to, ["\"Hilfe\" <hilfe@xn--bcher-kva.example>"]);
    }
}

#[tokio::test]
async fn paths_of_links_are_the_librarys_unless_the_site_says_otherwise() {
    const OTHERS: Given = &[
        PASSWORDLESS,
        ("ACTIVATION_PATH_ON_EMAIL", "/welcome/activate/"),
        ("PASSWORD_RESET_PATH_ON_EMAIL", "welcome/reset"),
        ("PASSWORD_SET_PATH_ON_EMAIL", "/welcome/set/"),
    ];
    for (given, paths) in [
        (&[PASSWORDLESS] as Given, ["activate", "password-set", "password-reset"]),
        (OTHERS, ["welcome/activate", "welcome/set", "welcome/reset"]),
    ] {
        let site = Site::with(given).await;
        let ann = site.sign_up_without_password("ann").await;
        site.deliver_mail().await;
        site.send_password_reset(&ann.email()).await;
        let mails = site.mails_to(&ann.email()).await;
        assert_eq!(mails.len(), paths.len());
        for (mail, path) in mails.iter().zip(paths) {
            let link = format!("{BASE_URL}/{path}/ey");
            assert!(mail.text.as_deref().unwrap().contains(&format!("\n{link}")), "{mail:?}");
            assert!(mail.html.as_deref().unwrap().contains(&format!("\"{link}")), "{mail:?}");
        }
    }
}
