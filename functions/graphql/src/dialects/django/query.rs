//! The library's queries.

use accounts::Accounts;
use accounts::error::{AuthError, BadPage};
use accounts::operations::{UserFilter, Window};
use async_graphql::{Context, ID, Object};

use super::activity::Activity;
use super::trusted_devices::TrustedDeviceNode;
use super::types::{SessionNode, UserNodeConnection};
use crate::caller::RequestCaller;
use crate::graphql_error::{GraphQlError, Nullable};
use crate::nodes::{UserNode, named_by};

/// The queries of django-graphql-auth.
#[derive(Debug, Default)]
pub struct DjangoQuery;

#[Object]
impl DjangoQuery {
    /// The caller, or null for an anonymous one.
    async fn me(&self, ctx: &Context<'_>) -> Nullable<UserNode> {
        let caller = ctx.data_unchecked::<RequestCaller>().me().await;
        let caller = caller.map_err(GraphQlError::from).transpose();
        caller.map(|caller| caller.map(|caller| caller.user.into()))
    }

    /// A user, if the caller may see that one: by the id, or by the primary key in the system that the user was imported
    /// from.
    async fn user(&self, ctx: &Context<'_>, id: ID) -> Nullable<UserNode> {
        let found = async {
            let caller = ctx.data_unchecked::<RequestCaller>().ask().await?;
            ctx.data_unchecked::<Accounts>().find_user(caller.as_ref(), named_by(&id)).await
        };
        found.await.map_err(GraphQlError::from).transpose().map(|found| found.map(UserNode::from))
    }

    /// The users that the caller may see, at most 100 at a time.
    #[expect(clippy::too_many_arguments, reason = "the library's")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        offset: Option<i32>,
        before: Option<String>,
        after: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        email: Option<String>,
        username: Option<String>,
        #[graphql(name = "username_Icontains")] username_contains: Option<String>,
        #[graphql(name = "username_Istartswith")] username_starts_with: Option<String>,
        is_active: Option<bool>,
        #[graphql(name = "status_Archived")] is_archived: Option<bool>,
        #[graphql(name = "status_Verified")] is_verified: Option<bool>,
        #[graphql(name = "status_SecondaryEmail")] secondary_email: Option<String>,
    ) -> Nullable<UserNodeConnection> {
        let filter = UserFilter {
            legacy_id: None,
            email,
            secondary_email,
            username,
            username_contains,
            username_starts_with,
            is_active,
            is_archived,
            is_verified,
        };
        let [first, last, offset] = [first, last, offset].map(|number| number.map(i64::from));
        let window = Window { first, last, after, before, offset };
        let page = async {
            let caller = ctx.data_unchecked::<RequestCaller>().ask().await?;
            ctx.data_unchecked::<Accounts>().list_users(caller.as_ref(), filter, window).await
        };
        Some(page.await.map(UserNodeConnection::from).map_err(GraphQlError::from))
    }

    /// The live sessions of the caller, newest first.
    async fn sessions(&self, ctx: &Context<'_>) -> Nullable<Vec<SessionNode>> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let answer = async {
            let caller = ctx.data_unchecked::<RequestCaller>().require().await?;
            let sessions = accounts.sessions(&caller).await?;
            Ok(sessions.iter().map(|session| SessionNode::new(session, &caller)).collect())
        };
        Some(answer.await)
    }

    /// The devices that the caller trusts, newest trust first: log-ins on them need no second factor.
    async fn trusted_devices(&self, ctx: &Context<'_>) -> Nullable<Vec<TrustedDeviceNode>> {
        let answer = async {
            let caller = ctx.data_unchecked::<RequestCaller>().require().await?;
            let devices = ctx.data_unchecked::<Accounts>().trusted_devices(&caller).await?;
            let node = |device| TrustedDeviceNode::new(device, &caller);
            Ok(devices.into_iter().map(node).collect())
        };
        Some(answer.await)
    }

    /// What happened to the caller's account lately, newest first, at most 100 events at a time.
    async fn recent_activity(
        &self,
        ctx: &Context<'_>,
        before: Option<ID>,
        #[graphql(default = 50)] count: i32,
    ) -> Nullable<Activity> {
        let answer = async {
            let caller = ctx.data_unchecked::<RequestCaller>().require().await?;
            let place = before.map(|before| before.parse().ok());
            let place = place.map(|place| place.ok_or(AuthError::BadPage(BadPage::OtherList)));
            let (accounts, count) = (ctx.data_unchecked::<Accounts>(), usize::try_from(count));
            let page = accounts.recent_activity(&caller, place.transpose()?, count.unwrap_or(0));
            Ok(Activity::from(page.await?))
        };
        Some(answer.await)
    }
}
