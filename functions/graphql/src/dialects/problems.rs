//! The failures of both REST dialects, in the form of Django REST framework and SimpleJWT. Also the groups of failures
//! that the OpenAPI document lists for an operation.

use std::borrow::Cow;

use accounts::error::{AuthError, Violation};
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::codes::Code;
use crate::panics::InternalError;

/// A failure that is not about fields.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    body: Body,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Body {
    Problem(Problem),
    Throttled(Throttled),
    SecondFactorRequired(SecondFactorRequired),
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        Self { status, body: Body::Problem(Problem { detail: detail.into(), code }) }
    }
}

/// The failure has the code and the text of the core, and the status that `/api/accounts/` answers with. Each dialect
/// answers errors of fields and of tokens itself. This conversion does not log.
impl From<&AuthError> for Failure {
    fn from(error: &AuthError) -> Self {
        let (detail, code) = (error.to_string(), Code::from(error));
        let status = match error {
            AuthError::SecondFactorRequired { challenge }
            | AuthError::SecondFactorSetupRequired { challenge } => {
                let body = SecondFactorRequired { detail, code, challenge: challenge.clone() };
                return Self {
                    status: StatusCode::UNAUTHORIZED,
                    body: Body::SecondFactorRequired(body),
                };
            }
            AuthError::Throttled { retry_after, challenge, .. } => {
                let (retry_after, challenge) = (retry_after.get(), challenge.clone());
                let body = Body::Throttled(Throttled { detail, code, retry_after, challenge });
                return Self { status: StatusCode::TOO_MANY_REQUESTS, body };
            }
            AuthError::InvalidCredentials
            | AuthError::Unauthenticated
            | AuthError::InvalidToken
            | AuthError::ExpiredToken => StatusCode::UNAUTHORIZED,
            AuthError::NotVerified
            | AuthError::ReauthenticationRequired
            | AuthError::StepUpRequired
            | AuthError::PermissionDenied => StatusCode::FORBIDDEN,
            AuthError::NotFound => StatusCode::NOT_FOUND,
            AuthError::Invalid(_)
            | AuthError::InvalidPassword
            | AuthError::Refused(_)
            | AuthError::BadPage(_) => StatusCode::BAD_REQUEST,
            AuthError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, code, detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, body } = self;
        let retry_after = match &body {
            Body::Throttled(Throttled { retry_after, .. }) => {
                Some([(RETRY_AFTER, retry_after.to_string())])
            }
            Body::Problem(_) | Body::SecondFactorRequired(_) => None,
        };
        let response = (status, retry_after, Json(body));
        if status == StatusCode::UNAUTHORIZED {
            unauthorized(response)
        } else {
            response.into_response()
        }
    }
}

/// One thing that is wrong with a field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// For people.
    #[schema(value_type = String)]
    pub(super) message: Cow<'static, str>,
    /// For programs: the same for ever.
    #[schema(value_type = String)]
    pub(super) code: Code,
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        Self { message: violation.to_string().into(), code: violation.into() }
    }
}

impl From<&AuthError> for FieldError {
    fn from(error: &AuthError) -> Self {
        Self { message: error.to_string().into(), code: error.into() }
    }
}

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
#[expect(dead_code, reason = "only describes an answer: the code writes one of the two types")]
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

/// The further answers of an operation that takes a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithBody<BadRequest: ToSchema> {
    /// The body cannot be read, or fields of it are not valid.
    #[response(status = 400)]
    BadRequest(BadRequest),
    /// The body has more than 64 KiB.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The path does not take bodies of this content type.
    #[response(status = 415)]
    UnsupportedType(Problem),
}

/// Tells the client how to authenticate, as RFC 9110 wants it of each answer with the status 401.
pub(super) fn unauthorized(response: impl IntoResponse) -> Response {
    ([(WWW_AUTHENTICATE, "Bearer realm=\"api\"")], response).into_response()
}
