//! What staff see.

use std::net::IpAddr;

use accounts::error::AuthError;
use accounts::model::Actor;
use accounts::operations::{UserFilter, Window};
use async_graphql::{Context, ID, InputObject, Object};

use super::trail::{StaffOverview, StaffTrail};
use super::user::{StaffNetwork, StaffUser};
use super::users::StaffUserConnection;
use super::{EVENTS, accounts, part, reader, user_id};
use crate::codes::Code;
use crate::graphql_error::{GraphQlError, Nullable, with_fields};

/// The queries of staff.
#[derive(Debug, Default)]
pub struct StaffQuery;

/// A filter of users: a user must pass all that is given.
#[derive(Debug, Default, InputObject)]
struct StaffUserFilter {
    /// The first address.
    email: Option<String>,
    /// The second address.
    secondary_email: Option<String>,
    /// The primary key in the system that the user was imported from, exactly.
    legacy_id: Option<String>,
    username: Option<String>,
    /// The beginning of the username, in upper or lower case.
    username_starts_with: Option<String>,
    is_active: Option<bool>,
    is_archived: Option<bool>,
    is_verified: Option<bool>,
}

#[Object]
impl StaffQuery {
    /// For staff: the user with exactly that id, address, username or legacy id.
    async fn staff_user(&self, ctx: &Context<'_>, find: String) -> Nullable<StaffUser> {
        let found = async {
            let caller = reader(ctx).await?;
            accounts(ctx).admin(&caller)?.find(&find).await
        };
        Some(found.await.map(StaffUser::from).map_err(with_fields))
    }

    /// For staff: all users, at most 100 at a time, oldest first.
    async fn staff_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] filter: StaffUserFilter,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Nullable<StaffUserConnection> {
        let filter = UserFilter {
            email: filter.email,
            secondary_email: filter.secondary_email,
            legacy_id: filter.legacy_id,
            username: filter.username,
            username_contains: None,
            username_starts_with: filter.username_starts_with,
            is_active: filter.is_active,
            is_archived: filter.is_archived,
            is_verified: filter.is_verified,
        };
        let [first, last] = [first, last].map(|number| number.map(i64::from));
        let window = Window { first, last, after, before, offset: None };
        let page = async {
            let caller = reader(ctx).await?;
            accounts(ctx).admin(&caller)?.users(filter, window).await
        };
        Some(page.await.map(StaffUserConnection::from).map_err(with_fields))
    }

    /// For staff: a part of an audit trail, newest event first, at most 100 events at a time. With `user`, it is the
    /// trail of a user, also of a deleted user. With `by`, it has what a member of staff or an operator did to others.
    /// Without both, it has the events that are about no user.
    async fn staff_trail(
        &self,
        ctx: &Context<'_>,
        user: Option<ID>,
        #[graphql(desc = "`staff:<id>` or `operator:<name>`.")] by: Option<String>,
        before: Option<ID>,
        #[graphql(default_with = "EVENTS")] count: i32,
    ) -> Nullable<StaffTrail> {
        let page = async {
            let caller = reader(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let (before, count) = part(before.as_ref(), count)?;
            let page = match (user, by) {
                (Some(user), None) => admin.trail(user_id(&user)?, before, count).await?,
                (None, Some(by)) => {
                    let by: Actor = by.parse().map_err(|_| AuthError::NotFound)?;
                    admin.acts(&by, before, count).await?
                }
                (None, None) => admin.trail_of_no_user(before, count).await?,
                (Some(_), Some(_)) => {
                    return Err(GraphQlError::new(Code::INVALID, "Give `user` or `by`, not both."));
                }
            };
            Ok(StaffTrail::from(page))
        };
        Some(page.await)
    }

    /// For staff: the numbers of the last seven days.
    async fn staff_overview(&self, ctx: &Context<'_>) -> Nullable<StaffOverview> {
        let overview = async {
            let caller = reader(ctx).await?;
            accounts(ctx).admin(&caller)?.overview().await
        };
        Some(overview.await.map(StaffOverview::from).map_err(with_fields))
    }

    /// For staff: the locks of the network of an IP address.
    async fn staff_network(&self, ctx: &Context<'_>, ip: String) -> Nullable<StaffNetwork> {
        let locks = async {
            let caller = reader(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let ip: IpAddr = ip.trim().parse().map_err(|_| AuthError::NotFound)?;
            admin.network(ip).await
        };
        Some(locks.await.map(StaffNetwork::from).map_err(with_fields))
    }
}
