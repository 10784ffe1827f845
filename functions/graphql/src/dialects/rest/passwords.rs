//! Another password: knowing the old one, or by a mailed link.

use accounts::model::PlainPassword;
use accounts::operations::TokenPair;
use axum::extract::{Request, State};
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithStepUp, WithToken};
use super::caller::caller;
use super::form::{self, Form};
use crate::App;
use crate::caller::client;
use crate::dialects::problems::{Always, WithCost, WithPassword};

/// Choose another password, knowing the old one. Ends all sessions and opens a new one, whose tokens are in the
/// answer.
#[utoipa::path(
    post,
    path = "/api/accounts/password/change/",
    operation_id = "change_password",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = ChangePassword,
    responses(
        (status = 200, description = "The tokens of the new session.", body = Changed),
        WithStepUp,
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Changed>, ApiError> {
    let (parts, asked) = form::read(request, ChangePassword::read).await?;
    let ChangePassword { old_password, new_password } = asked;
    let caller = caller(&app.accounts, &parts).await?;
    let (old, new) = (PlainPassword::new(old_password), PlainPassword::new(new_password));
    let changed = app.accounts.change_password(&caller, old, new.into(), &client(&parts)).await;
    Ok(Json(changed.map_err(ApiError::NewPassword)?.into()))
}

/// Mail a link by which a password can be chosen. Answers alike for an address without an account.
#[utoipa::path(
    post,
    path = "/api/accounts/password/reset/",
    operation_id = "send_password_reset",
    tag = "accounts",
    request_body = SendReset,
    responses((status = 200, description = "A mail is on its way, if one is due.", body = DetailResponse), WithCost, WithBody, Always)
)]
pub(super) async fn send_reset(
    State(app): State<App>,
    request: Request,
) -> Result<Json<DetailResponse>, ApiError> {
    let (parts, SendReset { email }) = form::read(request, SendReset::read).await?;
    app.accounts.send_password_reset(&email, &client(&parts)).await?;
    Ok(Json(DetailResponse { detail: SENT }))
}

/// Choose another password by the token that was mailed. Ends all sessions: log in again.
#[utoipa::path(
    post,
    path = "/api/accounts/password/reset/confirm/",
    operation_id = "reset_password",
    tag = "accounts",
    request_body = Reset,
    responses((status = 200, description = "The password is the new one.", body = DetailResponse), WithBody, Always)
)]
pub(super) async fn reset(
    State(app): State<App>,
    request: Request,
) -> Result<Json<DetailResponse>, ApiError> {
    let (parts, Reset { token, new_password, username }) = form::read(request, Reset::read).await?;
    let (link, new) = (token.as_str().into(), PlainPassword::new(new_password).into());
    let done = app.accounts.reset_password(link, new, username.as_deref(), &client(&parts)).await;
    done.map_err(ApiError::NewPassword)?;
    Ok(Json(DetailResponse { detail: SAVED }))
}

const SENT: &str = "If the address has an account, a link is on its way to it.";
const SAVED: &str = "The new password has been saved.";

#[derive(ToSchema)]
struct ChangePassword {
    #[schema(format = "password", min_length = 1)]
    old_password: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    new_password: String,
}

impl ChangePassword {
    fn read(form: &mut Form) -> Self {
        let old_password = form.password("old_password");
        Self { old_password, new_password: form.password("new_password") }
    }
}

#[derive(ToSchema)]
struct SendReset {
    #[schema(format = "email", min_length = 1)]
    email: String,
}

impl SendReset {
    fn read(form: &mut Form) -> Self {
        Self { email: form.required("email") }
    }
}

#[derive(ToSchema)]
struct Reset {
    /// From the link in the mail.
    #[schema(min_length = 1)]
    token: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    new_password: String,
    /// Another username, for an account that has proven no address yet.
    #[schema(nullable = false, min_length = 1)]
    username: Option<String>,
}

impl Reset {
    fn read(form: &mut Form) -> Self {
        let (token, new_password) = (form.required("token"), form.password("new_password"));
        Self { token, new_password, username: form.optional_filled("username") }
    }
}

/// The answer to another password.
#[derive(Serialize, ToSchema)]
pub(super) struct Changed {
    detail: &'static str,
    access: String,
    refresh: String,
}

impl From<TokenPair> for Changed {
    fn from(TokenPair { access, refresh, .. }: TokenPair) -> Self {
        Self { detail: SAVED, access, refresh }
    }
}

/// It is done.
#[derive(Serialize, ToSchema)]
pub(super) struct DetailResponse {
    detail: &'static str,
}
