//! Why an operation was not done: as GraphQL, REST and Hasura's actions say it.

use std::borrow::Cow;

use accounts::error::{AuthError, Field, Violation, Violations};
use async_graphql::indexmap::IndexMap;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::openapi::UsersInvalid;
use crate::codes::Code;
use crate::dialects::problems::{Problem, SecondFactorRequired, Throttled, unauthorized};
use crate::graphql_error::log_unavailable;
use crate::json_body::BodyError;

/// An operation that was not done. Has no `Display`, on purpose: with one, async-graphql would convert it by
/// itself and drop the code.
#[derive(Clone, Debug)]
pub(super) struct ActionError {
    status: StatusCode,
    /// The code for GraphQL and actions. Over REST, `body` can have another code.
    code: Code,
    message: Box<str>,
    body: Body,
}

/// The body of the answer over REST. GraphQL and actions put its faults, its challenge and the time to wait into
/// `extensions`.
#[derive(Clone, Debug)]
enum Body {
    /// As in Django REST framework.
    Invalid(UsersInvalid),
    /// As in SimpleJWT.
    Problem(Problem),
    Throttled(Throttled),
    SecondFactorRequired(SecondFactorRequired),
}

/// The faults of fields, by their names.
pub(super) type Faults = IndexMap<&'static str, Vec<FieldError>>;

/// A fault of a field. REST shows only the message.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct FieldError {
    message: Cow<'static, str>,
    #[serde(skip)]
    code: Code,
}

/// The faults that are found before the core is called, in the words of Django REST framework.
impl FieldError {
    pub(super) const MISSING: Self = Self::new("This field is required.", Code::REQUIRED);
    pub(super) const NULL: Self = Self::new("This field may not be null.", Code::NULL);
    pub(super) const BLANK: Self = Self::new("This field may not be blank.", Code::BLANK);
    pub(super) const NOT_TEXT: Self = Self::new("Not a valid string.", Code::INVALID);

    pub(super) const NOT_FLAG: Self = Self::new("Must be a valid boolean.", Code::INVALID);

    const fn new(message: &'static str, code: Code) -> Self {
        Self { message: Cow::Borrowed(message), code }
    }
}

