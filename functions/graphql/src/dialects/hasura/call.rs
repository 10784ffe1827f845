//! The call of an operation, the same for each API.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::Client;
use accounts::operations::Caller;
use async_graphql::Context;
use axum::http::request::Parts;

use super::HasuraSettings;
use crate::App;
use crate::caller::RequestCaller;

/// One call of an operation.
pub(super) struct Call<'a> {
    pub(super) accounts: &'a Accounts,
    /// Where it came from, and what becomes of the refresh token of a session that it opens.
    pub(super) client: Client,
    pub(super) request: &'a RequestCaller,
}

impl<'a> Call<'a> {
    /// A call through the schema.
    pub(super) fn of(ctx: &Context<'a>) -> Self {
        let settings = ctx.data_unchecked::<HasuraSettings>();
        Self::new(ctx.data_unchecked(), ctx.data_unchecked(), settings)
    }

    /// A call through another API, by the caller that [`by_header`] found.
    pub(super) fn to(app: &'a App, request: &'a RequestCaller) -> Self {
        Self::new(&app.accounts, request, &app.settings.hasura)
    }

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

/// The caller that the `Authorization` header identifies. The rest of the request does not count.
pub(super) fn by_header(app: &App, request: &Parts) -> RequestCaller {
    let caller = RequestCaller::by_header(app.accounts.clone(), request);
    let is_hasura = app.settings.hasura.is_sent_by_hasura(&request.headers);
    if is_hasura { caller.with_shared_ip() } else { caller }
}
