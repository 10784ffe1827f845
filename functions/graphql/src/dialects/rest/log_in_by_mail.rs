//! Log in by a mailed link or code.

use accounts::crypto::otp::Digits;
use accounts::operations::LogInView;
use axum::extract::{Request, State};
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithLogIn, WithProof};
use super::form::{self, Form};
use super::log_in::SessionResponse;
use crate::App;
use crate::caller::{RequestCaller, client};
use crate::dialects::problems::{Always, WithCost};

/// Mail a link and a code to log in by. Answers alike for an address without an account.
#[utoipa::path(
    post,
    path = "/api/accounts/login/email/",
    operation_id = "send_login_email",
    tag = "accounts",
    request_body = SendLoginEmail,
    responses((status = 200, description = "A mail is on its way, if one is due.", body = LoginEmailSent), WithCost, WithBody, Always)
)]
pub(super) async fn send(
    State(app): State<App>,
    request: Request,
) -> Result<Json<LoginEmailSent>, ApiError> {
    let (parts, asked) = form::read(request, SendLoginEmail::read).await?;
    let SendLoginEmail { email, login_id } = asked;
    let sent = app.accounts.send_log_in(&email, login_id.as_deref(), &client(&parts)).await?;
    Ok(Json(LoginEmailSent { detail: SENT, login_id: sent }))
}

const SENT: &str = "If the address has an account, a link and a code are on their way to it.";

/// Open a session by the mailed code, or by the token of the mailed link, in the browser that has asked. A user with a
/// second factor gets no session, but a `challenge` for the second step.
#[utoipa::path(
    post,
    path = "/api/accounts/login/email/confirm/",
    operation_id = "login_by_email",
    tag = "accounts",
    request_body = LoginByEmail,
    responses(
        (status = 200, description = "The tokens of the new session.", body = SessionResponse),
        WithLogIn,
        WithCost,
        WithBody,
        Always
    )
)]
pub(super) async fn log_in(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let (parts, LoginByEmail { login_id, code }) = form::read(request, LoginByEmail::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let proof = code.as_str().into();
    let opened = app.accounts.log_in_by_mail(&login_id, proof, caller.client()).await?;
    caller.new_device_token.set(opened.device.clone());
    Ok(Json(opened.into()))
}

/// Read the code that goes with a mailed link, to type it in the browser that has asked: for a link that was opened in
/// another browser. Show it only after the user has confirmed the time and the address of the request.
#[utoipa::path(
    post,
    path = "/api/accounts/login/email/code/",
    operation_id = "show_login_code",
    tag = "accounts",
    request_body = ShowLoginCode,
    responses((status = 200, description = "The code.", body = LoginCode), WithProof, WithBody, Always)
)]
pub(super) async fn show_code(
    State(app): State<App>,
    request: Request,
) -> Result<Json<LoginCode>, ApiError> {
    let (_, ShowLoginCode { token }) = form::read(request, ShowLoginCode::read).await?;
    Ok(Json(app.accounts.show_log_in_code(&token).await?.into()))
}

#[derive(ToSchema)]
struct SendLoginEmail {
    #[schema(format = "email", min_length = 1)]
    email: String,
    /// Of an earlier mail to the same address: for some minutes, the next one has the same code.
    #[schema(nullable = false)]
    login_id: Option<String>,
}

impl SendLoginEmail {
    fn read(form: &mut Form) -> Self {
        Self { email: form.required("email"), login_id: form.optional_filled("login_id") }
    }
}

/// A mail is on its way, if one is due.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginEmailSent {
    detail: &'static str,
    /// For `login/email/confirm/`, within ten minutes: the code is of no use without it.
    login_id: String,
}

#[derive(ToSchema)]
struct LoginByEmail {
    /// From the answer of `login/email/`.
    #[schema(min_length = 1)]
    login_id: String,
    /// Six digits, or the token of the link.
    #[schema(min_length = 1)]
    code: String,
}

impl LoginByEmail {
    fn read(form: &mut Form) -> Self {
        Self { login_id: form.required("login_id"), code: form.required("code") }
    }
}

#[derive(ToSchema)]
struct ShowLoginCode {
    /// From the link in the mail.
    #[schema(min_length = 1)]
    token: String,
}

impl ShowLoginCode {
    fn read(form: &mut Form) -> Self {
        Self { token: form.required("token") }
    }
}

/// The code of a mail, and which request it was.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginCode {
    /// Six digits.
    code: String,
    /// When the mail was asked for.
    #[schema(format = "date-time")]
    asked_at: String,
    /// The address that has asked for it, if it is known.
    ip_address: Option<String>,
}

impl From<(Digits, LogInView)> for LoginCode {
    fn from((code, asked): (Digits, LogInView)) -> Self {
        let (code, asked_at) = (code.expose().to_owned(), asked.asked_at.to_string());
        Self { code, asked_at, ip_address: asked.ip }
    }
}