impl ActionError {
    /// A failure that belongs to no field.
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        let detail = message.into();
        let message = detail.as_str().into();
        Self { status, code, message, body: Body::Problem(Problem { detail, code }) }
    }

    /// A request that is not understood.
    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BAD_REQUEST, message)
    }

    /// Inputs that are wrong before the core sees them.
    pub(super) fn of_inputs(faults: Faults) -> Self {
        Self::from(AuthError::Invalid(Violations::default())).at(faults)
    }

    /// An error of the core, in an operation that takes a mailed token. For a token that is not valid, the status is
    /// 404.
    pub(super) fn of_mailed_token(error: AuthError) -> Self {
        let is_of_token = matches!(error, AuthError::InvalidToken | AuthError::ExpiredToken);
        let failure = Self::from(error);
        if is_of_token {
            let not_found = failure.over_rest(Code::NOT_FOUND, "Not found.");
            Self { status: StatusCode::NOT_FOUND, ..not_found }
        } else {
            failure
        }
    }

    /// With the faults of fields.
    fn at(self, faults: Faults) -> Self {
        Self { body: Body::Invalid(UsersInvalid(faults)), ..self }
    }

    /// With another code and text over REST.
    fn over_rest(self, code: Code, detail: &str) -> Self {
        Self { body: Body::Problem(Problem { detail: detail.to_owned(), code }), ..self }
    }

    /// An error of the core. `password` is the name that the operation gives to the input with the new password.
    pub(super) fn of(error: &AuthError, password: &'static str) -> Self {
        log_unavailable(error);
        let (code, message) = (Code::from(error), error.to_string());
        let failure = |status| Self::new(status, code, &*message);
        let fault = |name| {
            let fault = FieldError { message: message.clone().into(), code };
            failure(StatusCode::BAD_REQUEST).at(Faults::from([(name, vec![fault])]))
        };
        match error {
            AuthError::Invalid(violations) => {
                failure(StatusCode::BAD_REQUEST).at(faults(violations, password))
            }
            AuthError::InvalidPassword => fault("old_password"),
            AuthError::InvalidCredentials => failure(StatusCode::UNAUTHORIZED).over_rest(
                Code::NO_ACTIVE_ACCOUNT,
                "No active account found with the given credentials",
            ),
            AuthError::Unauthenticated => failure(StatusCode::UNAUTHORIZED).over_rest(
                Code::NOT_AUTHENTICATED,
                "Authentication credentials were not provided.",
            ),
            AuthError::InvalidToken | AuthError::ExpiredToken => failure(StatusCode::UNAUTHORIZED)
                .over_rest(Code::TOKEN_NOT_VALID, "Token is invalid or expired"),
            AuthError::NotVerified => failure(StatusCode::UNAUTHORIZED),
            AuthError::SecondFactorRequired { challenge }
            | AuthError::SecondFactorSetupRequired { challenge } => {
                let failure = failure(StatusCode::UNAUTHORIZED);
                let challenge = challenge.clone();
                let body = SecondFactorRequired { detail: message, code, challenge };
                Self { body: Body::SecondFactorRequired(body), ..failure }
            }
            AuthError::ReauthenticationRequired
            | AuthError::StepUpRequired
            | AuthError::PermissionDenied => failure(StatusCode::FORBIDDEN),
            AuthError::Throttled { retry_after, challenge, .. } => {
                let (retry_after, challenge) = (retry_after.get(), challenge.clone());
                let failure = failure(StatusCode::TOO_MANY_REQUESTS);
                let body = Throttled { detail: message, code, retry_after, challenge };
                Self { body: Body::Throttled(body), ..failure }
            }
            AuthError::NotFound => failure(StatusCode::NOT_FOUND),
            AuthError::Refused(_) | AuthError::BadPage(_) => fault("non_field_errors"),
            AuthError::Unavailable(_) => failure(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// As a handler of Hasura's actions answers.
    pub(super) fn action(self) -> Response {
        let body = json!({ "message": self.message, "extensions": self.extensions() });
        (self.status, Json(body)).into_response()
    }

    fn extensions(&self) -> Value {
        let mut extensions = json!({ "code": self.code, "status": self.status.as_u16() });
        match &self.body {
            Body::Invalid(UsersInvalid(faults)) => {
                let of =
                    |FieldError { message, code }: &_| json!({ "message": message, "code": code });
                let all = |faults: &Vec<_>| faults.iter().map(of).collect::<Value>();
                extensions["fields"] =
                    faults.iter().map(|(name, faults)| ((*name).to_owned(), all(faults))).collect();
            }
            Body::Problem(_) => {}
            Body::SecondFactorRequired(SecondFactorRequired { challenge, .. }) => {
                extensions["challenge"] = json!(challenge);
            }
            Body::Throttled(Throttled { retry_after, challenge, .. }) => {
                extensions["retryAfter"] = json!(retry_after);
                if let Some(challenge) = challenge {
                    extensions["challenge"] = json!(challenge);
                }
            }
        }
        extensions
    }
}

/// As Django REST framework answers.
impl IntoResponse for ActionError {
    fn into_response(self) -> Response {
        let response = match self.body {
            Body::Throttled(body) => return body.into_response(),
            Body::SecondFactorRequired(body) => return body.into_response(),
            Body::Invalid(body) => (self.status, Json(body)).into_response(),
            Body::Problem(body) => (self.status, Json(body)).into_response(),
        };
        if self.status == StatusCode::UNAUTHORIZED { unauthorized(response) } else { response }
    }
}

impl From<AuthError> for ActionError {
    fn from(error: AuthError) -> Self {
        Self::of(&error, "password")
    }
}

impl From<BodyError> for ActionError {
    fn from(body: BodyError) -> Self {
        Self::new(body.status(), body.code(), body.message())
    }
}

impl From<ActionError> for async_graphql::Error {
    fn from(failure: ActionError) -> Self {
        let mut error = Self::new(&*failure.message);
        // The extensions are an object of JSON.
        error.extensions = serde_json::from_value(failure.extensions()).ok();
        error
    }
}

fn faults(violations: &Violations, password: &'static str) -> Faults {
    let mut faults = Faults::new();
    for (field, violation) in violations.iter() {
        let name = if field.is_password() { password } else { field.snake() };
        let fault = match (field, violation) {
            // It was given, but has no visible character.
            (Field::Password, Violation::Required) => FieldError::BLANK,
            _ => FieldError { message: violation.to_string().into(), code: violation.into() },
        };
        faults.entry(name).or_default().push(fault);
    }
    faults
}
