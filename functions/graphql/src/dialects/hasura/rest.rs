//! The REST paths, in the forms of Django REST framework and SimpleJWT.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{post, put};
use serde_json::Value;

use super::call::{Call, by_header};
use super::failure::Failure;
use super::openapi::{
    UsersAlways, UsersChangePassword, UsersDone, UsersFresh, UsersLogIn, UsersPair,
    UsersPasswordChanged, UsersProblem, UsersProof, UsersRefresh, UsersRegister, UsersRegistered,
    UsersReset, UsersResetConfirm, UsersResetValidate,
};
use super::operation::Operation;
use super::operations::{
    user_change_password, user_login, user_password_reset, user_password_reset_confirm,
    user_password_reset_validate, user_refresh, user_register,
};
use crate::codes::Code;
use crate::{App, Route, json_body};

/// Each path with what it answers to; without the slash at its end, it is the same.
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
    request_body = UsersRegister,
    responses(
        (
            status = 201,
            description = "The new account.",
            body = UsersRegistered,
            links(("refresh" = (
                operation_id = "users_refresh",
                request_body = json!({ "refresh": "$response.body#/tokens/refresh" })
            )))
        ),
        UsersAlways
    )
)]
pub(super) async fn register(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_register::operation, StatusCode::CREATED).await
}

/// Open a session for whoever knows the password. A wrong name and a wrong password are answered alike.
#[utoipa::path(
    post,
    path = "/users/login/",
    operation_id = "users_log_in",
    tag = "users",
    request_body = UsersLogIn,
    responses(
        (status = 200, description = "The tokens of the new session.", body = UsersPair),
        UsersProof,
        UsersAlways
    )
)]
pub(super) async fn log_in(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_login::operation, StatusCode::OK).await
}

/// Exchange a refresh token for an access token.
#[utoipa::path(
    post,
    path = "/users/token/refresh/",
    operation_id = "users_refresh",
    tag = "users",
    request_body = UsersRefresh,
    responses(
        (status = 200, description = "The next access token.", body = UsersFresh),
        UsersProof,
        UsersAlways
    )
)]
pub(super) async fn refresh(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_refresh::operation, StatusCode::OK).await
}

/// Choose another password, knowing the old one. Ends all sessions: log in again.
#[utoipa::path(
    put,
    path = "/users/user/change_password/",
    operation_id = "users_change_password",
    tag = "users",
    security(("bearer" = [])),
    request_body = UsersChangePassword,
    responses(
        (status = 200, description = "The password is the new one.", body = UsersPasswordChanged),
        UsersProof,
        UsersAlways
    )
)]
pub(super) async fn change_password(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_change_password::operation, StatusCode::OK).await
}

/// The same as by `PUT`: both fields are needed.
#[utoipa::path(
    patch,
    path = "/users/user/change_password/",
    operation_id = "users_patch_password",
    tag = "users",
    security(("bearer" = [])),
    request_body = UsersChangePassword,
    responses(
        (status = 200, description = "The password is the new one.", body = UsersPasswordChanged),
        UsersProof,
        UsersAlways
    )
)]
pub(super) async fn patch_password(app: State<App>, request: Request) -> Response {
    change_password(app, request).await
}

/// Mail a link by which a password can be chosen. Answers alike for an address that nobody has.
#[utoipa::path(
    post,
    path = "/users/reset_password/",
    operation_id = "users_reset_password",
    tag = "users",
    request_body = UsersReset,
    responses(
        (status = 200, description = "A mail is on its way, if one is due.", body = UsersDone),
        UsersAlways
    )
)]
pub(super) async fn reset_password(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_password_reset::operation, StatusCode::OK).await
}

/// Tell whether a password could be reset by a mailed token. Changes nothing.
#[utoipa::path(
    post,
    path = "/users/reset_password/validate_token/",
    operation_id = "users_validate_reset",
    tag = "users",
    request_body = UsersResetValidate,
    responses(
        (status = 200, description = "It could be.", body = UsersDone),
        (status = 404, description = "The token is not one of that address, or not alive.", body = UsersProblem),
        UsersAlways
    )
)]
pub(super) async fn validate_reset(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_password_reset_validate::operation, StatusCode::OK).await
}

/// Choose another password by the token that was mailed to an address. Ends all sessions.
#[utoipa::path(
    post,
    path = "/users/reset_password/confirm/",
    operation_id = "users_confirm_reset",
    tag = "users",
    request_body = UsersResetConfirm,
    responses(
        (status = 200, description = "The password is the new one.", body = UsersDone),
        (status = 404, description = "The token is not one of that address, or not alive.", body = UsersProblem),
        UsersAlways
    )
)]
pub(super) async fn confirm_reset(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, user_password_reset_confirm::operation, StatusCode::OK).await
}

async fn answer(app: &App, request: Request, operation: Operation, done: StatusCode) -> Response {
    match run(app, request, operation).await {
        Ok(body) => (done, Json(body)).into_response(),
        Err(failure) => failure.rest(),
    }
}

async fn run(app: &App, request: Request, operation: Operation) -> Result<Value, Failure> {
    let (parts, fields) = json_body::read(request).await?;
    let shown = fields.get("refresh").cloned();
    let mut body = operation(&Call::to(app, &by_header(app, &parts)), fields).await?;
    // SimpleJWT tells of a refresh token only if it is another one.
    if let (Some(shown), Value::Object(body)) = (shown, &mut body)
        && body.get("refresh") == Some(&shown)
    {
        body.remove("refresh");
    }
    Ok(body)
}

async fn not_allowed(method: Method) -> Response {
    let detail = format!("Method \"{method}\" not allowed.");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::METHOD_NOT_ALLOWED, detail).rest()
}
