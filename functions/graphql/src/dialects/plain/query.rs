//! The queries that no other dialect has.

use accounts::error::AuthError;
use async_graphql::{Context, Object};

use crate::caller::RequestCaller;
use crate::graphql_error::{Nullable, with_fields};
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
        Some(caller.map(|caller| caller.user.into()).map_err(with_fields))
    }
}
