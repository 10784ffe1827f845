//! Why an operation was not done: as GraphQL, REST and Hasura's actions say it.

use std::num::NonZeroU32;

use accounts::error::{AuthError, Field, Violation, Violations};
use async_graphql::indexmap::IndexMap;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::inputs::InputError;
use crate::codes::Code;
use crate::graphql_error::log_unavailable;
use crate::json_body::BodyError;

/// An operation that was not done. Has no `Display`, on purpose: with one, async-graphql would convert it by
/// itself and drop the code.
#[derive(Clone, Debug)]
pub(super) struct ActionError {
    status: StatusCode,
    /// The core's, for GraphQL and actions.
    code: Code,
    message: Box<str>,
    rest_body: RestBody,
    /// How long the client has to wait, after too many attempts.
    wait: Option<Box<Wait>>,
}

/// When an attempt may be made again.
#[derive(Clone, Debug)]
struct Wait {
    seconds: NonZeroU32,
    /// The challenge whose proof of work replaces the wait.
    challenge: Option<String>,
}

impl Wait {
    fn of(error: &AuthError) -> Option<Box<Self>> {
        if let AuthError::Throttled { retry_after, challenge, .. } = error {
            Some(Self { seconds: *retry_after, challenge: challenge.clone() }.into())
        } else {
            None
        }
    }

    fn add_to(&self, object: &mut Value) {
        object["retryAfter"] = self.seconds.get().into();
        if let Some(challenge) = &self.challenge {
            object["challenge"] = challenge.as_str().into();
        }
    }
}

/// The names of inputs in the failures of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording {
    /// The input that is a new password.
    pub(super) password: &'static str,
    /// Whether the token that it takes was mailed: one that is not good is then not found.
    pub(super) takes_mailed_token: bool,
}

/// The form of a failure over REST.
#[derive(Clone, Debug)]
enum RestBody {
    /// Field name to messages, as Django REST framework does.
    Fields(IndexMap<&'static str, Vec<FieldError>>),
    /// `{detail, code}`, as SimpleJWT does.
    Detail(String, Code),
}

/// A fault of a field.
#[derive(Clone, Debug)]
struct FieldError {
    message: String,
    code: Code,
}

impl InputError {
    fn fault(self) -> FieldError {
        let (message, code) = match self {
            Self::Missing => ("This field is required.", Code::REQUIRED),
            Self::Null => ("This field may not be null.", Code::NULL),
            Self::Blank => ("This field may not be blank.", Code::BLANK),
            Self::NotText => ("Not a valid string.", Code::INVALID),
        };
        FieldError { message: message.to_owned(), code }
    }
}

impl ActionError {
    /// A failure that belongs to no field.
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let rest_body = RestBody::Detail(message.clone(), code);
        Self { status, code, message: message.into(), rest_body, wait: None }
    }

