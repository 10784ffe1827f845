//! The failures of both REST dialects, in the form of Django REST framework and SimpleJWT. Also the answers of these
//! dialects, as the OpenAPI document describes them.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::codes::Code;
use crate::panics::InternalError;

/// Why a request was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    /// For people.
    pub(super) detail: String,
    /// For programs: the same for ever.
    #[schema(value_type = String)]
    pub(super) code: Code,
}

/// A limit is reached, so Latchkey did not try the operation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Throttled {
    /// For people.
    pub(super) detail: String,
    /// `throttled`
    #[schema(value_type = String)]
    pub(super) code: Code,
    /// In how many seconds it may be tried again: the same as in the header `Retry-After`.
    #[serde(rename = "retryAfter")]
    #[schema(minimum = 1)]
    pub(super) retry_after: u32,
    /// The challenge whose proof of work lets the attempt go on at once, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) challenge: Option<String>,
}

/// The first step of a log-in is done, and the second one is needed; or the user must add a second factor first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondFactorRequired {
    /// For people.
    pub(super) detail: String,
    /// `second_factor_required` or `second_factor_setup_required`
    #[schema(value_type = String)]
    pub(super) code: Code,
    /// For `login/second-factor/` below `/api/accounts/` or `/users/`, within ten minutes. With
    /// `second_factor_setup_required`, for `/api/accounts/app/begin/` and `/api/accounts/app/add/`, or
    /// `/api/accounts/passkeys/begin/` and `/api/accounts/passkeys/add/`, within 15 minutes.
    pub(super) challenge: String,
}

/// Why a log-in opened no session.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is written as one of the two")]
pub(super) enum LogInRefused {
    SecondFactorRequired(SecondFactorRequired),
    Problem(Problem),
}

/// The answers that every operation may give.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum Always {
    /// An internal error. The operation may be half done. `request_id` leads to the log.
    #[response(status = 500)]
    Broken(InternalError),
    /// A service that we depend on did not answer. Nothing was half done; trying again is safe.
    #[response(status = 503)]
    Unavailable(Problem),
}

/// The further answers of an operation that asks for a password or a code of a second factor.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithPassword {
    /// There were too many wrong passwords or codes. Do not log the user out: sessions go on.
    #[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
    Throttled(Throttled),
}

/// The further answers of an operation that makes an account, sends mail or tries a mailed code.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithCost {
    /// There were too many such requests from the caller's network, or too many mails to new addresses.
    #[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
    Throttled(Throttled),
}

impl IntoResponse for Throttled {
    fn into_response(self) -> Response {
        let header = [(RETRY_AFTER, self.retry_after.to_string())];
        (StatusCode::TOO_MANY_REQUESTS, header, Json(self)).into_response()
    }
}

impl IntoResponse for SecondFactorRequired {
    fn into_response(self) -> Response {
        unauthorized((StatusCode::UNAUTHORIZED, Json(self)))
    }
}

/// Tells the client how to authenticate, as RFC 9110 wants it of each answer with the status 401.
pub(super) fn unauthorized(response: impl IntoResponse) -> Response {
    ([(WWW_AUTHENTICATE, "Bearer realm=\"api\"")], response).into_response()
}
