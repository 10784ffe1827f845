//! Failures that are GraphQL errors, and what all fronts do with a failure.

use accounts::error::{AuthError, Field, Report, Violations};
use async_graphql::{ErrorExtensions, Name, Value, value};
use axum::http::StatusCode;

use crate::codes::Code;

/// A GraphQL error with a stable code. Has no `Display`, on purpose: with one, async-graphql would
/// convert it by itself and drop the code.
#[derive(Clone, Debug)]
pub(crate) struct GraphQlError {
    pub(crate) message: String,
    pub(crate) code: Code,
    /// Further extensions of a dialect, beside the code.
    pub(crate) more: Vec<(&'static str, Value)>,
}

/// The type of a nullable field that can fail. Not `Result<Option<T>, _>`: with that, a failure would
/// take all of `data` with it instead of leaving null in the field's place.
pub(crate) type Nullable<T> = Option<Result<T, GraphQlError>>;

impl GraphQlError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, more: Vec::new() }
    }

    /// Adds an extension.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }
}

impl From<GraphQlError> for async_graphql::Error {
    fn from(refused: GraphQlError) -> Self {
        Self::new(refused.message).extend_with(|_, extensions| {
            extensions.set("code", refused.code.as_str());
            for (name, value) in refused.more {
                extensions.set(name, value);
            }
        })
    }
}

impl From<AuthError> for GraphQlError {
    fn from(error: AuthError) -> Self {
        log_unavailable(&error);
        let refusal = Self::new(Code::from(&error), error.to_string());
        if let AuthError::Throttled { retry_after, challenge, .. } = error {
            let refusal = refusal.with("retryAfter", retry_after.get().into());
            match challenge {
                Some(challenge) => refusal.with("challenge", challenge.into()),
                None => refusal,
            }
        } else if let AuthError::SecondFactorRequired { challenge }
        | AuthError::SecondFactorSetupRequired { challenge } = error
        {
            refusal.with("challenge", challenge.into())
        } else {
            refusal
        }
    }
}

/// The error, with `extensions.fields` if inputs are at fault.
pub(crate) fn with_fields(error: AuthError) -> GraphQlError {
    let at_fault =
        if let AuthError::Invalid(violations) = &error { Some(fields(violations)) } else { None };
    let error = GraphQlError::from(error);
    match at_fault {
        Some(fields) => error.with("fields", fields),
        None => error,
    }
}

/// Field to a list of `{message, code}`.
fn fields(violations: &Violations) -> Value {
    let mut fields = async_graphql::indexmap::IndexMap::<Name, Value>::new();
    for (field, violation) in violations.iter() {
        let list = fields.entry(Name::new(name(field))).or_insert_with(|| Value::List(Vec::new()));
        if let Value::List(list) = list {
            list.push(value!({ "message": violation.to_string(), "code": violation.code() }));
        }
    }
    Value::Object(fields)
}

/// The input's name. In the schemas whose failures are GraphQL errors, no second input repeats a password. So a fault
/// of the repetition has the name of the password.
fn name(field: Field) -> &'static str {
    if field.is_password() { Field::Password.camel() } else { field.camel() }
}

/// Logs the cause if a dependency failed: the answer does not reveal it. Each front calls this once, where an error
/// becomes its answer.
pub(crate) fn log_unavailable(error: &AuthError) {
    if let AuthError::Unavailable(_) = error {
        tracing::error!(error = %Report(error), "a dependency failed");
    }
}

/// A GraphQL request that is not executed: its status, and why.
pub(crate) struct HttpError(pub(crate) StatusCode, pub(crate) GraphQlError);

/// The rejection of a request that does not follow GraphQL over HTTP.
pub(crate) fn bad_request(message: impl Into<String>) -> HttpError {
    HttpError(StatusCode::BAD_REQUEST, GraphQlError::new(Code::BAD_REQUEST, message))
}
