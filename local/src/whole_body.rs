//! Reads the whole body before the answer, as API Gateway does.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};

/// The largest body that API Gateway takes.
const MAX: usize = 10 * 1024 * 1024;

/// Reads the whole body before the request goes on. If the server answers and closes the connection while a client
/// still sends, the client sees a network error, and not the answer.
pub(crate) async fn read(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX).await else {
        let body = serde_json::json!({ "message": "Request Entity Too Large" });
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(body)).into_response();
    };
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}
