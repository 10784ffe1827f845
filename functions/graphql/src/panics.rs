//! What is answered when a handler panics: that it broke, and which request it was.

use std::panic::AssertUnwindSafe;

use accounts::clock::Clock;
use accounts::random::Random;
use axum::extract::Request;
use axum::http::{Extensions, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use futures::FutureExt;
use lambda_http::Context;
use lambda_http::request::RequestContext;
use serde::Serialize;
use utoipa::ToSchema;

/// Something inside broke.
#[derive(Serialize, ToSchema)]
pub(crate) struct InternalError {
    detail: &'static str,
    /// `internal`
    code: &'static str,
    /// What the log has of it has this.
    request_id: String,
}

/// Answers 500 for a handler that panics, and says nothing of the inside. What the panic said went to
/// standard error; it may quote what somebody typed, so the log's line has the request's id only.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    let known = known_id(request.extensions());
    if let Ok(response) = AssertUnwindSafe(next.run(request)).catch_unwind().await {
        return response;
    }
    let request_id = known.unwrap_or_else(|| Random::System.id(Clock::System.now()).to_string());
    tracing::error!(request_id, "a handler panicked");
    let body = InternalError { detail: "Internal server error.", code: "internal", request_id };
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

/// What Lambda calls the request in its own log lines, or else what API Gateway does.
fn known_id(extensions: &Extensions) -> Option<String> {
    if let Some(context) = extensions.get::<Context>() {
        return Some(context.request_id.clone());
    }
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.request_id.clone(),
        _ => None,
    }
}
