//! The dialect of staff: what they see of other users, and what they change. Each field answers `not_found` to callers
//! who are not staff; a failure is a GraphQL error.

mod mutation;
mod query;
mod trail;
mod user;
mod users;

use accounts::Accounts;
use accounts::error::{AuthError, BadPage};
use accounts::model::{EventId, UserId};
use accounts::operations::Caller;
use async_graphql::{Context, ID};

use super::{Dialect, RootField, as_sent};
use crate::caller::RequestCaller;
use crate::nodes::user_of;

pub use mutation::StaffMutation;
pub use query::StaffQuery;

pub(crate) static DIALECT: Dialect = Dialect {
    name: "staff",
    // The inputs of the queries have addresses of users, which no URL should have.
    fields: &[
        RootField::cheap("staffUser").by_post(),
        RootField::costly("staffUsers").by_post().list(),
        RootField::cheap("staffTrail").by_post().list(),
        RootField::costly("staffOverview").by_post(),
        RootField::cheap("staffNetwork").by_post(),
        RootField::costly("staffInvite"),
        RootField::cheap("staffVerify"),
        RootField::costly("staffSetRole"),
        RootField::costly("staffBan"),
        RootField::cheap("staffLiftBan"),
        RootField::cheap("staffEndSession"),
        RootField::cheap("staffEndSessions"),
        RootField::costly("staffExpirePassword"),
        RootField::costly("staffSendActivation"),
        RootField::costly("staffSendReset"),
        RootField::cheap("staffClearEmailStatus"),
        RootField::cheap("staffLiftLocks"),
        RootField::cheap("staffLiftNetwork"),
        RootField::costly("staffDelete"),
        RootField::costly("staffRemoveSecondFactor"),
        RootField::cheap("staffKeepSecondFactor"),
        RootField::cheap("staffExportUser"),
    ],
    uploads: &[],
    rewrite: as_sent,
};

/// How many events a page has if the request does not say it.
const EVENTS: i32 = 50;

fn accounts<'a>(ctx: &Context<'a>) -> &'a Accounts {
    ctx.data_unchecked::<Accounts>()
}

/// The caller of a query. All queries of a document have the same one.
async fn reader(ctx: &Context<'_>) -> Result<Caller, AuthError> {
    let caller = ctx.data_unchecked::<RequestCaller>().ask().await?;
    caller.ok_or(AuthError::Unauthenticated)
}

/// The caller of a mutation, as the table has the caller after the previous mutation of the document.
async fn actor(ctx: &Context<'_>) -> Result<Caller, AuthError> {
    ctx.data_unchecked::<RequestCaller>().require().await
}

fn user_id(id: &ID) -> Result<UserId, AuthError> {
    user_of(id).ok_or(AuthError::NotFound)
}

/// The place in a trail, and how many events.
fn part(before: Option<&ID>, count: i32) -> Result<(Option<EventId>, usize), AuthError> {
    let place = before.map(|before| before.parse().ok());
    let place = place.map(|place| place.ok_or(AuthError::BadPage(BadPage::OtherList)));
    Ok((place.transpose()?, usize::try_from(count).unwrap_or_default()))
}
