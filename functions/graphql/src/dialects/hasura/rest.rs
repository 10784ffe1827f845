//! The REST paths, in the forms of Django REST framework and SimpleJWT.

use crate::methods::{post, put};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::MethodRouter;
use serde::Serialize;
use utoipa::ToSchema;

use super::action_error::ActionError;
use super::openapi::{UsersBody, UsersLogIn, UsersProof, UsersStepUp};
use super::operation::{Operation, from_json};
use super::operations::{
    UserChangePasswordInput, UserChangePasswordOutput, UserCompleteLoginInput,
    UserLoginByEmailInput, UserLoginInput, UserLoginOutput, UserPasswordResetConfirmInput,
    UserPasswordResetConfirmOutput, UserPasswordResetInput, UserPasswordResetOutput,
    UserPasswordResetValidateInput, UserPasswordResetValidateOutput, UserRefreshInput,
    UserRefreshOutput, UserRegisterInput, UserRegisterOutput, UserSendLoginEmailInput,
    UserSendLoginEmailOutput, UserShowLoginCodeInput, UserShowLoginCodeOutput,
};
use crate::codes::Code;
use crate::dialects::problems::{Always, Problem, WithCost, WithPassword};
use crate::requests::in_dialect;
use crate::routes::{MakeMethods, Route};
use crate::{App, json_body};

/// Each path with its methods. The slash at its end may be left out.
pub(super) fn table() -> [(&'static str, MakeMethods); 11] {
    [
        ("/users/user/register/", || post(users_register)),
        ("/users/login/", || post(users_log_in)),
        ("/users/login/second-factor/", || post(users_complete_log_in)),
        ("/users/login/email/", || post(users_send_log_in)),
        ("/users/login/email/confirm/", || post(users_log_in_by_mail)),
        ("/users/login/email/code/", || post(users_show_log_in_code)),
        ("/users/token/refresh/", || post(users_refresh)),
        ("/users/user/change_password/", || put(users_change_password).patch(users_patch_password)),
        ("/users/reset_password/", || post(users_reset_password)),
        ("/users/reset_password/validate_token/", || post(users_validate_reset)),
        ("/users/reset_password/confirm/", || post(users_confirm_reset)),
    ]
}

/// The routes.
pub(super) fn routes() -> impl Iterator<Item = Route> {
    let finish = |methods: MethodRouter<App>| in_dialect("hasura", methods.fallback(not_allowed));
    table().into_iter().map(move |route| Route::new(route, finish))
}

/// Create an account, and mail an activation link and code to its address.
#[utoipa::path(post, path = "/users/user/register/", tag = "users", request_body = UserRegisterInput, responses(
    (status = 201, description = "The new account.", body = UserRegisterOutput, links(("refresh" = (
        operation_id = "users_refresh",
        request_body = json!({ "refresh": "$response.body#/tokens/refresh" })
    )))),
    WithCost, UsersBody, Always
))]
pub(super) async fn users_register(app: State<App>, request: Request) -> Response {
    let answer = answer::<UserRegisterInput>(app, request).await;
    answer.map(|account| (StatusCode::CREATED, account)).into_response()
}

/// Open a session for a user who knows the password. A wrong name and a wrong password are answered alike.
#[utoipa::path(post, path = "/users/login/", tag = "users", request_body = UserLoginInput, responses(
    (status = 200, description = "The tokens of the new session.", body = UserLoginOutput),
    UsersLogIn, WithPassword, UsersBody, Always
))]
pub(super) async fn users_log_in(app: State<App>, request: Request) -> Response {
    answer::<UserLoginInput>(app, request).await.into_response()
}

/// Open the session of a log-in that was answered with `second_factor_required`.
#[utoipa::path(
    post, path = "/users/login/second-factor/", tag = "users", request_body = UserCompleteLoginInput,
    responses(
    (status = 200, description = "The tokens of the new session.", body = UserLoginOutput),
    UsersProof, WithPassword, UsersBody, Always
))]
pub(super) async fn users_complete_log_in(app: State<App>, request: Request) -> Response {
    answer::<UserCompleteLoginInput>(app, request).await.into_response()
}

/// Mail a link and a code to log in by. Answers alike for an address without an account.
#[utoipa::path(post, path = "/users/login/email/", tag = "users", request_body = UserSendLoginEmailInput, responses(
    (status = 200, description = "A mail is on its way, if one is due.", body = UserSendLoginEmailOutput),
    WithCost, UsersBody, Always
))]
pub(super) async fn users_send_log_in(app: State<App>, request: Request) -> Response {
    answer::<UserSendLoginEmailInput>(app, request).await.into_response()
}

