//! The REST paths, in the forms of Django REST framework and SimpleJWT.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{post, put};
use serde::Serialize;
use utoipa::ToSchema;

use super::action_error::ActionError;
use super::call::{Call, by_header};
use super::openapi::{UsersAlways, UsersCost, UsersPassword, UsersProblem, UsersProof};
use super::operation::{Operation, from_json};
use super::operations::{
    UserChangePasswordInput, UserChangePasswordOutput, UserLoginInput, UserLoginOutput,
    UserPasswordResetConfirmInput, UserPasswordResetConfirmOutput, UserPasswordResetInput,
    UserPasswordResetOutput, UserPasswordResetValidateInput, UserPasswordResetValidateOutput,
    UserRefreshInput, UserRefreshOutput, UserRegisterInput, UserRegisterOutput,
};
use crate::codes::Code;
use crate::{App, Route, json_body};

/// Each path with its methods. The slash at its end may be left out.
fn table() -> [Route; 7] {
    [
        ("/users/user/register/", post(register)),
        ("/users/login/", post(log_in)),
        ("/users/token/refresh/", post(refresh)),
        ("/users/user/change_password/", put(change_password).patch(patch_password)),
        ("/users/reset_password/", post(reset_password)),
        ("/users/reset_password/validate_token/", post(validate_reset)),
        ("/users/reset_password/confirm/", post(confirm_reset)),
    ]
}

/// The routes, each with the slash at its end.
pub(super) fn routes() -> impl Iterator<Item = Route> {
    table().into_iter().map(|(path, methods)| (path, methods.fallback(not_allowed)))
}

/// The paths of the routes, as the document has them.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    table().into_iter().map(|(path, _)| path)
}

/// Create an account, and mail an activation link and code to its address.
#[utoipa::path(
    post,
    path = "/users/user/register/",
    operation_id = "users_register",
    tag = "users",
    request_body = UserRegisterInput,
    responses(
        (
            status = 201,
            description = "The new account.",
            body = UserRegisterOutput,
            links(("refresh" = (
                operation_id = "users_refresh",
                request_body = json!({ "refresh": "$response.body#/tokens/refresh" })
            )))
        ),
        UsersCost,
        UsersAlways
    )
)]
pub(super) async fn register(State(app): State<App>, request: Request) -> Response {
    answer::<UserRegisterInput>(&app, request, StatusCode::CREATED).await
}

/// Open a session for a user who knows the password. A wrong name and a wrong password are answered alike.
#[utoipa::path(
    post,
    path = "/users/login/",
    operation_id = "users_log_in",
    tag = "users",
    request_body = UserLoginInput,
    responses(
        (status = 200, description = "The tokens of the new session.", body = UserLoginOutput),
        UsersProof,
        UsersPassword,
        UsersAlways
    )
)]
pub(super) async fn log_in(State(app): State<App>, request: Request) -> Response {
    answer::<UserLoginInput>(&app, request, StatusCode::OK).await
}

/// The next access token, as SimpleJWT answers.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersFresh {
    access: String,
    /// The refresh token to go on with, if it is another one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

/// Exchange a refresh token for an access token.
#[utoipa::path(
    post,
    path = "/users/token/refresh/",
    operation_id = "users_refresh",
    tag = "users",
    request_body = UserRefreshInput,
    responses(
        (status = 200, description = "The next access token.", body = UsersFresh),
        UsersProof,
        UsersAlways
    )
)]
pub(super) async fn refresh(State(app): State<App>, request: Request) -> Response {
    match next_tokens(&app, request).await {
        Ok(next) => Json(next).into_response(),
        Err(error) => error.rest(),
    }
}

async fn next_tokens(app: &App, request: Request) -> Result<UsersFresh, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    let shown = fields.get("refresh").cloned();
    let caller = by_header(app, &parts);
    let call = Call::to(app, &caller);
    let UserRefreshOutput { access, refresh } =
        from_json::<UserRefreshInput>(&call, fields).await?;
    let is_another = shown.is_none_or(|shown| shown != *refresh);
    Ok(UsersFresh { access, refresh: is_another.then_some(refresh) })
}

