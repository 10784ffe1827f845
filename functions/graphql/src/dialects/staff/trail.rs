//! The types of the audit trail, and of what happened lately.

use accounts::model::{AuditEvent, Factor, TrailPage};
use accounts::operations::staff::{Day, Overview};
use async_graphql::{ID, SimpleObject};

use crate::scalars::DateTime;

/// A part of an audit trail, newest event first.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffTrail {
    events: Vec<StaffEvent>,
    /// For `before`: leads to the events before these. Null if there are no more.
    next: Option<ID>,
}

impl From<TrailPage> for StaffTrail {
    fn from(page: TrailPage) -> Self {
        let next = page.next.map(|next| ID(next.to_string()));
        Self { events: page.events.into_iter().map(StaffEvent::from).collect(), next }
    }
}

/// An event of the audit trail.
#[derive(Debug, SimpleObject)]
struct StaffEvent {
    id: ID,
    at: DateTime,
    /// What happened: `logged_in`, `banned` …
    event: String,
    /// The user to whom it happened; null if it is about a network.
    user_id: Option<ID>,
    /// Who caused it: `self`, `anonymous`, `system`, `staff:<id>` or `operator:<name>`.
    by: String,
    /// Whether it was refused. Then nothing changed.
    is_refused: bool,
    /// The reason that staff gave.
    reason: Option<String>,
    /// The new role, the session, the end of a ban, the operation that was refused …
    detail: Option<String>,
    /// Depends on the event: how many wrong passwords in a row, recovery codes that are left, or trusts that ended.
    count: Option<u32>,
    /// How the user proved who it is: `password`, `link`, `code`, `app`, `recovery_code` or `passkey`.
    factor: Option<&'static str>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// The id of the request in the log.
    request_id: Option<String>,
    /// The same for all events of one action on several users.
    batch: Option<ID>,
}

impl From<AuditEvent> for StaffEvent {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: ID(event.id.to_string()),
            at: DateTime(event.at),
            event: event.event.name().to_owned(),
            user_id: event.user_id.map(|id| ID(id.to_string())),
            by: event.by.to_string(),
            is_refused: event.is_refused,
            reason: event.reason,
            detail: event.detail,
            count: event.count,
            factor: event.factor.map(Factor::name),
            ip_address: event.ip,
            user_agent: event.user_agent,
            request_id: event.request_id,
            batch: event.batch.map(ID),
        }
    }
}

/// What happened lately.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffOverview {
    /// The last seven days (UTC), today last.
    days: Vec<StaffDay>,
    /// How many mails are written, and neither sent nor given up.
    waiting_mails: usize,
}

/// The numbers of a day. Each is exact up to 1,000, which stands for all higher numbers.
#[derive(Debug, SimpleObject)]
struct StaffDay {
    date: String,
    sign_ups: u32,
    log_ins: u32,
    /// Series of wrong passwords.
    failures: u32,
    /// Locks of accounts and of networks.
    locks: u32,
    /// Mails that could not be sent, or bounced.
    failed_mails: u32,
}

impl From<Overview> for StaffOverview {
    fn from(overview: Overview) -> Self {
        let Overview { days, waiting_mails } = overview;
        Self { days: days.into_iter().map(StaffDay::from).collect(), waiting_mails }
    }
}

impl From<Day> for StaffDay {
    fn from(day: Day) -> Self {
        let Day { date, sign_ups, log_ins, failures, locks, failed_mails } = day;
        Self { date: date.to_string(), sign_ups, log_ins, failures, locks, failed_mails }
    }
}
