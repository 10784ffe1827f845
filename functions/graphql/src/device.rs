//! The device token of a log-in, on its way to the answer, in every dialect.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header that has the device token: of the answer to a log-in, and of later requests.
pub(crate) const DEVICE: HeaderName = HeaderName::from_static("x-device");

/// The header that has a proof of work.
pub(crate) const WORK: HeaderName = HeaderName::from_static("x-proof-of-work");

/// The new token, once a log-in has made it. All clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewDeviceToken(Arc<Mutex<Option<String>>>);

impl NewDeviceToken {
    pub(crate) fn set(&self, token: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Adds the device token to the answer of a log-in.
pub(crate) async fn add_device_token(mut request: Request, next: Next) -> Response {
    let new = NewDeviceToken::default();
    request.extensions_mut().insert(new.clone());
    let mut response = next.run(request).await;
    if let Some(token) = new.take().and_then(|token| HeaderValue::try_from(token).ok()) {
        response.headers_mut().insert(DEVICE, token);
    }
    response
}
