//! The queries that no other dialect has.

use accounts::error::AuthError;
use async_graphql::{Context, Object};

use super::refusal::refused;
use crate::caller::RequestCaller;
use crate::nodes::UserNode;
use crate::refusal::Nullable;

/// The queries of the small schema.
#[derive(Debug, Default)]
pub struct PlainQuery;

#[Object]
impl PlainQuery {
    /// The caller. An error for an anonymous one.
    async fn whoami(&self, ctx: &Context<'_>) -> Nullable<UserNode> {
        let caller = ctx.data_unchecked::<RequestCaller>().me().await;
        let caller = caller.and_then(|caller| caller.ok_or(AuthError::Unauthenticated));
        Some(caller.map(|caller| caller.user.into()).map_err(refused))
    }
}
