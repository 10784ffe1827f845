//! The proof of work of a form: the page that computes it, and the form that contains it.
//!
//! If a proof of work replaces the wait for a throttled form, the answer is a page that computes the proof and sends
//! the form again. So no form needs code for it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use super::{MAX_BYTES, PageContext, allow};
use crate::device::WORK;

/// The path of the script, below that of the pages.
pub(super) const SCRIPT_PATH: &str = "/work.js";
/// The field of a form that has the proof.
pub(super) const FIELD: &str = "work";
const SCRIPT: &str = include_str!("../../templates/pages/work.js");

/// The proof-of-work challenge of a throttled request, for [`require_work`].
#[derive(Clone)]
pub(super) struct Challenge {
    pub(super) challenge: String,
    pub(super) site: PageContext,
}

/// The script. The same for all, so caches may keep it for an hour.
pub(super) async fn script() -> impl IntoResponse {
    let headers =
        [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, SCRIPT)
}

/// Reads the proof from the form. Replaces an answer with a proof-of-work challenge by the page that computes a proof.
pub(super) async fn require_work(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    // A larger form is refused as an incomplete one.
    let form = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
    let proof = fields(&form).find(|(name, _)| name == FIELD).map(|(_, value)| value);
    if let Some(proof) = proof.as_deref().and_then(|proof| HeaderValue::from_str(proof).ok()) {
        parts.headers.insert(WORK, proof);
    }
    let uri = parts.uri.clone();
    let response = next.run(Request::from_parts(parts, Body::from(form.clone()))).await;
    match response.extensions().get::<Challenge>() {
        Some(challenge) => {
            let page = page(challenge, &uri, &form, proof.is_none());
            let retry_after = response.headers().get(RETRY_AFTER).cloned();
            (retry_after.map(|value| [(RETRY_AFTER, value)]), page).into_response()
        }
        None => response,
    }
}

/// The page. The first time, the script sends the form by itself. After that, it waits for a button, so that a refused
/// proof causes no endless loop.
fn page(challenge: &Challenge, uri: &Uri, form: &Bytes, by_itself: bool) -> Response {
    let Challenge { challenge, site } = challenge;
    let hidden = fields(form).filter(|(name, _)| name != FIELD);
    let hidden: Value = hidden.map(|(name, value)| context! { name, value }).collect();
    // The browser shows the same path, perhaps below a prefix.
    let action = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let shown = context! { hidden, action, challenge, by_itself, script => SCRIPT_PATH };
    let mut page = site.page(StatusCode::TOO_MANY_REQUESTS, "work.html", None, shown);
    allow(&mut page, "script-src 'self'");
    page
}

fn fields(form: &Bytes) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(form).into_owned()
}
