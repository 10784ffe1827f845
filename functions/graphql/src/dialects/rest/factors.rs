//! Second factors: add and remove them, and prove them once more.

use accounts::model::{PlainPassword, PlainRecoveryCode};
use accounts::operations::factors::{FactorAdded, NewApp};
use accounts::operations::second_factor::StepUp as Proof;
use accounts::operations::{Enrolment, LoggedIn};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithStepUp, WithToken};
use super::caller::caller;
use super::form::{self, Form};
use super::tokens::Pair;
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, Problem, WithPassword};

/// Prove once more who the caller is, for the operations that answer `step_up_required`: by a code, or for a user without
/// a second factor, by the password. Gives the next tokens of the session.
#[utoipa::path(
    post,
    path = "/api/accounts/step-up/",
    operation_id = "step_up",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = StepUp,
    responses(
        (status = 200, description = "The next tokens of the session, with the proof in the claims.", body = Pair),
        (status = 403, description = "`step_up_required`: a password is not enough for a user who has a second factor.", body = Problem),
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn step_up(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Pair>, ApiError> {
    let (parts, proof) = form::read(request, StepUp::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.step_up(&caller, proof).await?.into()))
}

/// Make the secret of a new authenticator app. The app is in use only after `app/add/`. Needs the password, or a log-in
/// at most five minutes old. In a log-in that was answered with `second_factor_setup_required`, the `challenge` of that
/// answer takes the place of the access token.
#[utoipa::path(
    post,
    path = "/api/accounts/app/begin/",
    operation_id = "begin_app",
    tag = "accounts",
    security(("bearer" = []), ()),
    request_body = BeginApp,
    responses(
        (status = 200, description = "The secret. No other answer shows it.", body = Begun),
        (status = 403, description = "The address was not proven yet; or `reauthentication_required`: the password is needed.", body = Problem),
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn begin_app(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Begun>, ApiError> {
    let (parts, BeginApp { challenge, password }) = form::read(request, BeginApp::read).await?;
    if let Some(challenge) = challenge {
        let waiting = RequestCaller::by_header(app.accounts.clone(), &parts);
        let begun = app.accounts.begin_app_to_log_in(&challenge, waiting.client()).await?;
        return Ok(Json(begun.into()));
    }
    let caller = caller(&app.accounts, &parts).await?;
    let password = password.map(PlainPassword::new);
    Ok(Json(app.accounts.begin_app(&caller, password).await?.into()))
}

/// Add an authenticator app, by its first code. From now on, each log-in needs a code. Gives the recovery codes, and the
/// next tokens of the session. With the `challenge` of `second_factor_setup_required`, it opens the session.
#[utoipa::path(
    post,
    path = "/api/accounts/app/add/",
    operation_id = "add_app",
    tag = "accounts",
    security(("bearer" = []), ()),
    request_body = AddApp,
    responses(
        (status = 200, description = "The app was added.", body = Added),
        (status = 403, description = "The address was not proven yet.", body = Problem),
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn add_app(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Added>, ApiError> {
    let (parts, AddApp { setup, code, challenge }) = form::read(request, AddApp::read).await?;
    if let Some(challenge) = challenge {
        let waiting = RequestCaller::by_header(app.accounts.clone(), &parts);
        let client = waiting.client();
        let added = app.accounts.add_app_to_log_in(&challenge, &setup, &code, client).await?;
        return Ok(enrolled(&waiting, added));
    }
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.add_app(&caller, &setup, &code).await?.into()))
}

/// Remove the authenticator app and the recovery codes.
#[utoipa::path(
    post,
    path = "/api/accounts/app/remove/",
    operation_id = "remove_app",
    tag = "accounts",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The app was removed."),
        (status = 400, description = "The user has no second factor.", body = Problem),
        WithStepUp,
        WithToken,
        Always
    )
)]
pub(super) async fn remove_app(
    State(app): State<App>,
    parts: Parts,
) -> Result<StatusCode, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    app.accounts.remove_app(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give the caller new recovery codes. The old ones no longer work.
#[utoipa::path(
    post,
    path = "/api/accounts/recovery-codes/replace/",
    operation_id = "replace_recovery_codes",
    tag = "accounts",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The new codes. No other answer shows them.", body = RecoveryCodes),
        (status = 400, description = "The user has no second factor.", body = Problem),
        WithStepUp,
        WithToken,
        Always
    )
)]
pub(super) async fn replace_recovery_codes(
    State(app): State<App>,
    parts: Parts,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    let codes = app.accounts.replace_recovery_codes(&caller).await?;
    Ok(Json(RecoveryCodes { recovery_codes: exposed(&codes) }))
}

