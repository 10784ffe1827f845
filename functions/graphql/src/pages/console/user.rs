//! The page of a user, the audit trail of a user, and the changes by a member of staff.

use accounts::error::AuthError;
use accounts::model::{Actor, MailState, UserId};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::{Value, context};

use super::users::user as shown_user;
use super::{Staff, Target};
use crate::pages::events::{FEW, MANY, before, events, session, time, time_of};
use crate::pages::visit::parameter;

/// The page of a user.
pub(super) async fn show(staff: Staff, Target(id): Target<UserId>) -> Response {
    match Box::pin(page(&staff, id)).await {
        Ok(shown) => staff.page(StatusCode::OK, "console_user.html", shown),
        Err(error) => staff.refused(&error),
    }
}

async fn page(staff: &Staff, id: Option<UserId>) -> Result<Value, AuthError> {
    let admin = staff.admin()?;
    let user = admin.user(id.ok_or(AuthError::NotFound)?).await?;
    let (sessions, trusted_devices, mails, locks, trail, last_log_in) = tokio::try_join!(
        admin.sessions(&user),
        admin.count_trusted_devices(&user),
        admin.mails(user.id),
        admin.locks(&user),
        admin.trail(user.id, None, FEW),
        admin.last_log_in(&user),
    )?;
    let mails = mails.iter().map(|mail| {
        let state = match mail.state {
            MailState::Due => "due",
            MailState::Sending => "sending",
            MailState::Sent => "sent",
            MailState::Dropped => "dropped",
            MailState::Refused => "refused",
            MailState::Failed => "failed",
        };
        context! { kind => mail.kind.name(), at => time(mail.created_at), state }
    });
    let locks = locks.iter().map(|lock| {
        context! { rule => lock.rule.name(), until => lock.until.map(time_of) }
    });
    Ok(context! {
        about => "user",
        user => shown_user(&user),
        may_change => admin.may_change(&user),
        is_superuser => staff.caller.user.role == accounts::model::Role::Superuser,
        is_self => user.id == staff.caller.user.id,
        last_log_in => last_log_in.map(time),
        trusted_devices,
        sessions => sessions.iter().map(|one| session(one, staff.caller.session.id)).collect::<Vec<_>>(),
        mails => mails.collect::<Vec<_>>(),
        locks => locks.collect::<Vec<_>>(),
        ..events(&trail)
    })
}

/// The trail of a user, also of a deleted user.
pub(super) async fn trail(staff: Staff, Target(id): Target<UserId>, request: Parts) -> Response {
    let shown = async {
        let admin = staff.admin()?;
        let id = id.ok_or(AuthError::NotFound)?;
        let trail = admin.trail(id, before(&request), MANY).await?;
        let name = match admin.user(id).await {
            Ok(user) => Some(user.username),
            Err(AuthError::NotFound) => None,
            Err(error) => return Err(error),
        };
        Ok(context! { about => "user", id => id.to_string(), name, ..events(&trail) })
    };
    match shown.await {
        Ok(shown) => staff.page(StatusCode::OK, "console_trail.html", shown),
        Err(error) => staff.refused(&error),
    }
}

/// The changes by a member of staff or an operator. Without a name in the request, those by the caller.
pub(super) async fn acts(staff: Staff, request: Parts) -> Response {
    let shown = async {
        let admin = staff.admin()?;
        let by = parameter(&request, "by");
        let actor = match &by {
            None => Actor::Staff(staff.caller.user.id),
            Some(by) => by.parse::<Actor>().map_err(|_| AuthError::NotFound)?,
        };
        let trail = admin.acts(&actor, before(&request), MANY).await?;
        let name = match &actor {
            Actor::Staff(id) => match admin.user(*id).await {
                Ok(user) => Some(user.username),
                Err(AuthError::NotFound) => Some(id.to_string()),
                Err(error) => return Err(error),
            },
            Actor::Operator(name) => Some(name.clone()),
            Actor::Oneself | Actor::Anonymous | Actor::AnyStaff | Actor::System => None,
        };
        Ok(context! { about => "acts", by => actor.to_string(), name, ..events(&trail) })
    };
    match shown.await {
        Ok(shown) => staff.page(StatusCode::OK, "console_trail.html", shown),
        Err(error) => staff.refused(&error),
    }
}
