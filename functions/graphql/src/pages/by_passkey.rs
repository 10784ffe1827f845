//! Log-ins to the pages by a passkey: alone, and as the second step. One static script calls the authenticator. Without
//! JavaScript or WebAuthn, the forms of the script stay hidden, and users log in with the password and a code.

use accounts::error::{AuthError, Refusal};
use accounts::operations::PageSession;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::message::{Next, refused};
use super::visit::{Pages, Visit};
use super::{FormBody, LinkToken, allow, second_step};

/// The path of the script, below that of the pages.
pub(super) const SCRIPT_PATH: &str = "/passkeys.js";
/// The path of the form that logs in by a passkey alone, below the root of its pages.
pub(super) const PATH: &str = "/log-in/passkey";
/// The path of the options for it. Each request for options stores a challenge in the table. The script sends the
/// request, so a browser that cannot answer causes no write.
pub(super) const OPTIONS_PATH: &str = "/log-in/passkey-options";
/// The path of the form of the second step.
pub(super) const STEP_PATH: &str = "/log-in/passkey-step";
const SCRIPT: &str = include_str!("../../templates/pages/passkeys.js");

/// The script. The same for all, so caches may keep it for an hour.
pub(super) async fn script() -> impl IntoResponse {
    let headers =
        [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, SCRIPT)
}

/// The page. If it has the script, its policy allows the script and its request for options.
pub(super) fn with_script(has_script: bool, mut page: Response) -> Response {
    if has_script {
        allow(&mut page, "script-src 'self'; connect-src 'self'");
    }
    page
}

/// The fields of the form of a log-in.
#[derive(Deserialize)]
pub(super) struct Alone {
    credential: String,
}

/// The fields of the form of the second step.
#[derive(Deserialize)]
pub(super) struct Step {
    /// The token of the first step.
    challenge: String,
    credential: String,
    /// The checkbox: a browser sends it only if it is checked.
    #[serde(default)]
    trust_device: Option<String>,
}

/// The options of a log-in, as JSON.
pub(super) async fn options<P: Pages>(visit: Visit<P>) -> Response {
    // Another site must not use up the limit of the user's network.
    if visit.is_foreign {
        return StatusCode::FORBIDDEN.into_response();
    }
    match visit.site.accounts.begin_passkey_log_in(&visit.client).await {
        Ok(options) => ([(CONTENT_TYPE, "application/json")], options).into_response(),
        Err(AuthError::Refused(Refusal::PasskeysOff)) => visit.not_found(),
        Err(error) => other(&visit, &error),
    }
}

/// Opens a session by a passkey alone.
pub(super) async fn open<P: Pages>(visit: Visit<P>, FormBody(given): FormBody<Alone>) -> Response {
    let Some(Alone { credential }) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_again"), "");
    };
    let accounts = &visit.site.accounts;
    let opened = accounts.open_pages_by_passkey(P::AREA, &credential, &visit.client).await;
    if let Err(AuthError::Refused(Refusal::InvalidPasskey)) = opened {
        return visit.log_in_form(StatusCode::UNAUTHORIZED, Some("passkey_refused"), "");
    }
    finish(&visit, opened)
}

/// Opens a session by the second step.
pub(super) async fn complete<P: Pages>(
    mut visit: Visit<P>,
    FormBody(given): FormBody<Step>,
) -> Response {
    let Some(given) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_again"), "");
    };
    let Step { challenge, credential, trust_device } = given;
    visit.client.trusts_device = trust_device.is_some();
    let accounts = &visit.site.accounts;
    let opened =
        accounts.complete_pages_by_passkey(P::AREA, &challenge, &credential, &visit.client).await;
    // The first step stays valid: the user can use the passkey again, or enter a code.
    let wrong = match &opened {
        Err(AuthError::Refused(Refusal::InvalidPasskey)) => "passkey_refused",
        Err(AuthError::InvalidToken) => "passkey_again",
        _ => return finish(&visit, opened),
    };
    second_step::form(&visit, StatusCode::UNAUTHORIZED, &challenge, None, Some(wrong)).await
}

fn finish<P: Pages>(visit: &Visit<P>, opened: Result<PageSession, AuthError>) -> Response {
    match opened {
        Ok(opened) => visit.opened(&opened),
        // The challenge or the first step has expired or was used before, or the account has changed since.
        Err(AuthError::ExpiredToken | AuthError::InvalidToken) => {
            visit.log_in_form(StatusCode::UNAUTHORIZED, Some("log_in_again"), "")
        }
        Err(AuthError::InvalidCredentials) => {
            let error = format!("{}_log_in_wrong", P::ABOUT);
            visit.log_in_form(StatusCode::UNAUTHORIZED, Some(&error), "")
        }
        Err(error) => other(visit, &error),
    }
}

fn other<P: Pages>(visit: &Visit<P>, error: &AuthError) -> Response {
    refused(&visit.site, &LinkToken(String::new()), error, Next::Anywhere)
}
