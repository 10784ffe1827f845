//! The tokens of a session: exchange them, look into them, end it.

use accounts::operations::TokenPair;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithProof};
use super::form::{self, Form};
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, Problem};

/// Exchange a refresh token for the next pair. It works once; again within seconds, it gives the same pair.
#[utoipa::path(
    post,
    path = "/api/accounts/token/refresh/",
    operation_id = "refresh_token",
    tag = "accounts",
    request_body = Refresh,
    responses(
        (status = 200, description = "The next pair.", body = Pair),
        (status = 403, description = "The address was not proven yet.", body = Problem),
        WithProof,
        WithBody,
        Always
    )
)]
pub(super) async fn refresh(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Pair>, ApiError> {
    let (parts, Refresh { refresh }) = form::read(request, Refresh::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    Ok(Json(app.accounts.refresh(&refresh, caller.client()).await?.into()))
}

/// Check whether an access token is valid now.
#[utoipa::path(
    post,
    path = "/api/accounts/token/verify/",
    operation_id = "verify_token",
    tag = "accounts",
    request_body = Token,
    responses((status = 200, description = "The token is valid.", body = Valid), WithProof, WithBody, Always)
)]
pub(super) async fn verify(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Valid>, ApiError> {
    let (_, Token { token }) = form::read(request, Token::read).await?;
    app.accounts.verify_token(&token).await?;
    Ok(Json(Valid {}))
}

/// End a session by its refresh token, with or without an `Authorization` header: all its tokens are refused from the
/// next request on.
#[utoipa::path(
    post,
    path = "/api/accounts/logout/",
    tag = "accounts",
    request_body = Refresh,
    responses((status = 205, description = "The session has ended."), WithProof, WithBody, Always)
)]
pub(super) async fn log_out(
    State(app): State<App>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (_, Refresh { refresh }) = form::read(request, Refresh::read).await?;
    app.accounts.revoke(&refresh).await?;
    Ok(StatusCode::RESET_CONTENT)
}

#[derive(ToSchema)]
struct Refresh {
    #[schema(min_length = 1)]
    refresh: String,
}

impl Refresh {
    fn read(form: &mut Form) -> Self {
        Self { refresh: form.required("refresh") }
    }
}

#[derive(ToSchema)]
struct Token {
    #[schema(min_length = 1)]
    token: String,
}

impl Token {
    fn read(form: &mut Form) -> Self {
        Self { token: form.required("token") }
    }
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(super) struct Pair {
    access: String,
    refresh: String,
}

impl From<TokenPair> for Pair {
    fn from(TokenPair { access, refresh, .. }: TokenPair) -> Self {
        Self { access, refresh }
    }
}

/// Nothing.
#[derive(Serialize, ToSchema)]
pub(super) struct Valid {}
