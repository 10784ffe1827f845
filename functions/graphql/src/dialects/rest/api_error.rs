//! Failures: `{detail, code}`, and with them, for inputs that are not valid, the fields. A token that is not valid is
//! refused as in SimpleJWT.

use std::borrow::Cow;
use std::collections::BTreeMap;

use accounts::error::{AuthError, Field};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::form::FormError;
use crate::codes::Code;
use crate::dialects::problems::{self, Failure, FieldError, LogInRefused, Problem, unauthorized};
use crate::graphql_error::log_unavailable;
use crate::json_body::BodyError;

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The body cannot be read.
    Body(BodyError),
    /// Fields that are missing, or have a value that is not text.
    Form(Vec<FormError>),
    /// The request came without an access token.
    NoToken,
    /// The access token of the request is not valid.
    AccessToken(AuthError),
    /// An error of the core.
    Account(AuthError),
    /// An error of the core, in an operation that takes a new password.
    NewPassword(AuthError),
}

impl From<BodyError> for ApiError {
    fn from(bad: BodyError) -> Self {
        Self::Body(bad)
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        Self::Account(error)
    }
}

/// The names of inputs that differ between operations.
#[derive(Clone, Copy)]
struct Inputs {
    password: &'static str,
    /// The password that confirms the operation.
    present: &'static str,
    has_mailed_token: bool,
}

const USUAL: Inputs = Inputs { password: "password", present: "password", has_mailed_token: false };
const NEW_PASSWORD: Inputs =
    Inputs { password: "new_password", present: "old_password", has_mailed_token: true };

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(bad) => problem(bad.status(), bad.code(), body_message(bad)),
            Self::Form(refused) => {
                invalid(refused.into_iter().map(|(name, violation)| (name, violation.into())))
            }
            Self::NoToken => {
                let code = Code::from(&AuthError::Unauthenticated);
                problem(StatusCode::UNAUTHORIZED, code, NO_TOKEN)
            }
            Self::AccessToken(AuthError::InvalidToken | AuthError::Unauthenticated) => {
                access_token(INVALID)
            }
            Self::AccessToken(AuthError::ExpiredToken) => access_token(EXPIRED),
            Self::AccessToken(error) | Self::Account(error) => refused(&error, USUAL),
            Self::NewPassword(error) => refused(&error, NEW_PASSWORD),
        }
    }
}

/// Texts of Django REST framework and SimpleJWT.
const NO_TOKEN: &str = "Authentication credentials were not provided.";
const NOT_HONOURED: &str = "Given token not valid for any token type";
const INVALID: &str = "Token is invalid";
const EXPIRED: &str = "Token is expired";

fn body_message(bad: BodyError) -> &'static str {
    match bad {
        BodyError::UnsupportedType => {
            "The Content-Type must be application/json, application/x-www-form-urlencoded or \
             multipart/form-data."
        }
        BodyError::TooLarge | BodyError::NotAnObject | BodyError::NotAForm => bad.message(),
    }
}

fn refused(error: &AuthError, inputs: Inputs) -> Response {
    log_unavailable(error);
    match error {
        AuthError::Invalid(violations) => {
            let refused = violations.iter();
            invalid(refused.map(|(field, violation)| (name(field, inputs), violation.into())))
        }
        AuthError::InvalidPassword => invalid([(inputs.present, error.into())]),
        AuthError::InvalidToken | AuthError::ExpiredToken if inputs.has_mailed_token => {
            invalid([("token", error.into())])
        }
        AuthError::InvalidToken => token(INVALID),
        AuthError::ExpiredToken => token(EXPIRED),
        // The session ended during the request: its token is not valid any more.
        AuthError::Unauthenticated => access_token(INVALID),
        AuthError::InvalidCredentials
        | AuthError::NotVerified
        | AuthError::ReauthenticationRequired
        | AuthError::StepUpRequired
        | AuthError::PermissionDenied
        | AuthError::SecondFactorRequired { .. }
        | AuthError::SecondFactorSetupRequired { .. }
        | AuthError::Throttled { .. }
        | AuthError::NotFound
        | AuthError::Refused(_)
        | AuthError::BadPage(_)
        | AuthError::Unavailable(_) => Failure::from(error).into_response(),
    }
}

