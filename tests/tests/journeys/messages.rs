//! Codes and texts, to the letter: every row of the library's table, by a request that gets it.

use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

const NEW: &str = "zmxn73hhQQp";
const WEAK: &str = "123";

/// Field, code, message.
const TABLE: &[(&str, &str, &str)] = &[
    ("email", "required", "This field is required."),
    ("username", "required", "This field is required."),
    ("password1", "required", "This field is required."),
    ("password2", "required", "This field is required."),
    ("newPassword1", "required", "This field is required."),
    ("newPassword2", "required", "This field is required."),
    ("email", "invalid", "Enter a valid email address."),
    ("email", "max_length", "Ensure this value has at most 254 characters (it has 262)."),
    ("email", "unique", "User with this Email address already exists."),
    ("email", "unique", "A user with that email already exists."),
    ("nonFieldErrors", "unique", "A user with that email already exists."),
    ("username", "unique", "A user with that username already exists."),
    (
        "username",
        "invalid",
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ \
         characters.",
    ),
    ("username", "max_length", "Ensure this value has at most 150 characters (it has 151)."),
    ("firstName", "max_length", "Ensure this value has at most 150 characters (it has 151)."),
    ("lastName", "max_length", "Ensure this value has at most 150 characters (it has 200)."),
    ("username", "null_characters_not_allowed", "Null characters are not allowed."),
    ("password2", "password_mismatch", "The two password fields didn\u{2019}t match."),
    ("newPassword2", "password_mismatch", "The two password fields didn\u{2019}t match."),
    ("password2", "password_too_similar", "The password is too similar to the username."),
    ("password2", "password_too_similar", "The password is too similar to the email address."),
    ("newPassword2", "password_too_similar", "The password is too similar to the username."),
    ("newPassword2", "password_too_similar", "The password is too similar to the email address."),
    (
        "password2",
        "password_too_short",
        "This password is too short. It must contain at least 8 characters.",
    ),
    (
        "newPassword2",
        "password_too_short",
        "This password is too short. It must contain at least 8 characters.",
    ),
    ("password2", "password_too_common", "This password is too common."),
    ("newPassword2", "password_too_common", "This password is too common."),
    ("password2", "password_entirely_numeric", "This password is entirely numeric."),
    ("newPassword2", "password_entirely_numeric", "This password is entirely numeric."),
    ("password", "invalid_password", "Invalid password."),
    ("oldPassword", "invalid_password", "Invalid password."),
    ("nonFieldErrors", "invalid_credentials", "Please, enter valid credentials."),
    ("nonFieldErrors", "not_verified", "Please verify your account."),
    ("nonFieldErrors", "unauthenticated", "Unauthenticated."),
    ("nonFieldErrors", "invalid_token", "Invalid token."),
    ("nonFieldErrors", "expired_token", "Expired token."),
    ("nonFieldErrors", "already_verified", "Account already verified."),
    ("email", "already_verified", "Account already verified."),
    (
        "nonFieldErrors",
        "secondary_email_required",
        "You need to setup a secondary email to proceed.",
    ),
    ("nonFieldErrors", "password_already_set", "Password already set for account."),
];

/// Everything that the API said was wrong.
struct Said {
    site: Site,
    errors: Vec<(String, String, String)>,
}

impl Said {
    /// A mutation of a user, as a field with its arguments in JSON.
    async fn to(&mut self, actor: &Actor, field: &str, arguments: Value) {
        let arguments: Vec<_> = arguments
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let arguments = match arguments.as_slice() {
            [] => String::new(),
            some => format!("({})", some.join(", ")),
        };
        let document = format!("mutation {{ it: {field}{arguments} {{ errors }} }}");
        let answer = self.site.ask(actor, &document, Value::Null).await;
        let json = answer.json();
        let fields = json["data"]["it"]["errors"].as_object().cloned().unwrap_or_default();
        for (field, list) in fields {
            for error in list.as_array().expect("a list") {
                let text = |name: &str| error[name].as_str().expect("a text").to_owned();
                self.errors.push((field.clone(), text("code"), text("message")));
            }
        }
    }

    async fn registering(&mut self, email: &str, username: &str, first: &str, second: &str) {
        let arguments = json!({ "email": email, "username": username, "password1": first,
            "password2": second });
        self.to(&Actor::default(), "register", arguments).await;
    }
}

