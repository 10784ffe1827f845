//! The pages that mail a link for a new password, or mail the link and the code of a sign-up again. Both use one form.

use accounts::error::AuthError;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::done::Done;
use super::message::{Next, refused};
use super::{FieldErrors, FormBody, LinkToken, PageContext};
use crate::caller::client;

/// The path of the page that mails a sign-up's link and code, after
/// [`super::PageSettings::base_path`].
pub(super) const ACTIVATION_PATH: &str = "/activation-mail";

/// The prefix of the keys of the form's texts, on one of the two pages.
const RESET: &str = "ask_reset";
const ACTIVATION: &str = "ask_activation";

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct Address {
    email: String,
}

/// `GET`: shows the form that mails a reset link.
pub(super) async fn ask_reset(site: PageContext) -> Response {
    form(&site, RESET, StatusCode::OK, "", FieldErrors::default())
}

/// The form of a reset. The answer is the same for an address without an account.
pub(super) async fn send_reset(
    site: PageContext,
    request: Parts,
    FormBody(address): FormBody<Address>,
) -> Response {
    let Some(Address { email }) = address else { return incomplete(&site, RESET) };
    let sent = site.accounts.send_password_reset(&email, &client(&request)).await;
    answer(&site, RESET, &email, sent, Done::ResetMailed)
}

/// `GET`: shows the form that mails a sign-up's link and code again.
pub(super) async fn ask_activation(site: PageContext) -> Response {
    form(&site, ACTIVATION, StatusCode::OK, "", FieldErrors::default())
}

/// The form of the mail of a sign-up. The answer is the same for an address without an account.
pub(super) async fn send_activation(
    site: PageContext,
    request: Parts,
    FormBody(address): FormBody<Address>,
) -> Response {
    let Some(Address { email }) = address else { return incomplete(&site, ACTIVATION) };
    let sent = site.accounts.resend_activation(&email, &client(&request)).await;
    answer(&site, ACTIVATION, &email, sent, Done::ActivationMailed)
}

fn answer(
    site: &PageContext,
    about: &str,
    email: &str,
    sent: Result<(), AuthError>,
    done: Done,
) -> Response {
    match sent {
        Ok(()) => done.answer(site),
        Err(AuthError::Invalid(violations)) => {
            let errors = violations.iter().map(|(_, what)| what.into()).collect();
            form(site, about, StatusCode::BAD_REQUEST, email, FieldErrors(errors))
        }
        Err(error) => refused(site, &LinkToken(String::new()), &error, Next::Later),
    }
}

fn incomplete(site: &PageContext, about: &str) -> Response {
    let error = FieldErrors::one("email_incomplete");
    form(site, about, StatusCode::BAD_REQUEST, "", error)
}

fn form(
    site: &PageContext,
    about: &str,
    status: StatusCode,
    email: &str,
    email_errors: FieldErrors,
) -> Response {
    let is_wrong = !email_errors.is_empty();
    let shown = context! { about, email_typed => email, email_errors, is_wrong };
    site.page(status, "ask_for_mail.html", None, shown)
}
