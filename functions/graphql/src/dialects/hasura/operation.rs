//! The trait of operations, and how each API calls one.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::Client;
use accounts::operations::Caller;
use async_graphql::{Context, OutputType};
use axum::http::request::Parts;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::HasuraSettings;
use super::action_error::ActionError;
use crate::App;
use crate::caller::RequestCaller;
use crate::json_body::Fields;

/// An operation. The type that implements it is its input: each API reads one, and runs it.
pub(super) trait Operation: DeserializeOwned + Send + 'static {
    /// The answer of the operation.
    type Output: OutputType + Serialize;

    /// Parses the inputs, calls the core, and translates its answer.
    fn run(self, call: &Call<'_>)
    -> impl Future<Output = Result<Self::Output, ActionError>> + Send;
}

/// One call of an operation.
pub(super) struct Call<'a> {
    pub(super) accounts: &'a Accounts,
    /// Where the call came from, and whether a session that it opens gets a new refresh token at each refresh.
    pub(super) client: Client,
    pub(super) request: &'a RequestCaller,
}

impl<'a> Call<'a> {
    fn new(accounts: &'a Accounts, request: &'a RequestCaller, settings: &HasuraSettings) -> Self {
        let HasuraSettings { refresh_tokens, .. } = *settings;
        let client = Client { refresh_tokens, ..request.client().clone() };
        Self { accounts, client, request }
    }

    /// The caller.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] without a token, [`AuthError::InvalidToken`] for one that is not valid: clients
    /// ask for a log-in on the one, and refresh on the other. [`AuthError::Unavailable`].
    pub(super) async fn caller(&self) -> Result<Caller, AuthError> {
        match self.request.require().await {
            Err(AuthError::Unauthenticated) if self.request.has_token() => {
                Err(AuthError::InvalidToken)
            }
            asked => asked,
        }
    }
}

/// The answer of a field of the schema: null where it failed.
pub(super) type Answer<O> = Option<Result<<O as Operation>::Output, ActionError>>;

/// Runs an operation as a field of the schema.
pub(super) async fn field<O: Operation>(ctx: &Context<'_>, input: O) -> Answer<O> {
    let call = Call::new(ctx.data_unchecked(), ctx.data_unchecked(), ctx.data_unchecked());
    Some(input.run(&call).await)
}

/// Reads the input of an operation from JSON, and runs it for the caller that the `Authorization` header identifies.
/// The rest of the request does not count.
pub(super) async fn from_json<O: Operation>(
    app: &App,
    request: &Parts,
    fields: Fields,
) -> Result<O::Output, ActionError> {
    // No member is refused here: `Given` takes any JSON, and its faults are reported later.
    let input = serde_json::from_value::<O>(Value::Object(fields));
    let input = input.map_err(|_| ActionError::bad_request("The input cannot be read."))?;
    let settings = &app.settings.hasura;
    let caller = RequestCaller::by_header(app.accounts.clone(), request);
    let is_hasura = settings.is_sent_by_hasura(&request.headers);
    let caller = if is_hasura { caller.with_shared_ip() } else { caller };
    input.run(&Call::new(&app.accounts, &caller, settings)).await
}

/// An operation whose input and output are JSON.
pub(super) type Action =
    for<'a> fn(&'a App, &'a Parts, Fields) -> BoxFuture<'a, Result<Value, ActionError>>;

/// Runs an operation as an action.
pub(super) fn action<'a, O: Operation>(
    app: &'a App,
    request: &'a Parts,
    fields: Fields,
) -> BoxFuture<'a, Result<Value, ActionError>> {
    Box::pin(async move {
        let answer = from_json::<O>(app, request, fields).await?;
        // Texts, numbers and flags always become JSON.
        Ok(serde_json::to_value(answer).unwrap_or_default())
    })
}
