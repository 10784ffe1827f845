//! The REST paths, in the forms of Django REST framework and SimpleJWT.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodFilter, on};
use serde_json::Value;

use super::call::{Call, by_header};
use super::failure::Failure;
use super::operation::Operation;
use super::operations::{
    user_change_password, user_login, user_password_reset, user_password_reset_confirm,
    user_password_reset_validate, user_refresh, user_register,
};
use crate::App;
use crate::json_body;

pub(super) fn routes() -> Router<App> {
    let post = MethodFilter::POST;
    let put = MethodFilter::PUT.or(MethodFilter::PATCH);
    let (ok, created) = (StatusCode::OK, StatusCode::CREATED);
    [
        ("/users/user/register", post, user_register::operation as Operation, created),
        ("/users/login", post, user_login::operation, ok),
        ("/users/token/refresh", post, user_refresh::operation, ok),
        ("/users/user/change_password", put, user_change_password::operation, ok),
        ("/users/reset_password", post, user_password_reset::operation, ok),
        ("/users/reset_password/validate_token", post, user_password_reset_validate::operation, ok),
        ("/users/reset_password/confirm", post, user_password_reset_confirm::operation, ok),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, methods, operation, done)| {
        let handler = move |State(app): State<App>, request: Request| async move {
            match answer(&app, request, operation).await {
                Ok(body) => (done, Json(body)).into_response(),
                Err(failure) => failure.rest(),
            }
        };
        let route = on(methods, handler).fallback(not_allowed);
        router.route(path, route.clone()).route(&format!("{path}/"), route)
    })
}

async fn answer(app: &App, request: Request, operation: Operation) -> Result<Value, Failure> {
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
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).rest()
}
