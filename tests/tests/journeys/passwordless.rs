//! Accounts that start without a password: signing up, and what can be done before there is one.

use accounts::error::{AuthError, Field, Violation};
use accounts::model::{Client, PlainPassword};
use accounts::operations::{FirstPassword, Registration};
use embedded::Message;
use jiff::SignedDuration;
use journeys::{Actor, BASE_URL, Calls, PASSWORD, Site, failure_code, link_token, s};
use serde_json::{Value, json};

const ALLOWED: (&str, &str) = ("ALLOW_PASSWORDLESS_REGISTRATION", "true");
const ACTIVATE: &str = "Activate your account on Example";
const SET: &str = "Set your password on Example";

fn subjects(mails: &[Message]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

fn registration(name: &str, password: FirstPassword) -> Registration {
    let email = format!("{name}@example.com");
    let username = Some(name.to_owned());
    Registration::new(email, username, password)
}

/// The faults of a registration.
async fn wrong(site: &Site, registration: Registration) -> Vec<(Field, Violation)> {
    match site.accounts.register(registration, &Client::default()).await {
        Err(AuthError::Invalid(violations)) => violations.iter().collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_user_without_a_password_gets_an_activation_mail_and_then_one_to_set_it() {
    let site = Site::with(&[ALLOWED]).await;
    for name in ["ann", "bob", "eve"] {
        site.sign_up_without_password(name).await;
    }
    // All of them in one batch of the stream.
    assert_eq!(site.deliver_mail().await.delivered, 6);
    for name in ["ann", "bob", "eve"] {
        let mails = site.mails_to(&format!("{name}@example.com")).await;
        assert_eq!(subjects(&mails), [ACTIVATE, SET], "{name}");
    }
}

#[tokio::test]
async fn the_mail_to_set_a_password_has_its_link_in_both_parts_and_no_code() {
    let site = Site::with(&[ALLOWED]).await;
    let ann = site.sign_up_without_password("ann").await;
    let mail = site.mails_to(&ann.email()).await.pop().unwrap();
    let link = format!("{BASE_URL}/password-set/{}", link_token(&mail));
    let text = mail.text.unwrap();
    let expected = format!(
        "Example\n\nHello ann!\n\nPlease set your password:\n\n{link}\n\n\
         If you did not sign up on Example, you need not do anything."
    );
    assert_eq!(text, expected);
    let html = mail.html.unwrap();
    assert_eq!(html.matches(&link).count(), 2, "{html}");
    assert!(html.contains("<title>Set your password on Example</title>"), "{html}");
    assert!(html.contains("Hello ann!") && html.contains(">Set my password</a>"), "{html}");
}

#[tokio::test]
async fn all_of_a_sign_up_without_a_password_is_written_in_one_call() {
    let site = Site::with(&[ALLOWED]).await;
    let ann = site.sign_up_without_password("ann").await;
    assert_eq!(site.calls.take(), Calls { round_trips: 1, calls: 1 });
    assert!(!site.item("USER#", "USER").await.contains_key("password"));
    assert_eq!(site.items("MAIL#").await, ["MAIL", "MAIL"]);
    // User, session, two unique keys, two mails.
    assert_eq!(site.dump_without_trail().await.len(), 6);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_sign_up_without_a_password_for_a_taken_name_leaves_nothing() {
    let site = Site::with(&[ALLOWED]).await;
    site.sign_up_without_password("ann").await;
    let before = site.dump().await;
    let found = wrong(&site, registration("ann", FirstPassword::Absent)).await;
    let taken =
        [(Field::Email, Violation::EmailTaken), (Field::Username, Violation::UsernameTaken)];
    assert_eq!(found, taken);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn without_the_setting_a_password_that_is_absent_is_required() {
    let site = Site::start().await;
    let found = wrong(&site, registration("ann", FirstPassword::Absent)).await;
    assert_eq!(found, [(Field::Password, Violation::Required)]);
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn a_password_that_the_front_has_refused_does_not_count_as_absent() {
    let site = Site::with(&[ALLOWED]).await;
    assert_eq!(wrong(&site, registration("ann", FirstPassword::Refused)).await, []);
    let mut refused = registration("ann", FirstPassword::Absent);
    refused.refused.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
    let mismatch = [(Field::PasswordConfirmation, Violation::PasswordMismatch)];
    assert_eq!(wrong(&site, refused).await, mismatch);
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn a_user_who_gives_a_password_gets_an_ordinary_account_all_the_same() {
    let site = Site::with(&[ALLOWED]).await;
    let strong = FirstPassword::Given(PlainPassword::new(PASSWORD));
    let done = site.accounts.register(registration("ann", strong), &Client::default()).await;
    let ann = Actor { name: done.unwrap().user.username, ..Actor::default() };
    assert_eq!(subjects(&site.mails_to(&ann.email()).await), [ACTIVATE]);
    let weak = FirstPassword::Given(PlainPassword::new("1"));
    let found = wrong(&site, registration("bob", weak)).await;
    assert!(
        found.contains(&(Field::Password, Violation::PasswordTooShort { limit: 8 })),
        "{found:?}"
    );
}

#[tokio::test]
async fn the_mail_to_set_a_password_is_sent_where_the_activation_mail_is_not() {
    let site = Site::with(&[ALLOWED, ("SEND_ACTIVATION_EMAIL", "false")]).await;
    let ann = site.sign_up_without_password("ann").await;
    assert_eq!(subjects(&site.mails_to(&ann.email()).await), [SET]);
}

#[tokio::test]
async fn the_sender_drops_a_mail_to_set_a_password_if_the_user_has_one_meanwhile() {
    let site = Site::with(&[ALLOWED]).await;
    let ann = site.sign_up_without_password("ann").await;
    site.set_on_user(&ann, "password", s("$argon2id$")).await;
    assert_eq!(subjects(&site.mails_to(&ann.email()).await), [ACTIVATE]);
    let mut states = site.mail_states().await;
    states.sort();
    assert_eq!(states, ["dropped", "sent"]);
}

#[tokio::test]
async fn the_mail_to_set_a_password_is_not_sent_when_its_link_is_over() {
    let site = Site::with(&[ALLOWED, ("EXPIRATION_PASSWORD_SET_TOKEN", "60")]).await;
    let ann = site.sign_up_without_password("ann").await;
    site.advance(SignedDuration::from_secs(60));
    assert_eq!(subjects(&site.mails_to(&ann.email()).await), [ACTIVATE]);
}

#[tokio::test]
async fn no_user_logs_in_without_a_password_and_a_try_costs_as_much_as_a_wrong_password() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.sign_up("bob").await;
    let site = site.restarted_with(&[ALLOWED, ("ALLOW_LOGIN_NOT_VERIFIED", "true")]);
    let before = site.sign_up_without_password("ann").await;
    let mut costs = Vec::new();
    for (name, password) in [("bob", "kdjf84jfKKe"), ("ann", PASSWORD), ("ann", ""), ("ann", "!")] {
        site.calls.take();
        let answer = site.token_auth(json!({ "username": name, "password": password })).await;
        assert_eq!(failure_code(&answer), "invalid_credentials", "{name} {password}");
        costs.push(site.calls.take());
    }
    assert_eq!(costs, [costs[0]; 4]);
    site.assert_goes_on(&before).await;
}

#[tokio::test]
async fn operations_that_ask_for_the_password_again_refuse_a_user_without_one() {
    let site = Site::with(&[ALLOWED]).await;
    let ann = site.sign_up_without_password("ann").await;
    let activation = link_token(&site.mails_to(&ann.email()).await[0]);
    assert_eq!(site.verify_account(&activation).await["success"], true);
    for password in [PASSWORD, ""] {
        for operation in ["archiveAccount", "deleteAccount"] {
            let document =
                format!("mutation {{ it: {operation}(password: \"{password}\") {{ errors }} }}");
            let answer = site.ask(&ann, &document, Value::Null).await.json();
            let code = &answer["data"]["it"]["errors"]["password"][0]["code"];
            assert_eq!(code, "invalid_password", "{operation} {answer}");
        }
        let answer = site.change_password(&ann, password, PASSWORD, PASSWORD).await;
        assert_eq!(answer["errors"]["oldPassword"][0]["code"], "invalid_password", "{answer}");
    }
    site.assert_goes_on(&ann).await;
}
