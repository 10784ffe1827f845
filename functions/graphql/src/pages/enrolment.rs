//! The page of a log-in whose user must first add a second factor: an authenticator app (without JavaScript) or a
//! passkey. Then it shows the recovery codes, and leads to the target of the log-in.

use accounts::error::{AuthError, Refusal};
use accounts::model::PlainRecoveryCode;
use accounts::operations::{Enrolment, PageSession};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::by_passkey::with_script;
use super::message::{Next, refused};
use super::second_factor::secret_of;
use super::visit::{Pages, Visit};
use super::{FormBody, LinkToken};

/// The path of the form that adds an app, below the root of its pages.
pub(super) const APP_PATH: &str = "/log-in/new-app";
/// The path of the form that adds a passkey.
pub(super) const PASSKEY_PATH: &str = "/log-in/new-passkey";

/// The fields of the form that adds an app.
#[derive(Deserialize)]
pub(super) struct NewApp {
    /// The token of the first step.
    challenge: String,
    setup: String,
    code: String,
}

/// The fields of the form that adds a passkey.
#[derive(Deserialize)]
pub(super) struct NewPasskey {
    /// The token of the first step.
    challenge: String,
    credential: String,
}

/// The fault of the previous form.
#[derive(Clone, Copy)]
pub(super) enum Wrong<'a> {
    /// The code was wrong. The value is the setup token of the app.
    Code(&'a str),
    /// The passkey was wrong. The value is the key of the text about it.
    Passkey(&'static str),
}

/// The page with both forms.
pub(super) async fn form<P: Pages>(
    visit: &Visit<P>,
    challenge: &str,
    wrong: Option<Wrong<'_>>,
) -> Response {
    let (accounts, client) = (&visit.site.accounts, P::AREA.client(&visit.client));
    let app = match wrong {
        Some(Wrong::Code(setup)) => accounts.begun_app_to_log_in(challenge, setup, &client).await,
        Some(Wrong::Passkey(_)) | None => accounts.begin_app_to_log_in(challenge, &client).await,
    };
    let app = match app {
        Ok(app) => app,
        Err(error) => return failed(visit, &error),
    };
    // Without passkeys, or beyond the limit of challenges to authenticators, the page offers only the app.
    let passkey_options = accounts.begin_passkey_to_log_in(challenge, &client).await.ok();
    let (error, passkey_error) = match wrong {
        Some(Wrong::Code(_)) => (Some("factor_app_wrong"), None),
        Some(Wrong::Passkey(text)) => (None, Some(text)),
        None => (None, None),
    };
    let has_script = passkey_options.is_some();
    let shown = context! {
        challenge, error, passkey_error, passkey_options, root => P::ROOT,
        is_wrong => wrong.is_some(),
        ..secret_of(&app)
    };
    let status = if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    with_script(has_script, visit.site.page(status, "second_factor_first.html", None, shown))
}

/// Adds an app, and opens the session.
pub(super) async fn add_app<P: Pages>(
    visit: Visit<P>,
    FormBody(given): FormBody<NewApp>,
) -> Response {
    let Some(NewApp { challenge, setup, code }) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_again"), "");
    };
    let accounts = &visit.site.accounts;
    let typed = (setup.as_str(), code.as_str());
    match accounts.open_pages_by_new_app(P::AREA, &challenge, typed, &visit.client).await {
        Ok(added) => opened(&visit, &added),
        Err(AuthError::Refused(Refusal::InvalidCode)) => {
            form(&visit, &challenge, Some(Wrong::Code(&setup))).await
        }
        Err(error) => failed(&visit, &error),
    }
}

/// Adds a passkey, and opens the session.
pub(super) async fn add_passkey<P: Pages>(
    visit: Visit<P>,
    FormBody(given): FormBody<NewPasskey>,
) -> Response {
    let Some(NewPasskey { challenge, credential }) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_again"), "");
    };
    let accounts = &visit.site.accounts;
    let added =
        accounts.open_pages_by_new_passkey(P::AREA, &challenge, &credential, &visit.client).await;
    let wrong = match added {
        Ok(added) => return opened(&visit, &added),
        Err(AuthError::Refused(Refusal::InvalidPasskey)) => "passkey_not_added",
        // The challenge or the first step has expired. If it is the first step, the page leads to a new log-in.
        Err(AuthError::InvalidToken) => "passkey_again",
        Err(error) => return failed(&visit, &error),
    };
    form(&visit, &challenge, Some(Wrong::Passkey(wrong))).await
}

/// The recovery codes, with the cookies of the session.
fn opened<P: Pages>(visit: &Visit<P>, added: &Enrolment<PageSession>) -> Response {
    let Enrolment { opened, recovery_codes } = added;
    let codes: Vec<_> = recovery_codes.iter().map(PlainRecoveryCode::expose).collect();
    let own_name = &opened.caller.user.username;
    let shown = context! { codes, own_name, leads_to => visit.leads_to(opened) };
    let page = visit.site.page(StatusCode::OK, "second_factor_first_codes.html", None, shown);
    visit.with_session(page, opened)
}

fn failed<P: Pages>(visit: &Visit<P>, error: &AuthError) -> Response {
    // The first step has expired or was completed before, or the account has changed since.
    if matches!(error, AuthError::ExpiredToken | AuthError::InvalidToken) {
        return visit.log_in_form(StatusCode::UNAUTHORIZED, Some("log_in_again"), "");
    }
    if matches!(error, AuthError::InvalidCredentials) {
        let error = format!("{}_log_in_wrong", P::ABOUT);
        return visit.log_in_form(StatusCode::UNAUTHORIZED, Some(&error), "");
    }
    refused(&visit.site, &LinkToken(String::new()), error, Next::Anywhere)
}
