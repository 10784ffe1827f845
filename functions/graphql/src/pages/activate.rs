//! The page behind a link that proves an address, and the one that takes the code of a new account instead.

use accounts::error::AuthError;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{PageSettings, message, page, refused};
use crate::App;

#[derive(Template)]
#[template(path = "pages/activate.html")]
struct Confirm<'a> {
    settings: &'a PageSettings,
}

#[derive(Template)]
#[template(path = "pages/enter_code.html")]
struct EnterCode<'a> {
    settings: &'a PageSettings,
    email: &'a str,
    error: Option<&'a str>,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Code {
    email: String,
    code: String,
}

/// `GET` of the mailed link: shows a button. The token is looked at when it is pressed.
pub(crate) async fn confirm(State(app): State<App>) -> Response {
    page(StatusCode::OK, &Confirm { settings: &app.settings.pages })
}

/// The button.
pub(crate) async fn activate(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    // What is not even text is no token.
    let token = token.map_or_else(|_| String::new(), |Path(token)| token);
    answer(&app, app.accounts.confirm_address(&token).await)
}

/// `GET`: shows the form.
pub(crate) async fn ask_for_code(State(app): State<App>) -> Response {
    page(StatusCode::OK, &EnterCode { settings: &app.settings.pages, email: "", error: None })
}

/// The form.
pub(crate) async fn enter_code(
    State(app): State<App>,
    form: Result<Form<Code>, axum::extract::rejection::FormRejection>,
) -> Response {
    let settings = &app.settings.pages;
    let Ok(Form(Code { email, code })) = form else {
        let error = Some("Please enter your address and the code from the mail.");
        return page(StatusCode::BAD_REQUEST, &EnterCode { settings, email: "", error });
    };
    match app.accounts.verify_account_by_code(&email, &code).await {
        Err(AuthError::InvalidCode | AuthError::ExpiredCode | AuthError::TooManyAttempts) => {
            let error =
                Some("That code is wrong, used or too old. The link in the mail still works.");
            page(StatusCode::BAD_REQUEST, &EnterCode { settings, email: &email, error })
        }
        result => answer(&app, result),
    }
}

fn answer(app: &App, result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => message(app, StatusCode::OK, "Your address is confirmed", "You can log in now."),
        Err(AuthError::AlreadyVerified) => {
            message(app, StatusCode::OK, "Your address was confirmed before", "You can log in.")
        }
        Err(error) => refused(app, &error),
    }
}