/// Choose another password, knowing the old one. Ends all sessions: log in again.
#[utoipa::path(
    put,
    path = "/users/user/change_password/",
    operation_id = "users_change_password",
    tag = "users",
    security(("bearer" = [])),
    request_body = UserChangePasswordInput,
    responses(
        (status = 200, description = "The password is the new one.", body = UserChangePasswordOutput),
        UsersProof,
        UsersPassword,
        UsersAlways
    )
)]
pub(super) async fn change_password(State(app): State<App>, request: Request) -> Response {
    answer::<UserChangePasswordInput>(&app, request, StatusCode::OK).await
}

/// The same as by `PUT`: both fields are needed.
#[utoipa::path(
    patch,
    path = "/users/user/change_password/",
    operation_id = "users_patch_password",
    tag = "users",
    security(("bearer" = [])),
    request_body = UserChangePasswordInput,
    responses(
        (status = 200, description = "The password is the new one.", body = UserChangePasswordOutput),
        UsersProof,
        UsersPassword,
        UsersAlways
    )
)]
pub(super) async fn patch_password(app: State<App>, request: Request) -> Response {
    change_password(app, request).await
}

/// Mail a link by which a password can be chosen. Answers alike for an address without an account.
#[utoipa::path(
    post,
    path = "/users/reset_password/",
    operation_id = "users_reset_password",
    tag = "users",
    request_body = UserPasswordResetInput,
    responses(
        (status = 200, description = "A mail is on its way, if one is due.", body = UserPasswordResetOutput),
        UsersCost,
        UsersAlways
    )
)]
pub(super) async fn reset_password(State(app): State<App>, request: Request) -> Response {
    answer::<UserPasswordResetInput>(&app, request, StatusCode::OK).await
}

/// Check whether a mailed token could reset the password. Changes nothing.
#[utoipa::path(
    post,
    path = "/users/reset_password/validate_token/",
    operation_id = "users_validate_reset",
    tag = "users",
    request_body = UserPasswordResetValidateInput,
    responses(
        (status = 200, description = "It could be.", body = UserPasswordResetValidateOutput),
        (status = 404, description = "The token is not one of that address, or not alive.", body = UsersProblem),
        UsersAlways
    )
)]
pub(super) async fn validate_reset(State(app): State<App>, request: Request) -> Response {
    answer::<UserPasswordResetValidateInput>(&app, request, StatusCode::OK).await
}

/// Choose another password by the token that was mailed to an address. Ends all sessions.
#[utoipa::path(
    post,
    path = "/users/reset_password/confirm/",
    operation_id = "users_confirm_reset",
    tag = "users",
    request_body = UserPasswordResetConfirmInput,
    responses(
        (status = 200, description = "The password is the new one.", body = UserPasswordResetConfirmOutput),
        (status = 404, description = "The token is not one of that address, or not alive.", body = UsersProblem),
        UsersAlways
    )
)]
pub(super) async fn confirm_reset(State(app): State<App>, request: Request) -> Response {
    answer::<UserPasswordResetConfirmInput>(&app, request, StatusCode::OK).await
}

async fn answer<O: Operation>(app: &App, request: Request, done: StatusCode) -> Response {
    match run::<O>(app, request).await {
        Ok(output) => (done, Json(output)).into_response(),
        Err(error) => error.rest(),
    }
}

async fn run<O: Operation>(app: &App, request: Request) -> Result<O::Output, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    from_json::<O>(&Call::to(app, &by_header(app, &parts)), fields).await
}

async fn not_allowed(method: Method) -> Response {
    let detail = format!("Method \"{method}\" not allowed.");
    ActionError::new(StatusCode::METHOD_NOT_ALLOWED, Code::METHOD_NOT_ALLOWED, detail).rest()
}
