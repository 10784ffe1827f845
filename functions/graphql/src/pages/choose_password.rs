//! The pages behind the links for a password: a new one, or the first one. Both use one form.

use accounts::error::{AuthError, Field};
use accounts::model::Purpose;
use accounts::operations::{LinkView, NewPassword};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::done::Done;
use super::message::{Next, refused};
use super::{FieldErrors, FormBody, LinkToken, PageContext};
use crate::caller::client;

/// The prefix of the keys of the form's texts, on one of the two pages.
const RESET: &str = "reset";
const SET: &str = "set";

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct PasswordForm {
    password: String,
    again: String,
    /// Only for a reset whose form has this field.
    username: Option<String>,
}

/// `GET` of a mailed reset link: shows the form, unless the form would have no effect. The form also has a field for
/// the username if another person may have chosen it.
pub(super) async fn ask_reset(site: PageContext, token: LinkToken) -> Response {
    ask(&site, &token, RESET, Purpose::PasswordReset).await
}

/// The form of a reset.
pub(super) async fn reset(
    site: PageContext,
    token: LinkToken,
    request: Parts,
    FormBody(chosen): FormBody<PasswordForm>,
) -> Response {
    let Some(PasswordForm { password, again, username }) = chosen else {
        return incomplete(&site, &token, RESET).await;
    };
    let new = NewPassword::twice(&password, again);
    let link = token.0.as_str().into();
    let result =
        site.accounts.reset_password(link, new, username.as_deref(), &client(&request)).await;
    answer(&site, &token, RESET, result, username).await
}

/// `GET` of the mailed link of a user who signed up without a password: shows the form, unless the form would have no
/// effect.
pub(super) async fn ask_set(site: PageContext, token: LinkToken) -> Response {
    ask(&site, &token, SET, Purpose::PasswordSet).await
}

/// The form of a first password.
pub(super) async fn set(
    site: PageContext,
    token: LinkToken,
    FormBody(chosen): FormBody<PasswordForm>,
) -> Response {
    let Some(PasswordForm { password, again, .. }) = chosen else {
        return incomplete(&site, &token, SET).await;
    };
    let new = NewPassword::twice(&password, again);
    let result = site.accounts.set_password(&token.0, new).await;
    answer(&site, &token, SET, result, None).await
}

async fn ask(site: &PageContext, token: &LinkToken, about: &str, purpose: Purpose) -> Response {
    match token.view(site, |found| found == purpose).await {
        Ok(link) => {
            let asks_for_name = purpose == Purpose::PasswordReset && !link.is_account_proven;
            let username = asks_for_name.then(|| link.username.clone());
            form(site, about, Some(&link), StatusCode::OK, Errors::default(), username)
        }
        Err(error) => refused(site, token, &error, Next::AskForReset),
    }
}

async fn answer(
    site: &PageContext,
    token: &LinkToken,
    about: &str,
    result: Result<(), AuthError>,
    username: Option<String>,
) -> Response {
    match result {
        Ok(()) => Done::PasswordSet.answer(site),
        Err(AuthError::Invalid(violations)) => {
            let mut errors = Errors::default();
            for (field, what) in violations.iter() {
                let of_field = if field == Field::PasswordConfirmation {
                    &mut errors.again
                } else if field == Field::Username {
                    &mut errors.username
                } else {
                    &mut errors.password
                };
                of_field.0.push(what.into());
            }
            let link = site.accounts.view_link(&token.0).await.ok();
            form(site, about, link.as_ref(), StatusCode::BAD_REQUEST, errors, username)
        }
        Err(error) => refused(site, token, &error, Next::AskForReset),
    }
}

async fn incomplete(site: &PageContext, token: &LinkToken, about: &str) -> Response {
    let password = FieldErrors::one("password_incomplete");
    let errors = Errors { password, ..Errors::default() };
    let link = site.accounts.view_link(&token.0).await.ok();
    form(site, about, link.as_ref(), StatusCode::BAD_REQUEST, errors, None)
}

/// The faults of each field.
#[derive(Default)]
struct Errors {
    password: FieldErrors,
    again: FieldErrors,
    username: FieldErrors,
}

fn form(
    site: &PageContext,
    about: &str,
    link: Option<&LinkView>,
    status: StatusCode,
    errors: Errors,
    username: Option<String>,
) -> Response {
    let Errors { password, again, username: username_errors } = errors;
    let is_wrong = !password.is_empty() || !again.is_empty() || !username_errors.is_empty();
    let shown = context! {
        about, is_wrong, username_errors,
        password_errors => password,
        again_errors => again,
        asks_for_name => username.is_some(),
        username_typed => username.unwrap_or_default(),
    };
    site.page(status, "choose_password.html", link, shown)
}
