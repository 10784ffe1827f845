//! The dialect of Hasura actions in front of Django and SimpleJWT: `snake_case` names, `arg: {…}`; a failure is
//! a GraphQL error, or a status over REST.
//!
//! Three APIs lead to the same operations, each of which is written once, in `operations`: fields of the schema, the
//! REST paths that those actions call, and `POST /hasura/actions` for a Hasura of the deployer.

mod action_error;
mod actions;
mod inputs;
mod openapi;
mod operation;
mod operations;
mod rest;

use accounts::config::{ConfigError, Settings};
use accounts::crypto::SharedSecret;
use accounts::model::RefreshTokens;
use axum::http::HeaderMap;

use super::{Dialect, as_sent};
use crate::Route;

pub(crate) use openapi::openapi;
pub use operations::{HasuraMutation, HasuraQuery};

/// The header with the secret that Hasura and Latchkey share.
const SECRET_HEADER: &str = "x-action-secret";

pub(crate) static DIALECT: Dialect =
    Dialect { name: "hasura", fields: operations::FIELDS, uploads: &[], rewrite: as_sent };

/// The settings of this dialect.
#[derive(Clone, Debug)]
pub struct HasuraSettings {
    /// Whether refresh tokens are replaced in sessions that this dialect opens.
    pub refresh_tokens: RefreshTokens,
    /// The secret that Hasura must send when it calls an action.
    pub action_secret: Option<SharedSecret>,
}

impl HasuraSettings {
    /// From the settings.
    ///
    /// # Errors
    /// For a malformed setting.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let refresh_tokens = settings.hasura_refresh_tokens()?;
        Ok(Self { refresh_tokens, action_secret: settings.hasura_action_secret()? })
    }

    /// Whether a request comes from the Hasura that knows the secret. The requests of all its clients have its IP
    /// address.
    pub(crate) fn is_sent_by_hasura(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(SECRET_HEADER).map_or(&b""[..], |shown| shown.as_bytes());
        self.action_secret.as_ref().is_some_and(|secret| secret.is(shown))
    }
}

/// The routes of this dialect beside GraphQL.
pub(crate) fn routes() -> impl Iterator<Item = Route> {
    rest::routes().chain([actions::route()])
}

/// The paths of the routes, as the document has them; it leaves out that of actions, which only Hasura calls.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    operations::PATHS.iter().map(|(path, _)| *path)
}
