//! Failures that are GraphQL errors.

use accounts::error::{AuthError, Report};
use async_graphql::{ErrorExtensions, Value};

use crate::codes::Code;

/// A GraphQL error with a stable code. Has no `Display`, on purpose: with one, async-graphql would
/// convert it by itself and drop the code.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) code: Code,
    /// What a dialect tells beside the code.
    pub(crate) more: Vec<(&'static str, Value)>,
}

/// The type of a nullable field that can fail. Not `Result<Option<T>, _>`: with that, a failure would
/// take all of `data` with it instead of leaving null in the field's place.
pub(crate) type Nullable<T> = Option<Result<T, Refusal>>;

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, more: Vec::new() }
    }

    /// Tells one thing more.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }
}

impl From<Refusal> for async_graphql::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.message).extend_with(|_, extensions| {
            extensions.set("code", refusal.code.as_str());
            for (name, value) in refusal.more {
                extensions.set(name, value);
            }
        })
    }
}

impl From<AuthError> for Refusal {
    /// What went wrong inside is logged here, once, and not told.
    fn from(error: AuthError) -> Self {
        if let AuthError::Unavailable(_) = error {
            tracing::error!(error = %Report(&error), "a dependency failed");
        }
        Self::new(Code::from(&error), error.to_string())
    }
}
