//! The page of whoever has forgotten the password: mails a link to choose another.

use accounts::error::AuthError;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;

use super::message::{Next, message, unavailable};
use super::{FieldErrors, PageSettings, Sent, Site, page};
use crate::caller::client;

#[derive(Template)]
#[template(path = "pages/ask_for_reset.html")]
struct Ask<'a> {
    settings: &'a PageSettings,
    email: &'a str,
    email_errors: FieldErrors,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Address {
    email: String,
}

/// `GET`: shows the form.
pub(super) async fn ask(State(site): State<Site>) -> Response {
    form(&site, StatusCode::OK, "", FieldErrors::default())
}

/// The form. Answers alike whether or not anybody has the address.
pub(super) async fn send(
    State(site): State<Site>,
    request: Parts,
    Sent(address): Sent<Address>,
) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let Some(Address { email }) = address else {
        return form(&site, status, "", FieldErrors::one("Please enter your address."));
    };
    match site.accounts.send_password_reset(&email, &client(&request)).await {
        Ok(()) => {
            let text = "If there is an account with that address, a mail with a link is on its way. If you \
                        do not see it in a few minutes, look among the spam, too.";
            message(&site, StatusCode::OK, ("Look into your mailbox", text), Next::Later)
        }
        Err(AuthError::Invalid(violations)) => {
            let errors = violations.iter().map(|(_, what)| what.to_string()).collect();
            form(&site, status, &email, FieldErrors(errors))
        }
        Err(error) => unavailable(&site, &error),
    }
}

fn form(site: &Site, status: StatusCode, email: &str, email_errors: FieldErrors) -> Response {
    page(status, &Ask { settings: &site.settings, email, email_errors })
}
