//! `POST /hasura/actions`: the handler of the actions of a Hasura in front.

use crate::methods::post;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::Value;

use super::action_error::ActionError;
use super::operation::Action;
use super::operations::ACTIONS;
use crate::codes::Code;
use crate::json_body::{self, Fields};
use crate::requests::in_dialect;
use crate::{App, Route};

pub(super) fn route() -> Route {
    Route::new(("/hasura/actions", || post(act)), |methods| {
        in_dialect("hasura", methods.fallback(not_allowed))
    })
}

async fn act(State(app): State<App>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(body) => Json(body).into_response(),
        Err(error) => error.action(),
    }
}

/// The session variables are ignored: any client that reaches this address can write them. The forwarded
/// `Authorization` header identifies the caller.
async fn answer(app: &App, request: Request) -> Result<Value, ActionError> {
    let settings = &app.settings.hasura;
    if settings.action_secret.is_some() && !settings.is_sent_by_hasura(request.headers()) {
        let (code, message) = (Code::INVALID_ACTION_SECRET, "The action secret is not right.");
        return Err(ActionError::new(StatusCode::UNAUTHORIZED, code, message));
    }
    let (parts, payload) = json_body::read(request).await?;
    let (action, arg) = (action(&payload)?, arg(payload)?);
    action(app, &parts, arg).await
}

fn action(payload: &Fields) -> Result<Action, ActionError> {
    let name = payload.get("action").and_then(|action| action.get("name")).and_then(Value::as_str);
    let name = name.ok_or_else(|| ActionError::bad_request("The payload names no action."))?;
    let found = ACTIONS.iter().find(|(known, _)| *known == name);
    let (code, message) = (Code::UNKNOWN_ACTION, "There is no such action.");
    let unknown = || ActionError::new(StatusCode::NOT_FOUND, code, message);
    found.map(|(_, action)| *action).ok_or_else(unknown)
}

fn arg(mut payload: Fields) -> Result<Fields, ActionError> {
    match payload.get_mut("input").and_then(|input| input.get_mut("arg")).map(Value::take) {
        None | Some(Value::Null) => Ok(Fields::new()),
        Some(Value::Object(arg)) => Ok(arg),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(ActionError::bad_request("The argument is not an object."))
        }
    }
}

async fn not_allowed() -> Response {
    let (code, message) = (Code::METHOD_NOT_ALLOWED, "Actions are called by POST.");
    ActionError::new(StatusCode::METHOD_NOT_ALLOWED, code, message).action()
}
