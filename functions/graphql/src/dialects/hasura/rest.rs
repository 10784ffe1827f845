//! The REST paths, in the forms of Django REST framework and SimpleJWT.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json};
use axum::routing::MethodRouter;
use serde::Serialize;
use utoipa::ToSchema;

use super::action_error::ActionError;
use super::operation::{Operation, from_json};
use super::operations::{PATHS, UserRefreshOutput};
use crate::codes::Code;
use crate::requests::in_dialect;
use crate::routes::Route;
use crate::{App, json_body};

/// The routes.
pub(super) fn routes() -> impl Iterator<Item = Route> {
    let finish = |methods: MethodRouter<App>| in_dialect("hasura", methods.fallback(not_allowed));
    PATHS.iter().map(move |route| Route::new(*route, finish))
}

/// Answers an operation.
pub(super) async fn answer<O: Operation>(
    State(app): State<App>,
    request: Request,
) -> Result<Json<O::Output>, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    from_json::<O>(&app, &parts, fields).await.map(Json)
}

/// Answers an operation that creates something.
pub(super) async fn created<O: Operation>(
    app: State<App>,
    request: Request,
) -> Result<impl IntoResponse, ActionError> {
    Ok((StatusCode::CREATED, answer::<O>(app, request).await?))
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

/// Answers a refresh. Leaves out a refresh token that the client has sent.
pub(super) async fn fresh<O: Operation<Output = UserRefreshOutput>>(
    State(app): State<App>,
    request: Request,
) -> Result<Json<UsersFresh>, ActionError> {
    let (parts, fields) = json_body::read(request).await?;
    let shown = fields.get("refresh").cloned();
    let UserRefreshOutput { access, refresh } = from_json::<O>(&app, &parts, fields).await?;
    let is_another = shown.is_none_or(|shown| shown != *refresh);
    Ok(Json(UsersFresh { access, refresh: is_another.then_some(refresh) }))
}

async fn not_allowed(method: Method) -> ActionError {
    let detail = format!("Method \"{method}\" not allowed.");
    ActionError::new(StatusCode::METHOD_NOT_ALLOWED, Code::METHOD_NOT_ALLOWED, &detail)
}
