//! The answer when a handler panics: an internal error, and the id of the request.

use accounts::telemetry::{catch_panic, request_id};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::codes::Code;

/// Something inside broke.
#[derive(Serialize, ToSchema)]
pub(crate) struct InternalError {
    detail: &'static str,
    /// `internal`
    #[schema(value_type = String)]
    code: Code,
    /// The log lines of the request have the same id.
    request_id: String,
}

/// Answers 500 for a handler that panics, and reveals no details: the log has the location, and the id of the
/// request. The next request is not affected.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    if let Some(response) = catch_panic(next.run(request)).await {
        return response;
    }
    let request_id = request_id().unwrap_or_default();
    let body = InternalError { detail: "Internal server error.", code: Code::INTERNAL, request_id };
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}