/// As SimpleJWT refuses a token in a body. Clients refresh, or log in, when they see the code.
fn token(detail: &str) -> Response {
    problem(StatusCode::UNAUTHORIZED, Code::TOKEN_NOT_VALID, detail)
}

/// As SimpleJWT refuses the token of the `Authorization` header.
fn access_token(message: &'static str) -> Response {
    let message = TokenMessage { token_class: "AccessToken", token_type: "access", message };
    let body =
        NotHonoured { detail: NOT_HONOURED, code: Code::TOKEN_NOT_VALID, messages: [message] };
    unauthorized((StatusCode::UNAUTHORIZED, Json(body)))
}

/// The name of an input on the wire.
fn name(field: Field, inputs: Inputs) -> &'static str {
    if field == Field::Password { inputs.password } else { field.snake() }
}

/// The answer to a method that a path does not have; the router adds the methods that it has (`Allow`).
pub(super) async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, Code::METHOD_NOT_ALLOWED, "This method is not allowed.")
}

/// What each answer about fields has besides the fields.
const RESERVED: [&str; 3] = ["detail", "code", "errors"];

fn problem(status: StatusCode, code: Code, detail: &str) -> Response {
    Failure::new(status, code, detail).into_response()
}

fn invalid(refused: impl IntoIterator<Item = (&'static str, FieldError)>) -> Response {
    let mut errors = BTreeMap::<_, Vec<_>>::new();
    let mut messages = BTreeMap::<_, Vec<_>>::new();
    for (name, error) in refused {
        // A field of that name would be in the body twice. So only `errors` has it.
        if !RESERVED.contains(&name) {
            messages.entry(name).or_default().push(error.message.clone());
        }
        errors.entry(name).or_default().push(error);
    }
    let detail = "Some fields are not valid.";
    let body = Invalid { detail, code: Code::INVALID, errors, messages };
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Why an access token is not honoured.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotHonoured {
    detail: &'static str,
    /// `token_not_valid`
    #[schema(value_type = String)]
    code: Code,
    messages: [TokenMessage; 1],
}

/// The fault of a token.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenMessage {
    /// `AccessToken`
    token_class: &'static str,
    /// `access`
    token_type: &'static str,
    /// For people.
    message: &'static str,
}

/// The faults of the fields. Each field is there twice: by its name with the messages, and in `errors` with messages
/// and codes. A field of the name `code` is in `errors` only.
#[derive(Serialize, ToSchema)]
pub(super) struct Invalid {
    detail: &'static str,
    /// `invalid`
    #[schema(value_type = String)]
    code: Code,
    errors: BTreeMap<&'static str, Vec<FieldError>>,
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    messages: BTreeMap<&'static str, Vec<Cow<'static, str>>>,
}

/// A request without a token, or with one that is not honoured.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes an answer: the code writes one of the two types")]
pub(super) enum NotAuthorized {
    NotHonoured(NotHonoured),
    Problem(Problem),
}

/// A body that is no JSON object or form, fields that do not fit, or what the operation refuses.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes an answer: the code writes one of the two types")]
pub(super) enum BadRequest {
    Invalid(Invalid),
    Problem(Problem),
}

/// The further answers of an operation that takes a body.
pub(super) type WithBody = problems::WithBody<BadRequest>;

/// The further answers of an operation that takes credentials or a token in its body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithProof {
    /// The credentials or the token are wrong, or not valid any more. For a token, the code is `token_not_valid`.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
    Unauthorized(Problem),
}

/// The further answers of a log-in by a password.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithLogIn {
    /// The credentials are wrong; or they are right, and the user has a second factor, or must add one.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
    Unauthorized(LogInRefused),
}

/// The further answers of an operation for which a user with a second factor must prove this factor.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithStepUp {
    /// The address was not proven yet; or `step_up_required`: the user has a second factor, and has not proven it in the
    /// last five minutes.
    #[response(status = 403)]
    Forbidden(Problem),
}

/// The further answers of an operation that needs an access token.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
pub(super) enum WithToken {
    /// There is no access token, or one that is not valid: it is malformed or expired, its session has ended, or the
    /// account was deleted. For a token that is not valid, the code is `token_not_valid`.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
    Unauthorized(NotAuthorized),
}
