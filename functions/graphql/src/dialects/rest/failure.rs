//! Failures: `{detail, code}`, and with them, for inputs that do not fit, the fields.

use std::collections::BTreeMap;

use accounts::error::{AuthError, Field, Report, Violation};
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::form::Refused;
use crate::json_body::BadBody;

/// Why a request is not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The body is none.
    Body(BadBody),
    /// Fields that are missing, or hold something else than text.
    Form(Vec<Refused>),
    /// What the core says.
    Account(AuthError),
}

impl From<BadBody> for Failure {
    fn from(bad: BadBody) -> Self {
        Self::Body(bad)
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        Self::Account(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Body(bad) => problem(bad.status(), bad.code(), bad.message()),
            Self::Form(refused) => invalid(refused),
            Self::Account(error) => refused(&error),
        }
    }
}

/// What went wrong inside is logged here, once, and not told.
fn refused(error: &AuthError) -> Response {
    let status = match error {
        AuthError::Invalid(violations) => {
            return invalid(violations.iter().map(|(field, violation)| (name(field), violation)));
        }
        AuthError::InvalidCredentials
        | AuthError::Unauthenticated
        | AuthError::InvalidToken
        | AuthError::ExpiredToken => StatusCode::UNAUTHORIZED,
        AuthError::NotVerified | AuthError::ReauthenticationRequired => StatusCode::FORBIDDEN,
        AuthError::NotFound => StatusCode::NOT_FOUND,
        AuthError::InvalidPassword
        | AuthError::EmailTaken
        | AuthError::SecondaryEmailRequired
        | AuthError::AlreadyVerified
        | AuthError::PasswordAlreadySet
        | AuthError::InvalidCode
        | AuthError::ExpiredCode
        | AuthError::TooManyAttempts
        | AuthError::BadPage(_)
        | AuthError::PicturesOff => StatusCode::BAD_REQUEST,
        AuthError::Unavailable(_) => {
            tracing::error!(error = %Report(error), "a dependency failed");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    let response = problem(status, error.code(), &error.to_string());
    if status == StatusCode::UNAUTHORIZED {
        ([(WWW_AUTHENTICATE, "Bearer")], response).into_response()
    } else {
        response
    }
}

/// What the wire calls an input.
fn name(field: Field) -> &'static str {
    match field {
        Field::Email => "email",
        Field::Username => "username",
        Field::Password => "password",
        Field::FirstName => "first_name",
        Field::LastName => "last_name",
        Field::Position => "position",
        Field::Department => "department",
        Field::PasswordConfirmation => "password_confirmation",
        Field::ProfilePicture => "profile_picture",
    }
}

/// The answer to a method that a path does not have; the router adds which it has.
pub(super) async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This method is not allowed.")
}

fn problem(status: StatusCode, code: &'static str, detail: &str) -> Response {
    (status, Json(Problem { detail: detail.to_owned(), code })).into_response()
}

fn invalid(refused: impl IntoIterator<Item = (&'static str, Violation)>) -> Response {
    let mut errors = BTreeMap::<_, Vec<_>>::new();
    let mut messages = BTreeMap::<_, Vec<_>>::new();
    for (name, violation) in refused {
        let (message, code) = (violation.to_string(), violation.code());
        messages.entry(name).or_default().push(message.clone());
        errors.entry(name).or_default().push(FieldError { message, code });
    }
    let detail = "Some fields are not valid.";
    let body = Invalid { detail, code: "invalid", errors, messages };
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Why a request was not done.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    /// For people.
    detail: String,
    /// For programs: the same for ever.
    code: &'static str,
}

/// What is wrong with the fields. Each is there twice: by itself with what to show beside it, and in
/// `errors` with the codes of the same.
#[derive(Serialize, ToSchema)]
pub(super) struct Invalid {
    detail: &'static str,
    /// `invalid`
    code: &'static str,
    errors: BTreeMap<&'static str, Vec<FieldError>>,
    #[serde(flatten)]
    messages: BTreeMap<&'static str, Vec<String>>,
}

/// One thing that is wrong with a field.
#[derive(Serialize, ToSchema)]
pub(super) struct FieldError {
    /// For people.
    message: String,
    /// For programs: the same for ever.
    code: &'static str,
}

/// A body that is no JSON object, fields that do not fit, or what the operation refuses.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is written as one of the two")]
pub(super) enum BadRequest {
    Invalid(Invalid),
    Problem(Problem),
}

/// What any operation may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum Always {
    /// It broke, and nobody knows at what point. `request_id` leads to the log.
    #[response(status = 500)]
    Broken(crate::panics::InternalError),
    /// A service that we depend on did not answer. Nothing was half done; trying again is safe.
    #[response(status = 503)]
    Unavailable(Problem),
}

/// What an operation may answer that takes a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithBody {
    /// The body is no JSON object, or fields of it do not fit.
    #[response(status = 400)]
    BadRequest(BadRequest),
    /// The body has more than 64 KiB.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedType(Problem),
}

/// What an operation may answer that asks who somebody is.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithProof {
    /// Nobody is logged in with that, or it is not valid any more.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer`")))]
    Unauthorized(Problem),
}
