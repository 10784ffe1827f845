//! The trait of operations, and the functions that run them for each API.

use std::pin::Pin;

use accounts::error::AuthError;
use async_graphql::{Context, OutputType};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::action_error::{ActionError, Wording};
use super::call::Call;
use super::inputs::InputError;
use crate::json_body::Fields;

/// An operation. The type that implements it is its input: each API reads one, and runs it.
pub(super) trait Operation: DeserializeOwned + Send + 'static {
    /// The answer of the operation.
    type Output: OutputType + Serialize;

    /// The names of inputs in its failures.
    const WORDING: Wording = Wording { password: "password", takes_mailed_token: false };

    /// Parses the inputs, calls the core, and translates its answer.
    fn run(self, call: &Call<'_>) -> impl Future<Output = Result<Self::Output, Stop>> + Send;
}

/// Why an operation stopped.
pub(super) enum Stop {
    /// The core was not asked: these inputs are wrong, each by its name.
    Inputs(Vec<(&'static str, InputError)>),
    /// The core refused.
    Core(AuthError),
}

impl From<AuthError> for Stop {
    fn from(error: AuthError) -> Self {
        Self::Core(error)
    }
}

/// Runs an operation, and words its failure.
pub(super) async fn run<O: Operation>(call: &Call<'_>, input: O) -> Result<O::Output, ActionError> {
    input.run(call).await.map_err(|stop| match stop {
        Stop::Inputs(wrong) => ActionError::of_inputs(wrong),
        Stop::Core(error) => ActionError::of(error, &O::WORDING),
    })
}

/// The answer of a field of the schema: null where it failed.
pub(super) type Answer<O> = Option<Result<<O as Operation>::Output, ActionError>>;

/// Runs an operation as a field of the schema.
pub(super) async fn field<O: Operation>(ctx: &Context<'_>, input: O) -> Answer<O> {
    Some(run(&Call::of(ctx), input).await)
}

/// Reads the input of an operation from JSON, and runs it.
pub(super) async fn from_json<O: Operation>(
    call: &Call<'_>,
    fields: Fields,
) -> Result<O::Output, ActionError> {
    // No member is refused here: `Text` takes any JSON, and its faults are reported later.
    let input = serde_json::from_value::<O>(Value::Object(fields));
    let input = input.map_err(|_| ActionError::bad_request("The input cannot be read."))?;
    run(call, input).await
}

/// An operation whose input and output are JSON.
pub(super) type Handler = for<'a> fn(&'a Call<'a>, Fields) -> Running<'a>;

/// A handler that runs.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Value, ActionError>> + Send + 'a>>;

/// The handler of an operation.
pub(super) fn handle<'a, O: Operation>(call: &'a Call<'a>, fields: Fields) -> Running<'a> {
    Box::pin(async move {
        let answer = from_json::<O>(call, fields).await?;
        // Texts, numbers and flags always become JSON.
        Ok(serde_json::to_value(answer).unwrap_or_default())
    })
}
