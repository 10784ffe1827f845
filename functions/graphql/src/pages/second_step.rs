//! The second step of a log-in to the pages: a passkey, a code of the authenticator app, or a recovery code.

use accounts::error::{AuthError, Refusal};
use accounts::operations::Area;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::by_passkey::with_script;
use super::message::{Next, refused};
use super::visit::{Pages, Visit};
use super::{FormBody, LinkToken};

/// The path of the form, below the root of its pages.
pub(super) const PATH: &str = "/log-in/code";

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct SecondStep {
    /// The token of the first step.
    challenge: String,
    code: String,
    /// The checkbox: a browser sends it only if it is checked.
    #[serde(default)]
    trust_device: Option<String>,
}

/// The form. `error` is the key of the text about the code, and `passkey_error` that of the text about the passkey. For
/// a user without passkeys, the page offers no passkey.
pub(super) async fn form<P: Pages>(
    visit: &Visit<P>,
    status: StatusCode,
    challenge: &str,
    error: Option<&str>,
    passkey_error: Option<&str>,
) -> Response {
    let asked = visit.site.accounts.begin_second_step(challenge, &visit.client).await;
    if let Err(AuthError::ExpiredToken | AuthError::InvalidToken) = asked {
        return visit.log_in_form(StatusCode::UNAUTHORIZED, Some("log_in_again"), "");
    }
    let passkey_options = asked.ok();
    let has_script = passkey_options.is_some();
    let trust_until = trust_until(visit);
    let shown = context! {
        trust_until, trusts => visit.client.trusts_device,
        challenge, error, passkey_error, passkey_options, root => P::ROOT, path => PATH,
        is_wrong => error.is_some() || passkey_error.is_some(),
    };
    with_script(has_script, visit.site.page(status, "second_step.html", None, shown))
}

/// The day until which the user can trust the device; `None` if these pages have no trusted devices.
fn trust_until<P: Pages>(visit: &Visit<P>) -> Option<String> {
    let accounts = &visit.site.accounts;
    let may_trust = P::AREA != Area::Console && accounts.may_trust(&visit.client);
    may_trust.then(|| accounts.trust_ends_at().strftime("%Y-%m-%d").to_string())
}

/// Opens the session.
pub(super) async fn complete<P: Pages>(
    mut visit: Visit<P>,
    FormBody(given): FormBody<SecondStep>,
) -> Response {
    let Some(given) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_again"), "");
    };
    let SecondStep { challenge, code, trust_device } = given;
    visit.client.trusts_device = trust_device.is_some();
    let again = |status, error: &str| visit.log_in_form(status, Some(error), "");
    let accounts = &visit.site.accounts;
    match accounts.complete_pages(P::AREA, &challenge, &code, &visit.client).await {
        Ok(opened) => visit.opened(&opened),
        Err(AuthError::Refused(Refusal::InvalidCode)) => {
            let error = Some("second_factor_wrong");
            form(&visit, StatusCode::UNAUTHORIZED, &challenge, error, None).await
        }
        // The first step has expired or was completed before, or the password has changed since.
        Err(AuthError::ExpiredToken | AuthError::InvalidToken) => {
            again(StatusCode::UNAUTHORIZED, "log_in_again")
        }
        Err(AuthError::InvalidCredentials) => {
            again(StatusCode::UNAUTHORIZED, &format!("{}_log_in_wrong", P::ABOUT))
        }
        Err(error) => refused(&visit.site, &LinkToken(String::new()), &error, Next::Anywhere),
    }
}