    /// A request that is not understood.
    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BAD_REQUEST, message)
    }

    /// Inputs that are wrong before the core sees them, each by its name.
    pub(super) fn of_inputs(wrong: Vec<(&'static str, InputError)>) -> Self {
        let invalid = AuthError::Invalid(Violations::default());
        let fields = wrong.into_iter().map(|(name, what)| (name, vec![what.fault()])).collect();
        Self {
            status: StatusCode::BAD_REQUEST,
            code: Code::from(&invalid),
            message: invalid.to_string().into(),
            rest_body: RestBody::Fields(fields),
            wait: None,
        }
    }

    /// An error of the core.
    pub(super) fn of(error: AuthError, wording: &Wording) -> Self {
        log_unavailable(&error);
        let (code, message) = (Code::from(&error), error.to_string());
        let detail = |detail: &str, code| RestBody::Detail(detail.to_owned(), code);
        let about = |field| {
            let fault = FieldError { message: message.clone(), code };
            (StatusCode::BAD_REQUEST, RestBody::Fields(IndexMap::from([(field, vec![fault])])))
        };
        let wait = Wait::of(&error);
        let (status, rest_body) = match error {
            AuthError::Invalid(violations) => {
                (StatusCode::BAD_REQUEST, RestBody::Fields(faults(&violations, wording)))
            }
            AuthError::InvalidPassword => about("old_password"),
            AuthError::InvalidCredentials => (
                StatusCode::UNAUTHORIZED,
                detail(
                    "No active account found with the given credentials",
                    Code::NO_ACTIVE_ACCOUNT,
                ),
            ),
            AuthError::NotVerified => (StatusCode::UNAUTHORIZED, detail(&message, code)),
            AuthError::ReauthenticationRequired | AuthError::PermissionDenied => {
                (StatusCode::FORBIDDEN, detail(&message, code))
            }
            AuthError::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                detail("Authentication credentials were not provided.", Code::NOT_AUTHENTICATED),
            ),
            AuthError::InvalidToken | AuthError::ExpiredToken if wording.takes_mailed_token => {
                (StatusCode::NOT_FOUND, detail("Not found.", Code::NOT_FOUND))
            }
            AuthError::InvalidToken | AuthError::ExpiredToken => (
                StatusCode::UNAUTHORIZED,
                detail("Token is invalid or expired", Code::TOKEN_NOT_VALID),
            ),
            AuthError::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, detail(&message, code)),
            AuthError::NotFound => (StatusCode::NOT_FOUND, detail(&message, code)),
            AuthError::EmailTaken
            | AuthError::SecondaryEmailRequired
            | AuthError::LastOfStaff
            | AuthError::AlreadyVerified
            | AuthError::PasswordAlreadySet
            | AuthError::InvalidCode
            | AuthError::ExpiredCode
            | AuthError::TooManyAttempts
            | AuthError::PicturesOff
            | AuthError::BadPage(_) => about("non_field_errors"),
            AuthError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, detail(&message, code)),
        };
        Self { status, code, message: message.into(), rest_body, wait }
    }

    /// As Django REST framework answers.
    pub(super) fn rest(self) -> Response {
        let body = match self.rest_body {
            RestBody::Fields(fields) => {
                let messages =
                    |faults: Vec<FieldError>| faults.into_iter().map(|fault| fault.message);
                let fields = fields.into_iter();
                fields
                    .map(|(name, faults)| (name.to_owned(), messages(faults).collect::<Value>()))
                    .collect()
            }
            RestBody::Detail(detail, code) => {
                let mut body = json!({ "detail": detail, "code": code });
                if let Some(wait) = &self.wait {
                    wait.add_to(&mut body);
                }
                body
            }
        };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"api\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = &self.wait {
            response.headers_mut().insert(RETRY_AFTER, wait.seconds.get().into());
        }
        response
    }

    /// As a handler of Hasura's actions answers.
    pub(super) fn action(self) -> Response {
        let body = json!({ "message": self.message, "extensions": self.extensions() });
        (self.status, Json(body)).into_response()
    }

    fn extensions(&self) -> Value {
        let mut extensions = json!({ "code": self.code, "status": self.status.as_u16() });
        if let Some(wait) = &self.wait {
            wait.add_to(&mut extensions);
        }
        if let RestBody::Fields(fields) = &self.rest_body {
            let member =
                |fault: &FieldError| json!({ "message": fault.message, "code": fault.code });
            let fields = fields.iter().map(|(name, faults)| {
                ((*name).to_owned(), faults.iter().map(member).collect::<Value>())
            });
            extensions["fields"] = fields.collect();
        }
        extensions
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
        let extensions = error.extensions.get_or_insert_default();
        if let Value::Object(all) = failure.extensions() {
            for (name, value) in all {
                extensions.set(name, async_graphql::Value::from_json(value).unwrap_or_default());
            }
        }
        error
    }
}

fn faults(violations: &Violations, wording: &Wording) -> IndexMap<&'static str, Vec<FieldError>> {
    let mut fields: IndexMap<_, Vec<_>> = IndexMap::new();
    for (field, violation) in violations.iter() {
        let name = if field.is_password() { wording.password } else { field.snake() };
        let fault = match (field, violation) {
            // It was given, but has no visible character.
            (Field::Password, Violation::Required) => InputError::Blank.fault(),
            _ => FieldError { message: violation.to_string(), code: violation.into() },
        };
        fields.entry(name).or_default().push(fault);
    }
    fields
}