/// One of the two. With both, the code counts.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body")]
struct StepUp {
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(nullable = false, min_length = 1)]
    code: Option<String>,
    /// For a user without a second factor.
    #[schema(nullable = false, format = "password", min_length = 1)]
    password: Option<String>,
}

impl StepUp {
    fn read(form: &mut Form) -> Proof {
        match form.optional_filled("code") {
            Some(code) => Proof::Code(code),
            None => Proof::Password(PlainPassword::new(form.password("password"))),
        }
    }
}

#[derive(ToSchema)]
struct BeginApp {
    /// The present password, unless the log-in is at most five minutes old.
    #[schema(nullable = false, format = "password")]
    password: Option<String>,
    /// From the answer `second_factor_setup_required`, in place of an access token.
    #[schema(nullable = false)]
    challenge: Option<String>,
}

impl BeginApp {
    fn read(form: &mut Form) -> Self {
        let [password, challenge] =
            ["password", "challenge"].map(|name| form.optional_filled(name));
        Self { password, challenge }
    }
}

/// A new authenticator app, before its first code.
#[derive(Serialize, ToSchema)]
pub(super) struct Begun {
    /// As the user types it into the app.
    secret: String,
    /// The same, for a QR code: `otpauth://totp/…`.
    uri: String,
    /// For `app/add/`, within 15 minutes.
    setup: String,
}

impl From<NewApp> for Begun {
    fn from(NewApp { secret, uri, setup }: NewApp) -> Self {
        Self { secret, uri, setup }
    }
}

#[derive(ToSchema)]
struct AddApp {
    /// From `app/begin/`.
    #[schema(min_length = 1)]
    setup: String,
    /// Six digits of the app.
    #[schema(min_length = 1)]
    code: String,
    /// From the answer `second_factor_setup_required`, in place of an access token.
    #[schema(nullable = false)]
    challenge: Option<String>,
}

impl AddApp {
    fn read(form: &mut Form) -> Self {
        let (setup, code) = (form.required("setup"), form.required("code"));
        Self { setup, code, challenge: form.optional_filled("challenge") }
    }
}

/// An app that was added.
#[derive(Serialize, ToSchema)]
pub(super) struct Added {
    /// No other answer shows them. Empty for a user who has some already.
    recovery_codes: Vec<String>,
    access: String,
    refresh: String,
}

impl From<FactorAdded> for Added {
    fn from(FactorAdded { recovery_codes, tokens }: FactorAdded) -> Self {
        let recovery_codes = exposed(&recovery_codes);
        Self { recovery_codes, access: tokens.access, refresh: tokens.refresh }
    }
}

/// The answer to a log-in that has waited for a second factor, with its device token.
pub(super) fn enrolled(waiting: &RequestCaller, added: Enrolment<LoggedIn>) -> Json<Added> {
    let Enrolment { opened: LoggedIn { tokens, device, .. }, recovery_codes } = added;
    waiting.new_device_token.set(device);
    Json(FactorAdded { recovery_codes, tokens }.into())
}

/// Recovery codes.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

fn exposed(codes: &[PlainRecoveryCode]) -> Vec<String> {
    codes.iter().map(PlainRecoveryCode::expose).collect()
}
