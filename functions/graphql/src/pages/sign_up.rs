//! The page on which a user signs up. It opens no session. The user verifies the address by a mail, and then logs in.

use accounts::error::{AuthError, Field};
use accounts::operations::{FirstPassword, NewPassword, Registration};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::app::AppPages;
use super::done::Done;
use super::message::{Next, refused};
use super::visit::Pages;
use super::{FieldErrors, FormBody, LinkToken, PageContext};
use crate::caller::client;

/// The path of the page, after [`super::PageSettings::base_path`].
pub(super) const PATH: &str = "/signup";

/// The fields of the form.
#[derive(Default, Deserialize)]
pub(super) struct SignUpForm {
    email: String,
    username: String,
    password: String,
    again: String,
}

/// `GET`: shows the form.
pub(super) async fn ask(site: PageContext) -> Response {
    form(&site, StatusCode::OK, &SignUpForm::default(), None)
}

/// Creates the account. With `CONCEAL_ACCOUNTS`, the answer is the same for each address.
pub(super) async fn sign_up(
    site: PageContext,
    request: Parts,
    FormBody(given): FormBody<SignUpForm>,
) -> Response {
    let given = given.unwrap_or_default();
    let NewPassword { password, refused: wrong } =
        NewPassword::twice(&given.password, given.again.clone());
    let password = password.map_or(FirstPassword::Refused, FirstPassword::Given);
    let (email, username) = (given.email.clone(), Some(given.username.clone()));
    let registration = Registration::new(email, username, password);
    let registration = Registration { refused: wrong, takes_tokens: false, ..registration };
    match site.accounts.register(registration, &client(&request)).await {
        Ok(_) if site.settings.mails_activation => Done::SignedUp.answer(&site),
        Ok(_) => site.redirect(AppPages::ROOT),
        Err(error @ AuthError::Invalid(_)) => {
            form(&site, StatusCode::BAD_REQUEST, &given, Some(&error))
        }
        Err(error) => refused(&site, &LinkToken(String::new()), &error, Next::Later),
    }
}

/// The form, without the passwords that were typed.
fn form(
    site: &PageContext,
    status: StatusCode,
    given: &SignUpForm,
    error: Option<&AuthError>,
) -> Response {
    let of = |field| FieldErrors::of(error, field);
    let shown = context! {
        email_typed => &given.email,
        username_typed => &given.username,
        email_errors => of(Field::Email),
        username_errors => of(Field::Username),
        password_errors => of(Field::Password),
        again_errors => of(Field::PasswordConfirmation),
        is_wrong => error.is_some(),
        log_in_path => AppPages::ROOT,
    };
    site.page(status, "sign_up.html", None, shown)
}
