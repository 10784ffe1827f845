//! The queries that no other dialect has.

use accounts::error::AuthError;
use async_graphql::{Context, Object};

use super::graphql_error::graphql_error;
use crate::caller::RequestCaller;
use crate::graphql_error::Nullable;
use crate::nodes::UserNode;

/// The queries of the small schema.
#[derive(Debug, Default)]
pub struct PlainQuery;

#[Object]
impl PlainQuery {
    /// The caller. An error for an anonymous one.
    async fn whoami(&self, ctx: &Context<'_>) -> Nullable<UserNode> {
        let caller = ctx.data_unchecked::<RequestCaller>().me().await;
        let caller = caller.and_then(|caller| caller.ok_or(AuthError::Unauthenticated));
        Some(caller.map(|caller| caller.user.into()).map_err(graphql_error))
    }
}
