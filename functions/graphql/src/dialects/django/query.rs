//! The library's queries.

use async_graphql::{Context, Object};

use super::types::UserNode;
use crate::caller::RequestCaller;
use crate::refusal::{Nullable, Refusal};

/// The queries of django-graphql-auth.
#[derive(Debug, Default)]
pub struct DjangoQuery;

#[Object]
impl DjangoQuery {
    /// The caller, or null for an anonymous one.
    async fn me(&self, ctx: &Context<'_>) -> Nullable<UserNode> {
        let user = ctx.data_unchecked::<RequestCaller>().user().await;
        user.map_err(Refusal::from).transpose().map(|user| user.map(UserNode::from))
    }
}
