//! The types of `recentActivity`. No field identifies a member of staff.

use accounts::model::{AuditEvent, Factor, TrailPage};
use async_graphql::{ID, SimpleObject};

use crate::scalars::DateTime;

/// What happened to an account, newest first.
#[derive(Debug, SimpleObject)]
pub(super) struct Activity {
    events: Vec<ActivityEvent>,
    /// For `before`: leads to the events before these. Null if there are no more.
    next: Option<ID>,
}

impl From<TrailPage> for Activity {
    fn from(page: TrailPage) -> Self {
        let next = page.next.map(|next| ID(next.to_string()));
        Self { events: page.events.into_iter().map(ActivityEvent::from).collect(), next }
    }
}

/// An event of an account.
#[derive(Debug, SimpleObject)]
struct ActivityEvent {
    id: ID,
    at: DateTime,
    /// What happened: `logged_in`, `password_changed` …
    event: String,
    /// Who caused it: `self`, `anonymous`, `staff` or `system`.
    by: String,
    /// The session, the new role, the end of a ban …
    detail: Option<String>,
    /// Depends on the event: how many wrong passwords in a row, recovery codes that are left, or trusts that ended.
    count: Option<u32>,
    /// How the user proved who it is: `password`, `link`, `code`, `app`, `recovery_code` or `passkey`.
    factor: Option<&'static str>,
    /// Null for what staff did.
    ip_address: Option<String>,
    /// Null for what staff did.
    user_agent: Option<String>,
}

impl From<AuditEvent> for ActivityEvent {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: ID(event.id.to_string()),
            at: DateTime(event.at),
            event: event.event.name().to_owned(),
            by: event.by.to_string(),
            detail: event.detail,
            count: event.count,
            factor: event.factor.map(Factor::name),
            ip_address: event.ip,
            user_agent: event.user_agent,
        }
    }
}
