//! The page behind a link that proves an address, and the one that takes the code of a new account instead.

use accounts::accounts::LinkView;
use accounts::error::AuthError;
use accounts::model::code::Purpose;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::done::Done;
use super::message::{Next, refused};
use super::{FieldErrors, LinkToken, PageSettings, Sent, Site, page};

#[derive(Template)]
#[template(path = "pages/activate.html")]
struct Confirm<'a> {
    settings: &'a PageSettings,
    link: LinkView,
}

#[derive(Template)]
#[template(path = "pages/enter_code.html")]
struct EnterCode<'a> {
    settings: &'a PageSettings,
    email: &'a str,
    email_errors: FieldErrors,
    code_errors: FieldErrors,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Code {
    email: String,
    code: String,
}

/// `GET` of the mailed link: shows a button, unless it would do nothing.
pub(super) async fn confirm(State(site): State<Site>, token: LinkToken) -> Response {
    let proves_an_address = |purpose| match purpose {
        Purpose::Activation | Purpose::SecondaryEmail | Purpose::EmailChange => true,
        Purpose::PasswordReset
        | Purpose::PasswordSet
        | Purpose::EmailChangeCancel
        | Purpose::EmailRestore => false,
    };
    match token.view(&site, proves_an_address).await {
        Ok(link) => page(StatusCode::OK, &Confirm { settings: &site.settings, link }),
        result => answer(&site, &token, result.map(drop)),
    }
}

/// The button.
pub(super) async fn activate(State(site): State<Site>, token: LinkToken) -> Response {
    let result = site.accounts.confirm_address(&token.0).await;
    answer(&site, &token, result)
}

/// `GET`: shows the form.
pub(super) async fn ask_for_code(State(site): State<Site>) -> Response {
    form(&site, StatusCode::OK, "", [FieldErrors::default(), FieldErrors::default()])
}

/// The form.
pub(super) async fn enter_code(State(site): State<Site>, Sent(code): Sent<Code>) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let Some(Code { email, code }) = code else {
        let error = FieldErrors::one("Please enter your address and the code from the mail.");
        return form(&site, status, "", [error, FieldErrors::default()]);
    };
    match site.accounts.verify_account_by_code(&email, &code).await {
        Err(AuthError::InvalidCode | AuthError::ExpiredCode | AuthError::TooManyAttempts) => {
            let error = FieldErrors::one(
                "That code is wrong, used or too old. The link in the mail may still work; or ask for a \
                 new mail.",
            );
            form(&site, status, &email, [FieldErrors::default(), error])
        }
        result => answer(&site, &LinkToken(String::new()), result),
    }
}

fn form(
    site: &Site,
    status: StatusCode,
    email: &str,
    [email_errors, code_errors]: [FieldErrors; 2],
) -> Response {
    page(status, &EnterCode { settings: &site.settings, email, email_errors, code_errors })
}

fn answer(site: &Site, token: &LinkToken, result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => Done::AddressConfirmed.answer(site),
        Err(AuthError::AlreadyVerified) => Done::AddressConfirmedBefore.answer(site),
        Err(error) => refused(site, token, &error, Next::EnterCode),
    }
}
