//! Events of the audit trail and sessions, as the pages show them.

use accounts::model::{AuditEvent, EventId, Session, SessionId, TrailPage};
use axum::http::request::Parts;
use jiff::Timestamp;
use minijinja::{Value, context};

use super::visit::parameter;

/// How many events the page of an account shows.
pub(super) const FEW: usize = 10;
/// How many events a page of a trail has.
pub(super) const MANY: usize = 50;

/// A moment, to the minute, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment in epoch seconds.
pub(super) fn time_of(second: i64) -> String {
    Timestamp::from_second(second).map(time).unwrap_or_default()
}

/// The event before which a page of a trail begins.
pub(super) fn before(request: &Parts) -> Option<EventId> {
    parameter(request, "before").and_then(|before| before.parse().ok())
}

/// A page of a trail.
pub(super) fn events(trail: &TrailPage) -> Value {
    context! {
        events => trail.events.iter().map(event).collect::<Vec<_>>(),
        next => trail.next.map(|next| next.to_string()),
    }
}

fn event(event: &AuditEvent) -> Value {
    let by = event.by.to_string();
    context! {
        at => time(event.at),
        kind => event.event.name(),
        user => event.user_id.map(|user| user.to_string()),
        by_id => by.strip_prefix("staff:"),
        operator => by.strip_prefix("operator:"),
        by => by.split(':').next(),
        is_refused => event.is_refused,
        reason => &event.reason,
        detail => &event.detail,
        count => event.count,
        ip => &event.ip,
        agent => event.user_agent.as_deref().map(device),
        request_id => &event.request_id,
    }
}

/// A session; `own` is that of the request.
pub(super) fn session(session: &Session, own: SessionId) -> Value {
    context! {
        id => session.id.to_string(),
        is_own => session.id == own,
        device => session.user_agent.as_deref().map(device),
        agent => &session.user_agent,
        ip => &session.ip,
        opened => time(session.created_at),
        used => time(session.rotated_at),
    }
}

/// A name for the program and the system in a user agent. The order matters: most browsers name others, too.
pub(super) fn device(agent: &str) -> String {
    const PROGRAMS: [(&str, &str); 8] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("okhttp", "Android app"),
        ("CFNetwork", "iOS app"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let name = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (name(&PROGRAMS), name(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}