/// Open a session by the mailed code, or by the token of the mailed link, in the browser that has asked.
#[utoipa::path(
    post, path = "/users/login/email/confirm/", tag = "users", request_body = UserLoginByEmailInput,
    responses(
    (status = 200, description = "The tokens of the new session.", body = UserLoginOutput),
    UsersLogIn, WithCost, UsersBody, Always
))]
pub(super) async fn users_log_in_by_mail(app: State<App>, request: Request) -> Response {
    answer::<UserLoginByEmailInput>(app, request).await.into_response()
}

/// Read the code that goes with a mailed link, to type it in the browser that has asked.
#[utoipa::path(
    post, path = "/users/login/email/code/", tag = "users", request_body = UserShowLoginCodeInput, responses(
    (status = 200, description = "The code.", body = UserShowLoginCodeOutput),
    UsersProof, UsersBody, Always
))]
pub(super) async fn users_show_log_in_code(app: State<App>, request: Request) -> Response {
    answer::<UserShowLoginCodeInput>(app, request).await.into_response()
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
#[utoipa::path(post, path = "/users/token/refresh/", tag = "users", request_body = UserRefreshInput, responses(
    (status = 200, description = "The next access token.", body = UsersFresh),
    UsersProof, UsersBody, Always
))]
pub(super) async fn users_refresh(
    State(app): State<App>,
    request: Request,
) -> Result<Json<UsersFresh>, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    let shown = fields.get("refresh").cloned();
    let UserRefreshOutput { access, refresh } =
        from_json::<UserRefreshInput>(&app, &parts, fields).await?;
    let is_another = shown.is_none_or(|shown| shown != *refresh);
    Ok(Json(UsersFresh { access, refresh: is_another.then_some(refresh) }))
}

/// Choose another password, knowing the old one. Ends all sessions: log in again.
#[utoipa::path(
    put, path = "/users/user/change_password/", tag = "users", security(("bearer" = [])),
    request_body = UserChangePasswordInput, responses(
    (status = 200, description = "The password is the new one.", body = UserChangePasswordOutput),
    UsersStepUp, UsersProof, WithPassword, UsersBody, Always
))]
pub(super) async fn users_change_password(app: State<App>, request: Request) -> Response {
    answer::<UserChangePasswordInput>(app, request).await.into_response()
}

/// The same as by `PUT`: both fields are needed.
#[utoipa::path(
    patch, path = "/users/user/change_password/", tag = "users", security(("bearer" = [])),
    request_body = UserChangePasswordInput, responses(
    (status = 200, description = "The password is the new one.", body = UserChangePasswordOutput),
    UsersStepUp, UsersProof, WithPassword, UsersBody, Always
))]
pub(super) async fn users_patch_password(app: State<App>, request: Request) -> Response {
    users_change_password(app, request).await
}

/// Mail a link by which a password can be chosen. Answers alike for an address without an account.
#[utoipa::path(post, path = "/users/reset_password/", tag = "users", request_body = UserPasswordResetInput, responses(
    (status = 200, description = "A mail is on its way, if one is due.", body = UserPasswordResetOutput),
    WithCost, UsersBody, Always
))]
pub(super) async fn users_reset_password(app: State<App>, request: Request) -> Response {
    answer::<UserPasswordResetInput>(app, request).await.into_response()
}

/// Check whether a mailed token could reset the password. Changes nothing.
#[utoipa::path(
    post, path = "/users/reset_password/validate_token/", tag = "users",
    request_body = UserPasswordResetValidateInput, responses(
    (status = 200, description = "The token can reset the password.", body = UserPasswordResetValidateOutput),
    (status = 404, description = "The token is not one of that address, or not alive.", body = Problem),
    UsersBody, Always
))]
pub(super) async fn users_validate_reset(app: State<App>, request: Request) -> Response {
    answer::<UserPasswordResetValidateInput>(app, request).await.into_response()
}

/// Choose another password by the token that was mailed to an address. Ends all sessions.
#[utoipa::path(
    post, path = "/users/reset_password/confirm/", tag = "users",
    request_body = UserPasswordResetConfirmInput, responses(
    (status = 200, description = "The password is the new one.", body = UserPasswordResetConfirmOutput),
    (status = 404, description = "The token is not one of that address, or not alive.", body = Problem),
    UsersBody, Always
))]
pub(super) async fn users_confirm_reset(app: State<App>, request: Request) -> Response {
    answer::<UserPasswordResetConfirmInput>(app, request).await.into_response()
}

async fn answer<O: Operation>(
    State(app): State<App>,
    request: Request,
) -> Result<Json<O::Output>, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    from_json::<O>(&app, &parts, fields).await.map(Json)
}

async fn not_allowed(method: Method) -> ActionError {
    let detail = format!("Method \"{method}\" not allowed.");
    ActionError::new(StatusCode::METHOD_NOT_ALLOWED, Code::METHOD_NOT_ALLOWED, detail)
}
