//! Passkeys that log in: alone, as a second step, or once more in a session.

use accounts::model::Client;
use accounts::operations::LoggedIn;
use accounts::operations::second_factor::StepUp;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Json;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithProof, WithToken};
use super::caller::caller;
use super::form::{self, Form};
use super::log_in::SessionResponse;
use super::passkeys::Options;
use super::tokens::Pair;
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, Problem, WithCost};

/// Ask for a log-in by a passkey, without a username. Pass the options to
/// `PublicKeyCredential.parseRequestOptionsFromJSON`, and the answer of `navigator.credentials.get` to `login/passkey/`
/// within five minutes.
#[utoipa::path(
    post,
    path = "/api/accounts/login/passkey/begin/",
    operation_id = "begin_passkey_login",
    tag = "accounts",
    responses(
        (status = 200, description = "The options.", body = Options),
        (status = 400, description = "`passkeys_off`: the site has no passkeys.", body = Problem),
        WithCost,
        Always
    )
)]
pub(super) async fn begin_log_in(
    State(app): State<App>,
    parts: Parts,
) -> Result<Json<Options>, ApiError> {
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let options = app.accounts.begin_passkey_log_in(caller.client()).await?;
    Ok(Json(Options { options }))
}

/// Open a session by a passkey alone. No second step follows.
#[utoipa::path(
    post,
    path = "/api/accounts/login/passkey/",
    operation_id = "passkey_login",
    tag = "accounts",
    request_body = PasskeyAnswer,
    responses(
        (status = 200, description = "The tokens of the new session.", body = SessionResponse),
        WithProof,
        WithBody,
        Always
    )
)]
pub(super) async fn log_in(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let (parts, PasskeyAnswer { credential }) = form::read(request, PasskeyAnswer::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let opened = app.accounts.passkey_log_in(&credential, caller.client()).await?;
    Ok(opened_for(&caller, opened))
}

/// Ask for a passkey as the second step of a log-in that was answered with `second_factor_required`. The answer goes to
/// `login/second-factor/passkey/`. If the user has no passkey, the code is `no_second_factor`.
#[utoipa::path(
    post,
    path = "/api/accounts/login/second-factor/passkey/begin/",
    operation_id = "begin_passkey_step",
    tag = "accounts",
    request_body = FirstStep,
    responses(
        (status = 200, description = "The options.", body = Options),
        WithProof,
        WithCost,
        WithBody,
        Always
    )
)]
pub(super) async fn begin_step(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Options>, ApiError> {
    let (parts, FirstStep { challenge }) = form::read(request, FirstStep::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let options = app.accounts.begin_second_step(&challenge, caller.client()).await?;
    Ok(Json(Options { options }))
}

/// Open the session of a log-in that was answered with `second_factor_required`, by a passkey.
#[utoipa::path(
    post,
    path = "/api/accounts/login/second-factor/passkey/",
    operation_id = "complete_login_by_passkey",
    tag = "accounts",
    request_body = PasskeyStep,
    responses(
        (status = 200, description = "The tokens of the new session.", body = SessionResponse),
        WithProof,
        WithBody,
        Always
    )
)]
pub(super) async fn complete(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let (parts, step) = form::read(request, PasskeyStep::read).await?;
    let PasskeyStep { challenge, credential, trust_device } = step;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let client = Client { trusts_device: trust_device, ..caller.client().clone() };
    let opened = app.accounts.complete_log_in_by_passkey(&challenge, &credential, &client).await?;
    Ok(opened_for(&caller, opened))
}

/// Ask for a passkey once more in the session. The answer goes to `step-up/passkey/`.
#[utoipa::path(
    post,
    path = "/api/accounts/step-up/passkey/begin/",
    operation_id = "begin_step_up",
    tag = "accounts",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The options.", body = Options),
        (status = 400, description = "The user has no passkey.", body = Problem),
        WithToken,
        Always
    )
)]
pub(super) async fn begin_step_up(
    State(app): State<App>,
    parts: Parts,
) -> Result<Json<Options>, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(Options { options: app.accounts.begin_step_up(&caller).await? }))
}

/// Prove once more who the caller is, by a passkey. Gives the next tokens of the session.
#[utoipa::path(
    post,
    path = "/api/accounts/step-up/passkey/",
    operation_id = "step_up_by_passkey",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = PasskeyAnswer,
    responses(
        (status = 200, description = "The next tokens of the session, with the proof in the claims.", body = Pair),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn step_up(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Pair>, ApiError> {
    let (parts, PasskeyAnswer { credential }) = form::read(request, PasskeyAnswer::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.step_up(&caller, StepUp::Passkey(credential)).await?.into()))
}

fn opened_for(caller: &RequestCaller, opened: LoggedIn) -> Json<SessionResponse> {
    caller.new_device_token.set(opened.device.clone());
    Json(opened.into())
}

#[derive(ToSchema)]
struct PasskeyAnswer {
    /// `JSON.stringify` of the answer.
    #[schema(min_length = 1)]
    credential: String,
}

impl PasskeyAnswer {
    fn read(form: &mut Form) -> Self {
        Self { credential: form.required("credential") }
    }
}

#[derive(ToSchema)]
struct FirstStep {
    /// From the answer to the first step.
    #[schema(min_length = 1)]
    challenge: String,
}

impl FirstStep {
    fn read(form: &mut Form) -> Self {
        Self { challenge: form.required("challenge") }
    }
}

#[derive(ToSchema)]
struct PasskeyStep {
    /// From the answer to the first step.
    #[schema(min_length = 1)]
    challenge: String,
    /// `JSON.stringify` of the answer.
    #[schema(min_length = 1)]
    credential: String,
    /// Later log-ins on the device need no second step, if the site has trusted devices.
    #[schema(required = false)]
    trust_device: bool,
}

impl PasskeyStep {
    fn read(form: &mut Form) -> Self {
        Self {
            challenge: form.required("challenge"),
            credential: form.required("credential"),
            trust_device: form.flag("trust_device"),
        }
    }
}
