//! The mark that a log-in gives to a device, on its way to the answer, in every dialect.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header that has the mark: of the answer to a log-in, and of later requests.
pub(crate) const DEVICE: HeaderName = HeaderName::from_static("x-device");

/// The header that has a proof of work.
pub(crate) const WORK: HeaderName = HeaderName::from_static("x-proof-of-work");

/// The new mark, once there is one. Clones are one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewMark(Arc<Mutex<Option<String>>>);

impl NewMark {
    pub(crate) fn set(&self, mark: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Adds the mark to the answer of a request that has logged in.
pub(crate) async fn give_mark(mut request: Request, next: Next) -> Response {
    let new = NewMark::default();
    request.extensions_mut().insert(new.clone());
    let mut response = next.run(request).await;
    if let Some(mark) = new.take().and_then(|mark| HeaderValue::try_from(mark).ok()) {
        response.headers_mut().insert(DEVICE, mark);
    }
    response
}
