//! The library's queries.

use accounts::Accounts;
use async_graphql::{Context, Object};

use super::types::{SessionNode, UserNode};
use crate::caller::RequestCaller;
use crate::refusal::{Nullable, Refusal};

/// The queries of django-graphql-auth.
#[derive(Debug, Default)]
pub struct DjangoQuery;

#[Object]
impl DjangoQuery {
    /// The caller, or null for an anonymous one.
    async fn me(&self, ctx: &Context<'_>) -> Nullable<UserNode> {
        let caller = ctx.data_unchecked::<RequestCaller>().ask().await;
        let caller = caller.map_err(Refusal::from).transpose();
        caller.map(|caller| caller.map(|caller| caller.user.into()))
    }

    /// The sessions of the caller that stand, newest first.
    async fn sessions(&self, ctx: &Context<'_>) -> Nullable<Vec<SessionNode>> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let answer = async {
            let caller = ctx.data_unchecked::<RequestCaller>().require().await?;
            let sessions = accounts.sessions(&caller).await?;
            Ok(sessions.iter().map(|session| SessionNode::new(session, &caller)).collect())
        };
        Some(answer.await)
    }
}
