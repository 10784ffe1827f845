//! Log in.

use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, LoggedIn};
use axum::extract::{Request, State};
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithLogIn, WithProof};
use super::form::{self, Form};
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, Problem, WithPassword};

/// Open a session by address and password. A wrong address and a wrong password are answered alike. A user with a second
/// factor gets no session, but a `challenge` for the second step.
#[utoipa::path(
    post,
    path = "/api/accounts/login/",
    tag = "accounts",
    request_body = LogIn,
    responses(
        (status = 200, description = "The tokens of the new session.", body = SessionResponse),
        (status = 403, description = "The password is right, but the address was not proven yet.", body = Problem),
        WithLogIn,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn log_in(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let (parts, LogIn { email, password }) = form::read(request, LogIn::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let (who, password) = (Credentials::Email(email), PlainPassword::new(password));
    let opened = app.accounts.log_in(who, password, caller.client()).await?;
    caller.new_device_token.set(opened.device.clone());
    Ok(Json(opened.into()))
}

/// Open the session of a log-in that was answered with `second_factor_required`.
#[utoipa::path(
    post,
    path = "/api/accounts/login/second-factor/",
    operation_id = "complete_login",
    tag = "accounts",
    request_body = SecondStep,
    responses(
        (status = 200, description = "The tokens of the new session.", body = SessionResponse),
        WithProof,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn complete(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let (parts, step) = form::read(request, SecondStep::read).await?;
    let SecondStep { challenge, code, trust_device } = step;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let client = Client { trusts_device: trust_device, ..caller.client().clone() };
    let opened = app.accounts.complete_log_in(&challenge, &code, &client).await?;
    caller.new_device_token.set(opened.device.clone());
    Ok(Json(opened.into()))
}

#[derive(ToSchema)]
struct SecondStep {
    /// From the answer to the first step.
    #[schema(min_length = 1)]
    challenge: String,
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(min_length = 1)]
    code: String,
    /// Later log-ins on the device need no second step, if the site has trusted devices.
    #[schema(required = false)]
    trust_device: bool,
}

impl SecondStep {
    fn read(form: &mut Form) -> Self {
        Self {
            challenge: form.required("challenge"),
            code: form.required("code"),
            trust_device: form.flag("trust_device"),
        }
    }
}

#[derive(ToSchema)]
struct LogIn {
    #[schema(format = "email", min_length = 1)]
    email: String,
    #[schema(format = "password", min_length = 1)]
    password: String,
}

impl LogIn {
    fn read(form: &mut Form) -> Self {
        Self { email: form.required("email"), password: form.password("password") }
    }
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionResponse {
    email: String,
    is_verified: bool,
    /// Valid for a short time. The client sends it with each request.
    access: String,
    /// Gets the next pair, once.
    refresh: String,
}

impl From<LoggedIn> for SessionResponse {
    fn from(LoggedIn { caller, tokens, .. }: LoggedIn) -> Self {
        let (email, is_verified) = (caller.user.email, caller.user.is_verified);
        Self { email, is_verified, access: tokens.access, refresh: tokens.refresh }
    }
}
