//! The audit trail: what happened to each account, who caused it, and from where.
//!
//! An event is written in the transaction of the change, and is never changed after that. [`EventKind::ALL`] is the
//! inventory; `docs/admin.md` shows it.

mod actor;
mod factor;
mod kind;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EventId, UserId};

pub use actor::Actor;
pub use factor::Factor;
pub use kind::EventKind;

/// An event of the audit trail. It contains no secret, no address and no name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Names the event. Ids sort by time.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened. The table has its name in `event`, because `kind` is the kind of the item.
    pub event: EventKind,
    /// The user to whom it happened; `None` if it is about a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Who caused it.
    pub by: Actor,
    /// Whether it was refused. Then nothing changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_refused: bool,
    /// The reason that staff gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What exactly: the new role, the session, the rule of a lock, the verb that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Depends on the kind: how many wrong passwords in a row, recovery codes that are left, or trusts that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How the user proved who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// The IP address of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The user agent of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The id of the request: the log has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The same for all events of one action on several users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

impl AuditEvent {
    /// The event as its user may see it: without what identifies staff, and without their reasons. `None` for an event
    /// that is for staff only.
    pub fn for_its_user(self) -> Option<Self> {
        match self.by {
            _ if self.event == EventKind::StaffRefused => None,
            Actor::Oneself | Actor::Anonymous | Actor::System | Actor::AnyStaff => Some(self),
            Actor::Staff(_) | Actor::Operator(_) => Some(Self {
                by: Actor::AnyStaff,
                reason: None,
                ip: None,
                user_agent: None,
                request_id: None,
                batch: None,
                ..self
            }),
        }
    }
}

/// An event that is about to be written. The store adds the id, the time and the request.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub(crate) event: EventKind,
    pub(crate) user_id: Option<UserId>,
    pub(crate) by: Actor,
    pub(crate) is_refused: bool,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) count: Option<u32>,
    pub(crate) factor: Option<Factor>,
    pub(crate) batch: Option<String>,
}

impl NewEvent {
    /// An event of that user, who caused it.
    pub fn of(event: EventKind, user: UserId) -> Self {
        Self::new(event, Some(user), Actor::Oneself)
    }

    /// An event of a network, or of the whole site, and of no user.
    pub fn of_network(event: EventKind) -> Self {
        Self::new(event, None, Actor::Anonymous)
    }

    fn new(event: EventKind, user_id: Option<UserId>, by: Actor) -> Self {
        Self {
            event,
            user_id,
            by,
            is_refused: false,
            reason: None,
            detail: None,
            count: None,
            factor: None,
            batch: None,
        }
    }

    /// The same, caused by that actor.
    #[must_use]
    pub fn by(self, by: Actor) -> Self {
        Self { by, ..self }
    }

    /// The same, about that.
    #[must_use]
    pub fn about(self, detail: impl fmt::Display) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// The same, for that reason.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The same, by that proof.
    #[must_use]
    pub fn with(self, factor: Factor) -> Self {
        Self { factor: Some(factor), ..self }
    }

    /// The same, for so many.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { is_refused: true, ..self }
    }

    /// The same, as one of an action on several users.
    #[must_use]
    pub fn in_batch(self, batch: Option<String>) -> Self {
        Self { batch, ..self }
    }
}

/// Which events.
#[derive(Clone, Copy, Debug)]
pub enum Trail<'a> {
    /// Those of a user.
    Of(UserId),
    /// Those that a member of staff, or an operator, caused on others.
    By(&'a Actor),
    /// Those that are about no user.
    OfNoUser,
}

/// A part of a trail, newest event first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Leads to the events before them, if there are more.
    pub next: Option<EventId>,
}
