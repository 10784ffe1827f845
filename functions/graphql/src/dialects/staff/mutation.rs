//! What staff change: parse, call, translate. Most mutations return the user, as the change has left the user.

use std::net::IpAddr;

use accounts::error::AuthError;
use accounts::model::PlainPassword;
use accounts::operations::staff::Invitation;
use async_graphql::{Context, ID, Object};

use super::user::{StaffNetwork, StaffRole, StaffUser};
use super::users::{StaffBatch, StaffBatchAnswer};
use super::{accounts, actor, user_id};
use crate::graphql_error::{Nullable, with_fields};
use crate::nodes::document;
use crate::scalars::{DateTime, GenericScalar};

/// The mutations of staff.
#[derive(Debug, Default)]
pub struct StaffMutation;

/// Calls `method` with its arguments, as the caller, and returns the user after this change.
macro_rules! changed {
    ($ctx:ident, $user:ident, $method:ident($($argument:expr),*)) => {{
        let changed = async {
            let caller = actor($ctx).await?;
            let admin = accounts($ctx).admin(&caller)?;
            let user = user_id(&$user)?;
            admin.$method(user $(, $argument)*).await?;
            admin.user(user).await
        };
        Some(changed.await.map(StaffUser::from).map_err(with_fields))
    }};
}

#[Object]
impl StaffMutation {
    /// For staff: create an account, and mail a link to its address, by which the user sets the first password. Without
    /// a username, Latchkey makes one from the address.
    async fn staff_invite(
        &self,
        ctx: &Context<'_>,
        email: String,
        username: Option<String>,
    ) -> Nullable<StaffUser> {
        let invited = async {
            let caller = actor(ctx).await?;
            accounts(ctx).admin(&caller)?.invite(Invitation { email, username }).await
        };
        Some(invited.await.map(StaffUser::from).map_err(with_fields))
    }

    /// For staff: the personal data of a user, as a document for the user: without anything about staff.
    async fn staff_export_user(&self, ctx: &Context<'_>, user: ID) -> Nullable<GenericScalar> {
        let data = async {
            let caller = actor(ctx).await?;
            accounts(ctx).admin(&caller)?.export_user(user_id(&user)?).await
        };
        Some(data.await.map(|data| document(&data)).map_err(with_fields))
    }

    /// For staff: make the address of a user count as proven.
    async fn staff_verify(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, verify())
    }

    /// For superusers: give a user another role, and end all sessions of the user. Needs the caller's password, or a
    /// log-in at most five minutes old.
    async fn staff_set_role(
        &self,
        ctx: &Context<'_>,
        user: ID,
        role: StaffRole,
        password: Option<String>,
    ) -> Nullable<StaffUser> {
        let password = password.map(PlainPassword::new);
        changed!(ctx, user, set_role(role.into(), password))
    }

    /// For staff: ban up to 50 users, and end all their sessions. A ban with an end ends by itself. An error of one
    /// user does not stop the others. A dry run changes nothing, and answers what would happen.
    async fn staff_ban(
        &self,
        ctx: &Context<'_>,
        users: Vec<ID>,
        #[graphql(desc = "For staff. The user does not see it.")] reason: String,
        until: Option<DateTime>,
        #[graphql(default)] dry_run: bool,
    ) -> Nullable<StaffBatch> {
        let banned = async {
            let caller = actor(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let users = users.iter().map(user_id).collect::<Result<Vec<_>, _>>()?;
            let until = until.map(|until| until.0);
            let done = if dry_run {
                admin.try_ban_all(&users, &reason, until).await?
            } else {
                admin.ban_all(&users, &reason, until).await?
            };
            let changed = done.rows.iter().filter(|row| row.answer.is_ok()).count();
            let answers = done.rows.into_iter().map(StaffBatchAnswer::from).collect();
            Ok(StaffBatch { batch: done.batch.map(ID), changed, answers })
        };
        Some(banned.await.map_err(with_fields))
    }

    /// For staff: let a banned user in again, or a user who has deactivated the account.
    async fn staff_lift_ban(
        &self,
        ctx: &Context<'_>,
        user: ID,
        #[graphql(default)] reason: String,
    ) -> Nullable<StaffUser> {
        changed!(ctx, user, lift_ban(&reason))
    }

    /// For staff: end one session of a user.
    async fn staff_end_session(
        &self,
        ctx: &Context<'_>,
        user: ID,
        session: ID,
    ) -> Nullable<StaffUser> {
        changed!(ctx, user, end_session(session.parse().map_err(|_| AuthError::NotFound)?))
    }

    /// For staff: end all sessions of a user.
    async fn staff_end_sessions(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, end_sessions())
    }

    /// For staff: make the password of a user useless, end all sessions of the user, and mail a reset link.
    async fn staff_expire_password(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, expire_password())
    }

    /// For staff: mail a user the activation link again.
    async fn staff_send_activation(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, send_activation())
    }

    /// For staff: mail a user a link by which the user sets a new password.
    async fn staff_send_reset(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, send_reset())
    }

    /// For staff: let mail go to a user again after a bounce or a complaint.
    async fn staff_clear_email_status(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, clear_email_status())
    }

    /// For staff: lift the locks of an account after wrong passwords. A disabled password stays disabled.
    async fn staff_lift_locks(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, lift_locks())
    }

    /// For staff: lift the locks of the network of an IP address.
    async fn staff_lift_network(&self, ctx: &Context<'_>, ip: String) -> Nullable<StaffNetwork> {
        let lifted = async {
            let caller = actor(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let ip: IpAddr = ip.trim().parse().map_err(|_| AuthError::NotFound)?;
            admin.lift_network(ip).await?;
            admin.network(ip).await
        };
        Some(lifted.await.map(StaffNetwork::from).map_err(with_fields))
    }

    /// For staff: let the second factors of a user end in three days, and mail that to all addresses of the user. A proof
    /// of the second factor in the meantime keeps them. Needs the caller's password, or a log-in at most five minutes old.
    async fn staff_remove_second_factor(
        &self,
        ctx: &Context<'_>,
        user: ID,
        #[graphql(desc = "For staff. The user does not see it.")] reason: String,
        password: Option<String>,
    ) -> Nullable<StaffUser> {
        let password = password.map(PlainPassword::new);
        changed!(ctx, user, remove_second_factor(&reason, false, password))
    }

    /// For staff: withdraw `staffRemoveSecondFactor`, so that the second factors stay.
    async fn staff_keep_second_factor(&self, ctx: &Context<'_>, user: ID) -> Nullable<StaffUser> {
        changed!(ctx, user, keep_second_factor())
    }

    /// For staff: delete a user and all data of the user for good. The audit trail stays, with the id only. Needs the
    /// caller's password, or a log-in at most five minutes old. Answers the id.
    async fn staff_delete(
        &self,
        ctx: &Context<'_>,
        user: ID,
        reason: String,
        password: Option<String>,
    ) -> Nullable<ID> {
        let deleted = async {
            let caller = actor(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let user = user_id(&user)?;
            admin.delete(user, &reason, password.map(PlainPassword::new)).await?;
            Ok(ID(user.to_string()))
        };
        Some(deleted.await.map_err(with_fields))
    }
}
