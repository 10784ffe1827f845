//! Why an operation was not done: as GraphQL, REST and Hasura's actions say it.

use std::borrow::Cow;

use accounts::error::{AuthError, Field, Violation, Violations};
use async_graphql::indexmap::IndexMap;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use super::openapi::UsersInvalid;
use crate::codes::Code;
use crate::dialects::problems::{Failure, FieldError};
use crate::graphql_error::GraphQlError;
use crate::json_body::BodyError;

/// An operation that was not done. Has no `Display`, on purpose: with one, async-graphql would convert it by
/// itself and drop the code.
#[derive(Clone, Debug)]
pub(super) struct ActionError {
    /// The error of GraphQL and of actions. The conversion into an [`async_graphql::Error`] adds the status and the
    /// faults of fields.
    error: GraphQlError,
    /// The answer over REST, which can have another code and text.
    over_rest: Box<RestAnswer>,
}

/// An answer of Django REST framework or SimpleJWT.
#[derive(Clone, Debug)]
enum RestAnswer {
    Invalid(Faults),
    Failure(Failure),
}

/// The faults of fields, by their names.
pub(super) type Faults = IndexMap<&'static str, Vec<FieldError>>;

// Faults that are found before the core is called, in the words of Django REST framework.
pub(super) const MISSING: FieldError = fault("This field is required.", Code::REQUIRED);
pub(super) const NULL: FieldError = fault("This field may not be null.", Code::NULL);
pub(super) const BLANK: FieldError = fault("This field may not be blank.", Code::BLANK);
pub(super) const NOT_TEXT: FieldError = fault("Not a valid string.", Code::INVALID);
pub(super) const NOT_FLAG: FieldError = fault("Must be a valid boolean.", Code::INVALID);

const fn fault(message: &'static str, code: Code) -> FieldError {
    FieldError { message: Cow::Borrowed(message), code }
}

impl RestAnswer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Failure(failure) => failure.status,
        }
    }
}

impl ActionError {
    /// A failure that belongs to no field.
    pub(super) fn new(status: StatusCode, code: Code, message: &str) -> Self {
        let failure = Failure::new(status, code, message);
        Self::with(GraphQlError::new(code, message), RestAnswer::Failure(failure))
    }

    /// A request that is not understood.
    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BAD_REQUEST, message)
    }

    /// Inputs that are wrong before the core sees them.
    pub(super) fn of_inputs(faults: Faults) -> Self {
        Self::with(AuthError::Invalid(Violations::default()), RestAnswer::Invalid(faults))
    }

    /// An error of the core, in an operation that takes a mailed token. For a token that is not valid, the status is
    /// 404.
    pub(super) fn of_mailed_token(error: AuthError) -> Self {
        if matches!(error, AuthError::InvalidToken | AuthError::ExpiredToken) {
            let not_found = Failure::new(StatusCode::NOT_FOUND, Code::NOT_FOUND, "Not found.");
            Self::with(error, RestAnswer::Failure(not_found))
        } else {
            error.into()
        }
    }

    /// An error of the core. `password` is the name that the operation gives to the input with the new password.
    pub(super) fn of(error: AuthError, password: &'static str) -> Self {
        let fault =
            |name| RestAnswer::Invalid(Faults::from([(name, vec![FieldError::from(&error)])]));
        let unauthorized = |code, detail| {
            RestAnswer::Failure(Failure::new(StatusCode::UNAUTHORIZED, code, detail))
        };
        let over_rest = match &error {
            AuthError::Invalid(violations) => RestAnswer::Invalid(faults(violations, password)),
            AuthError::InvalidPassword => fault("old_password"),
            AuthError::Refused(_) | AuthError::BadPage(_) => fault("non_field_errors"),
            AuthError::InvalidCredentials => unauthorized(
                Code::NO_ACTIVE_ACCOUNT,
                "No active account found with the given credentials",
            ),
            AuthError::Unauthenticated => unauthorized(
                Code::NOT_AUTHENTICATED,
                "Authentication credentials were not provided.",
            ),
            AuthError::InvalidToken | AuthError::ExpiredToken => {
                unauthorized(Code::TOKEN_NOT_VALID, "Token is invalid or expired")
            }
            AuthError::NotVerified => unauthorized((&error).into(), &error.to_string()),
            AuthError::SecondFactorRequired { .. }
            | AuthError::SecondFactorSetupRequired { .. }
            | AuthError::ReauthenticationRequired
            | AuthError::StepUpRequired
            | AuthError::PermissionDenied
            | AuthError::Throttled { .. }
            | AuthError::NotFound
            | AuthError::Unavailable(_) => RestAnswer::Failure((&error).into()),
        };
        Self::with(error, over_rest)
    }

    /// Logs a dependency that failed, as each conversion into a [`GraphQlError`] does.
    fn with(error: impl Into<GraphQlError>, over_rest: RestAnswer) -> Self {
        Self { error: error.into(), over_rest: Box::new(over_rest) }
    }

    /// As a handler of Hasura's actions answers.
    pub(super) fn action(self) -> Response {
        let status = self.over_rest.status();
        let async_graphql::Error { message, extensions, .. } = self.into();
        (status, Json(json!({ "message": message, "extensions": extensions }))).into_response()
    }
}

/// As Django REST framework answers.
impl IntoResponse for ActionError {
    fn into_response(self) -> Response {
        match *self.over_rest {
            RestAnswer::Invalid(faults) => {
                (StatusCode::BAD_REQUEST, Json(UsersInvalid::from(faults))).into_response()
            }
            RestAnswer::Failure(failure) => failure.into_response(),
        }
    }
}

impl From<AuthError> for ActionError {
    fn from(error: AuthError) -> Self {
        Self::of(error, "password")
    }
}

impl From<BodyError> for ActionError {
    fn from(body: BodyError) -> Self {
        Self::new(body.status(), body.code(), body.message())
    }
}

impl From<ActionError> for async_graphql::Error {
    fn from(ActionError { error, over_rest }: ActionError) -> Self {
        let error = error.with("status", over_rest.status().as_u16().into());
        match *over_rest {
            // Texts and codes always become values of GraphQL.
            RestAnswer::Invalid(faults) => {
                error.with("fields", async_graphql::to_value(faults).unwrap_or_default())
            }
            RestAnswer::Failure(_) => error,
        }
        .into()
    }
}

fn faults(violations: &Violations, password: &'static str) -> Faults {
    let mut faults = Faults::new();
    for (field, violation) in violations.iter() {
        let name = if field.is_password() { password } else { field.snake() };
        let fault = match (field, violation) {
            // It was given, but has no visible character.
            (Field::Password, Violation::Required) => BLANK,
            _ => violation.into(),
        };
        faults.entry(name).or_default().push(fault);
    }
    faults
}
