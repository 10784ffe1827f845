//! The pages that mail a user what was lost: a link to choose a new password, or the link and the code of a
//! sign-up. One form for both.

use accounts::error::AuthError;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;

use super::done::Done;
use super::message::unavailable;
use super::{FieldErrors, PageSettings, Sent, Site, page};
use crate::caller::client;

/// The path of the page that mails a sign-up's link and code, after
/// [`super::PageSettings::base_path`].
pub(super) const ACTIVATION_PATH: &str = "/activation-mail";

/// What the form is called on one of the two pages.
#[derive(Clone, Copy)]
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
}

const RESET: Words = Words {
    title: "Forgot your password?",
    text: "Enter the address of your account, and we mail you a link to choose a new password.",
    button: "Send the link",
};
const ACTIVATION: Words = Words {
    title: "Confirm your address",
    text: "Enter the address that you signed up with, and we mail you a new link and a code.",
    button: "Send the mail",
};

#[derive(Template)]
#[template(path = "pages/ask_for_mail.html")]
struct Ask<'a> {
    settings: &'a PageSettings,
    words: Words,
    email: &'a str,
    email_errors: FieldErrors,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Address {
    email: String,
}

/// `GET`: shows the form that mails a reset link.
pub(super) async fn ask_reset(State(site): State<Site>) -> Response {
    form(&site, RESET, StatusCode::OK, "", FieldErrors::default())
}

/// The form of a reset. Answers alike whether or not an account has the address.
pub(super) async fn send_reset(
    State(site): State<Site>,
    request: Parts,
    Sent(address): Sent<Address>,
) -> Response {
    let Some(Address { email }) = address else { return incomplete(&site, RESET) };
    let sent = site.accounts.send_password_reset(&email, &client(&request)).await;
    answer(&site, RESET, &email, sent, Done::ResetMailed)
}

/// `GET`: shows the form that mails a sign-up's link and code again.
pub(super) async fn ask_activation(State(site): State<Site>) -> Response {
    form(&site, ACTIVATION, StatusCode::OK, "", FieldErrors::default())
}

/// The form of a sign-up's mail. Answers alike for an address that no account has.
pub(super) async fn send_activation(
    State(site): State<Site>,
    request: Parts,
    Sent(address): Sent<Address>,
) -> Response {
    let Some(Address { email }) = address else { return incomplete(&site, ACTIVATION) };
    let sent = site.accounts.resend_activation(&email, &client(&request)).await;
    answer(&site, ACTIVATION, &email, sent, Done::ActivationMailed)
}

fn answer(
    site: &Site,
    words: Words,
    email: &str,
    sent: Result<(), AuthError>,
    done: Done,
) -> Response {
    match sent {
        Ok(()) => done.answer(site),
        Err(AuthError::Invalid(violations)) => {
            let errors = violations.iter().map(|(_, what)| what.to_string()).collect();
            form(site, words, StatusCode::BAD_REQUEST, email, FieldErrors(errors))
        }
        Err(error) => unavailable(site, &error),
    }
}

fn incomplete(site: &Site, words: Words) -> Response {
    let error = FieldErrors::one("Please enter your address.");
    form(site, words, StatusCode::BAD_REQUEST, "", error)
}

fn form(
    site: &Site,
    words: Words,
    status: StatusCode,
    email: &str,
    email_errors: FieldErrors,
) -> Response {
    page(status, &Ask { settings: &site.settings, words, email, email_errors })
}
