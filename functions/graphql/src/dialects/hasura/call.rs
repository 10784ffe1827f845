//! What an operation is given, whichever door it was called through.

use accounts::Accounts;
use accounts::accounts::Caller;
use accounts::error::AuthError;
use accounts::model::Client;
use async_graphql::Context;
use axum::http::request::Parts;
use serde_json::Value;

use super::HasuraSettings;
use super::failure::{Failure, Wrong};
use crate::App;
use crate::caller::RequestCaller;
use crate::json_body::Fields;

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

    /// A call through another door, of whoever [`by_header`] found.
    pub(super) fn to(app: &'a App, request: &'a RequestCaller) -> Self {
        Self::new(&app.accounts, request, &app.settings.hasura)
    }

    fn new(accounts: &'a Accounts, request: &'a RequestCaller, settings: &HasuraSettings) -> Self {
        let HasuraSettings { refresh_tokens, .. } = *settings;
        let client = Client { refresh_tokens, ..request.client().clone() };
        Self { accounts, client, request }
    }

    /// Whoever calls.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] if no token was shown, [`AuthError::InvalidToken`] for one that is
    /// not honoured: clients ask for a log-in on the one, and refresh on the other.
    /// [`AuthError::Unavailable`].
    pub(super) async fn caller(&self) -> Result<Caller, AuthError> {
        match self.request.require().await {
            Err(AuthError::Unauthenticated) if self.request.has_token() => {
                Err(AuthError::InvalidToken)
            }
            asked => asked,
        }
    }
}

/// Whoever the `Authorization` header speaks for, and nothing else in the request.
pub(super) fn by_header(app: &App, request: &Parts) -> RequestCaller {
    RequestCaller::by_header(app.accounts.clone(), request)
}

/// The texts of those names, as they were written; or everything that is wrong with them. A password is given unless
/// it is empty: whether white space can be one is the core's rule, and only for a new one.
pub(super) fn texts<const N: usize>(
    names: [&'static str; N],
    mut fields: Fields,
) -> Result<[String; N], Failure> {
    let mut wrong = Vec::new();
    let texts = names.map(|name| {
        text(fields.remove(name), name.ends_with("password")).unwrap_or_else(|what| {
            wrong.push((name, what));
            String::new()
        })
    });
    if wrong.is_empty() { Ok(texts) } else { Err(wrong.into()) }
}

fn text(given: Option<Value>, is_password: bool) -> Result<String, Wrong> {
    match given {
        None => Err(Wrong::Missing),
        Some(Value::Null) => Err(Wrong::Null),
        Some(Value::String(text))
            if text.is_empty() || (!is_password && text.trim().is_empty()) =>
        {
            Err(Wrong::Blank)
        }
        Some(Value::String(text)) => Ok(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Wrong::NotText)
        }
    }
}