fn change(old: &str, first: &str, second: &str) -> Value {
    json!({ "oldPassword": old, "newPassword1": first, "newPassword2": second })
}

async fn wrong_at_registration(said: &mut Said) {
    said.registering("", "", "", "").await;
    said.registering("nope", "bad name!", "kdjf84jfKKd", "kdjf84jfKKe").await;
    said.registering(&format!("{}@example.com", "x".repeat(250)), &"u".repeat(151), NEW, NEW).await;
    said.registering("bob@example.com", "a\u{0}b", WEAK, WEAK).await;
    said.registering("ann@example.com", "annabella", NEW, NEW).await;
    said.registering("bob@example.com", "marmalade", "marmalade1", "marmalade1").await;
    said.registering("marmalade@example.com", "bob", "marmalade1", "marmalade1").await;
}

async fn wrong_with_an_account(said: &mut Said, ann: &Actor, unverified: &Actor) {
    let names = json!({ "firstName": "f".repeat(151), "lastName": "l".repeat(200) });
    said.to(&Actor::default(), "updateAccount", names.clone()).await;
    said.to(unverified, "updateAccount", names.clone()).await;
    said.to(ann, "updateAccount", names).await;
    said.to(ann, "passwordChange", change("wrong", NEW, NEW)).await;
    for (first, second) in [
        ("", ""),
        (NEW, "another"),
        (WEAK, WEAK),
        ("annabella1", "annabella1"),
        ("ann.example", "ann.example"),
    ] {
        said.to(ann, "passwordChange", change(PASSWORD, first, second)).await;
    }
    said.to(ann, "archiveAccount", json!({ "password": "wrong" })).await;
    said.to(ann, "swapEmails", json!({ "password": PASSWORD })).await;
    let taken = json!({ "email": "bob@example.com", "password": PASSWORD });
    said.to(ann, "sendSecondaryEmailActivation", taken).await;
    let arguments = json!({ "email": ann.email() });
    said.to(&Actor::default(), "resendActivationEmail", arguments).await;
    let arguments = json!({ "username": "annabella", "password": "wrong" });
    said.to(&Actor::default(), "tokenAuth", arguments).await;
}

async fn wrong_with_a_link(said: &mut Said, ann: &Actor, activation: &str) {
    let anonymous = Actor::default();
    said.to(&anonymous, "verifyAccount", json!({ "token": "garbage" })).await;
    said.to(&anonymous, "verifyAccount", json!({ "token": activation })).await;
    let second = json!({ "email": "cat@example.com", "password": PASSWORD });
    said.to(ann, "sendSecondaryEmailActivation", second).await;
    let link = said.site.link_token("cat@example.com").await;
    said.site.sign_up("cat").await;
    said.to(&anonymous, "verifySecondaryEmail", json!({ "token": link })).await;
    said.site.advance(SignedDuration::from_hours(1));
    said.to(&anonymous, "verifySecondaryEmail", json!({ "token": link })).await;
}

async fn wrong_without_a_password(said: &mut Said) {
    let dan = said.site.sign_up_without_password("dan").await;
    let link = said.site.link_token(&dan.email()).await;
    let arguments = json!({ "token": link, "newPassword1": NEW, "newPassword2": NEW });
    for _ in 0..2 {
        said.to(&Actor::default(), "passwordSet", arguments.clone()).await;
    }
}

#[tokio::test]
async fn the_site_returns_every_code_and_text_of_the_library_to_the_letter_and_no_other() {
    let site = Site::start().await;
    let ann = site.signed_in("annabella").await;
    let activation = site.link_token(&ann.email()).await;
    let bob = site.sign_up("bob").await;
    let mut said = Said { site, errors: Vec::new() };
    wrong_at_registration(&mut said).await;
    wrong_with_an_account(&mut said, &ann, &bob).await;
    wrong_with_a_link(&mut said, &ann, &activation).await;
    let site = said.site.restarted_with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]);
    let mut said = Said { site, ..said };
    wrong_without_a_password(&mut said).await;

    let row = |(field, code, message): &(&str, &str, &str)| {
        ((*field).to_owned(), (*code).to_owned(), (*message).to_owned())
    };
    let mut listed: Vec<_> = TABLE.iter().map(row).collect();
    listed.sort();
    said.errors.sort();
    said.errors.dedup();
    assert_eq!(said.errors, listed);
}
