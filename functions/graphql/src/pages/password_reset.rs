//! The page behind a password reset link.

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

#[derive(Template)]
#[template(path = "pages/password_reset.html")]
struct Choose<'a> {
    settings: &'a PageSettings,
    errors: &'a [String],
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    password: String,
    again: String,
}

/// `GET` of the mailed link: shows the form. The token is looked at when it is sent.
pub(crate) async fn ask(State(app): State<App>) -> Response {
    page(StatusCode::OK, &Choose { settings: &app.settings.pages, errors: &[] })
}

/// The form.
pub(crate) async fn reset(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
    form: Result<Form<Chosen>, FormRejection>,
) -> Response {
    let settings = &app.settings.pages;
    let Ok(Form(Chosen { password, again })) = form else {
        let errors = &["Please enter the new password twice.".to_owned()];
        return page(StatusCode::BAD_REQUEST, &Choose { settings, errors });
    };
    let token = token.map_or_else(|_| String::new(), |Path(token)| token);
    let mut refusals = Violations::default();
    if password != again {
        refusals.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
    }
    let password = refusals.is_empty().then(|| PlainPassword::new(password));
    match app.accounts.reset_password(&token, NewPassword { password, refused: refusals }).await {
        Ok(()) => {
            message(&app, StatusCode::OK, "Your password is set", "You can log in with it now.")
        }
        Err(AuthError::Invalid(violations)) => {
            let errors: Vec<_> = violations.iter().map(|(_, what)| what.to_string()).collect();
            page(StatusCode::BAD_REQUEST, &Choose { settings, errors: &errors })
        }
        Err(error) => refused(&app, &error),
    }
}
