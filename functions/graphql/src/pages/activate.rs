//! The page behind a link that verifies an address, and the page that takes the code of a new account instead.

use accounts::error::{AuthError, Refusal};
use accounts::model::Purpose;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::done::Done;
use super::message::{Next, refused};
use super::{FieldErrors, FormBody, LinkToken, PageContext};
use crate::caller::client;

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct Code {
    email: String,
    code: String,
}

/// `GET` of the mailed link: shows a button, unless the button would have no effect.
pub(super) async fn confirm(site: PageContext, token: LinkToken) -> Response {
    let proves_an_address = |purpose| match purpose {
        Purpose::Activation | Purpose::SecondaryEmail | Purpose::EmailChange => true,
        Purpose::PasswordReset
        | Purpose::PasswordSet
        | Purpose::EmailChangeCancel
        | Purpose::EmailRestore
        | Purpose::LogIn => false,
    };
    match token.view(&site, proves_an_address).await {
        Ok(link) => site.page(StatusCode::OK, "activate.html", Some(&link), context! {}),
        result => answer(&site, &token, result.map(drop)),
    }
}

/// The button.
pub(super) async fn activate(site: PageContext, token: LinkToken) -> Response {
    let result = site.accounts.confirm_address(&token.0).await;
    answer(&site, &token, result)
}

/// `GET`: shows the form.
pub(super) async fn ask_for_code(site: PageContext) -> Response {
    form(&site, StatusCode::OK, "", [FieldErrors::default(), FieldErrors::default()])
}

/// The form.
pub(super) async fn enter_code(
    site: PageContext,
    request: Parts,
    FormBody(code): FormBody<Code>,
) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let Some(Code { email, code }) = code else {
        let error = FieldErrors::one("code_incomplete");
        return form(&site, status, "", [error, FieldErrors::default()]);
    };
    match site.accounts.verify_account_by_code(&email, &code, &client(&request)).await {
        Err(AuthError::Refused(
            Refusal::InvalidCode | Refusal::ExpiredCode | Refusal::TooManyAttempts,
        )) => {
            let error = FieldErrors::one("code_wrong");
            form(&site, status, &email, [FieldErrors::default(), error])
        }
        result => answer(&site, &LinkToken(String::new()), result),
    }
}

fn form(
    site: &PageContext,
    status: StatusCode,
    email: &str,
    [email_errors, code_errors]: [FieldErrors; 2],
) -> Response {
    let is_wrong = !email_errors.is_empty() || !code_errors.is_empty();
    let shown = context! { email_typed => email, email_errors, code_errors, is_wrong };
    site.page(status, "enter_code.html", None, shown)
}

fn answer(site: &PageContext, token: &LinkToken, result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => Done::AddressConfirmed.answer(site),
        Err(AuthError::Refused(Refusal::AlreadyVerified)) => {
            Done::AddressConfirmedBefore.answer(site)
        }
        Err(error) => refused(site, token, &error, Next::EnterCode),
    }
}
