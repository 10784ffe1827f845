//! Answers only requests for the names of this machine.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use embedded::Hosts;

/// Refuses a request that has another host.
pub(crate) async fn require(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.allow(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let reason = "This server answers for localhost and the host of BASE_URL only. Set HOST to let it answer for \
                  any host.\n";
    (StatusCode::MISDIRECTED_REQUEST, reason).into_response()
}
