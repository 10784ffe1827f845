//! The pages behind the links that let somebody choose a password: another one, or the first. One form
//! for both.

use accounts::accounts::NewPassword;
use accounts::error::{AuthError, Field, Violation, Violations};
use accounts::model::PlainPassword;
use accounts::model::code::Purpose;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::message::{Next, message, refused};
use super::{FieldErrors, LinkToken, PageSettings, Sent, Site, page};

/// What the form is called on one of the two pages.
struct Words {
    title: &'static str,
    label: &'static str,
}

const RESET: Words = Words { title: "Choose a new password", label: "New password" };
const SET: Words = Words { title: "Set your password", label: "Password" };

#[derive(Template)]
#[template(path = "pages/choose_password.html")]
struct Choose<'a> {
    settings: &'a PageSettings,
    words: Words,
    password_errors: FieldErrors,
    again_errors: FieldErrors,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Chosen {
    password: String,
    again: String,
}

/// `GET` of a mailed reset link: shows the form, unless the token alone tells that it would not do.
pub(super) async fn ask_reset(State(site): State<Site>, token: LinkToken) -> Response {
    ask(&site, &token, RESET, Purpose::PasswordReset)
}

/// The form of a reset.
pub(super) async fn reset(
    State(site): State<Site>,
    token: LinkToken,
    Sent(chosen): Sent<Chosen>,
) -> Response {
    let Some(new) = new_password(chosen) else { return incomplete(&site, RESET) };
    let result = site.accounts.reset_password(token.0.as_str().into(), new).await;
    answer(&site, &token, RESET, result)
}

/// `GET` of the mailed link to whoever signed up without a password: shows the form, unless the token
/// alone tells that it would not do.
pub(super) async fn ask_set(State(site): State<Site>, token: LinkToken) -> Response {
    ask(&site, &token, SET, Purpose::PasswordSet)
}

/// The form of a first password.
pub(super) async fn set(
    State(site): State<Site>,
    token: LinkToken,
    Sent(chosen): Sent<Chosen>,
) -> Response {
    let Some(new) = new_password(chosen) else { return incomplete(&site, SET) };
    let result = site.accounts.set_password(&token.0, new).await;
    answer(&site, &token, SET, result)
}

fn ask(site: &Site, token: &LinkToken, words: Words, purpose: Purpose) -> Response {
    match token.check(site, |found| found == purpose) {
        Ok(()) => {
            form(site, words, StatusCode::OK, [FieldErrors::default(), FieldErrors::default()])
        }
        Err(error) => refused(site, token, &error, Next::AskForReset),
    }
}

/// `None` for what no browser sends: a field is missing, or was not text, so that nobody could type it
/// again.
fn new_password(chosen: Option<Chosen>) -> Option<NewPassword> {
    let Chosen { password, again } = chosen?;
    if password.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let mut refused = Violations::default();
    if password != again {
        refused.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
    }
    let password = refused.is_empty().then(|| PlainPassword::new(password));
    Some(NewPassword { password, refused })
}

fn answer(site: &Site, token: &LinkToken, words: Words, result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => {
            let text = ("Your password is set", "You can log in with it now.");
            message(site, StatusCode::OK, text, Next::App)
        }
        Err(AuthError::Invalid(violations)) => {
            let (again, password): (Vec<_>, Vec<_>) =
                violations.iter().partition(|(field, _)| *field == Field::PasswordConfirmation);
            let texts = |found: Vec<(Field, Violation)>| {
                FieldErrors(found.into_iter().map(|(_, what)| what.to_string()).collect())
            };
            form(site, words, StatusCode::BAD_REQUEST, [texts(password), texts(again)])
        }
        Err(error) => refused(site, token, &error, Next::AskForReset),
    }
}

fn incomplete(site: &Site, words: Words) -> Response {
    let error = FieldErrors::one("Please enter the password twice.");
    form(site, words, StatusCode::BAD_REQUEST, [error, FieldErrors::default()])
}

fn form(
    site: &Site,
    words: Words,
    status: StatusCode,
    [password_errors, again_errors]: [FieldErrors; 2],
) -> Response {
    page(status, &Choose { settings: &site.settings, words, password_errors, again_errors })
}
