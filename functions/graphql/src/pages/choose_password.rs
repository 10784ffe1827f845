//! The pages behind the links that let somebody choose a password: another one, or the first. One form
//! for both.

use accounts::accounts::NewPassword;
use accounts::error::{AuthError, Field, Violation, Violations};
use accounts::model::PlainPassword;
use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{PageSettings, message, page, refused};
use crate::App;

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
    errors: &'a [String],
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    password: String,
    again: String,
}

type ChosenForm = Result<Form<Chosen>, FormRejection>;
type Token = Result<Path<String>, PathRejection>;

/// `GET` of a mailed reset link: shows the form. The token is looked at when it is sent.
pub(crate) async fn ask_reset(State(app): State<App>) -> Response {
    form(&app, RESET, StatusCode::OK, &[])
}

/// The form of a reset.
pub(crate) async fn reset(State(app): State<App>, token: Token, chosen: ChosenForm) -> Response {
    let Ok(new) = new_password(chosen) else { return incomplete(&app, RESET) };
    answer(&app, RESET, app.accounts.reset_password(text(token).as_str().into(), new).await)
}

/// `GET` of the mailed link to whoever signed up without a password: shows the form. The token is
/// looked at when it is sent.
pub(crate) async fn ask_set(State(app): State<App>) -> Response {
    form(&app, SET, StatusCode::OK, &[])
}

/// The form of a first password.
pub(crate) async fn set(State(app): State<App>, token: Token, chosen: ChosenForm) -> Response {
    let Ok(new) = new_password(chosen) else { return incomplete(&app, SET) };
    answer(&app, SET, app.accounts.set_password(&text(token), new).await)
}

fn new_password(chosen: ChosenForm) -> Result<NewPassword, FormRejection> {
    let Form(Chosen { password, again }) = chosen?;
    let mut refused = Violations::default();
    if password != again {
        refused.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
    }
    let password = refused.is_empty().then(|| PlainPassword::new(password));
    Ok(NewPassword { password, refused })
}

/// What is not even text is no token.
fn text(token: Token) -> String {
    token.map_or_else(|_| String::new(), |Path(token)| token)
}

fn answer(app: &App, words: Words, result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => {
            message(app, StatusCode::OK, "Your password is set", "You can log in with it now.")
        }
        Err(AuthError::Invalid(violations)) => {
            let errors: Vec<_> = violations.iter().map(|(_, what)| what.to_string()).collect();
            form(app, words, StatusCode::BAD_REQUEST, &errors)
        }
        Err(error) => refused(app, &error),
    }
}

fn incomplete(app: &App, words: Words) -> Response {
    let errors = &["Please enter the password twice.".to_owned()];
    form(app, words, StatusCode::BAD_REQUEST, errors)
}

fn form(app: &App, words: Words, status: StatusCode, errors: &[String]) -> Response {
    page(status, &Choose { settings: &app.settings.pages, words, errors })
}
