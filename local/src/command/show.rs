//! Users, sessions, mails, locks and events, as text and as JSON: without hashes, tokens and links.

use std::fmt::{Display, Write};

use accounts::model::{AuditEvent, Mail, Rule, Session, User};
use accounts::operations::staff::{AccountLock, NetworkLock};
use jiff::Timestamp;
use serde_json::{Value, json};

/// All that staff see of a user.
pub(super) struct Details<'a> {
    pub(super) user: &'a User,
    pub(super) sessions: &'a [Session],
    pub(super) mails: &'a [Mail],
    pub(super) locks: &'a [AccountLock],
}

impl Details<'_> {
    pub(super) fn json(&self) -> Value {
        let mut all = user_json(self.user);
        all["sessions"] = self.sessions.iter().map(session_json).collect();
        all["mails"] = self.mails.iter().map(mail_json).collect();
        all["locks"] = self.locks.iter().map(|lock| lock_json(lock.rule, lock.until)).collect();
        all
    }

    pub(super) fn text(&self) -> String {
        let mut text = user_text(self.user);
        let Self { sessions, mails, locks, .. } = self;
        part(&mut text, "sessions", sessions.iter().map(session_text));
        part(&mut text, "mails of seven days", mails.iter().map(mail_text));
        part(&mut text, "locks", locks.iter().map(|lock| lock_text(lock.rule, lock.until)));
        text
    }
}

fn part(text: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) {
    let _ = writeln!(text, "{title}: {}", lines.len());
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

/// A user, as one document.
pub(super) fn user_json(user: &User) -> Value {
    let ban = user.ban.as_ref().map(
        |ban| json!({ "reason": ban.reason, "at": ban.at, "until": ban.ends_at.and_then(time) }),
    );
    json!({
        "id": user.id,
        "legacy_id": user.legacy_id,
        "username": user.username,
        "email": user.email,
        "email_status": user.email_status,
        "secondary_email": user.secondary_email,
        "secondary_email_status": user.secondary_email_status,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "is_archived": user.is_archived,
        "ban": ban,
        "has_password": user.password.is_some(),
        "has_second_factor": user.has_second_factor,
        "second_factor_ends_at": user.second_factor_ends_at.and_then(time),
        "has_picture": user.profile_picture.is_some(),
        "mail_not_sent": user.mail_not_sent,
        "created_at": user.created_at,
        "last_login": user.last_login,
        "ends_at": user.ends_at.and_then(time),
    })
}

/// A user, as a line of a list.
pub(super) fn user_line(user: &User) -> String {
    let User { id, username, email, role, .. } = user;
    plain(format_args!("{id}\t{username}\t{email}\t{role}\t{}", state(user)))
}

fn user_text(user: &User) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Display| {
        let _ = writeln!(text, "{name:<15} {}", plain(value));
    };
    line("id", &user.id);
    if let Some(id) = &user.legacy_id {
        line("legacy id", id);
    }
    line("username", &user.username);
    let names = [&*user.first_name, &*user.last_name].join(" ");
    if names.trim() != "" {
        line("name", &names.trim());
    }
    line("email", &format_args!("{} ({})", user.email, user.email_status.name()));
    if let Some(second) = &user.secondary_email {
        line("second email", &format_args!("{second} ({})", user.secondary_email_status.name()));
    }
    line("role", &user.role);
    line("state", &state(user));
    line("password", &if user.password.is_some() { "set" } else { "none" });
    line("second factor", &if user.has_second_factor { "set" } else { "none" });
    if let Some(time) = user.second_factor_ends_at.and_then(time) {
        line("  ends", &time);
    }
    line("picture", &if user.profile_picture.is_some() { "set" } else { "none" });
    line("created", &user.created_at);
    if let Some(time) = user.ends_at.and_then(time) {
        line("ends", &time);
    }
    if let Some(kind) = &user.mail_not_sent {
        line("mail not sent", kind);
    }
    text
}

/// Whether the user can log in, and why not.
fn state(user: &User) -> String {
    let mut words = Vec::new();
    match &user.ban {
        Some(ban) => {
            let until = ban.ends_at.and_then(time).map(|end| format!(" until {end}"));
            let reason = if ban.reason.is_empty() { "" } else { ": " };
            words.push(format!("banned{}{reason}{}", until.unwrap_or_default(), ban.reason));
        }
        None if !user.is_active => words.push("inactive".to_owned()),
        None => words.push("active".to_owned()),
    }
    if !user.is_verified {
        words.push("unverified".to_owned());
    }
    if user.is_archived {
        words.push("archived".to_owned());
    }
    words.join(", ")
}

fn session_json(session: &Session) -> Value {
    json!({
        "id": session.id,
        "created_at": session.created_at,
        "used_at": session.rotated_at,
        "expires_at": time(session.expires_at),
        "ip": session.ip,
        "user_agent": session.user_agent,
    })
}

fn session_text(session: &Session) -> String {
    let Session { id, created_at, rotated_at, .. } = session;
    let ip = session.ip.as_deref().unwrap_or("-");
    let agent = session.user_agent.as_deref().unwrap_or("-");
    plain(format_args!("{id} opened {created_at}, used {rotated_at}, {ip}, {agent}"))
}

/// Without its id, which the link of the mail has.
fn mail_json(mail: &Mail) -> Value {
    json!({
        "mail": mail.kind.name(),
        "state": mail.state,
        "to": mail.to,
        "created_at": mail.created_at,
    })
}

fn mail_text(mail: &Mail) -> String {
    let state = json!(mail.state);
    let state = state.as_str().unwrap_or_default();
    plain(format_args!("{} {} to {}: {state}", mail.created_at, mail.kind.name(), mail.to))
}

/// The locks of a network.
pub(super) fn network_json(locks: &[NetworkLock]) -> Value {
    locks.iter().map(|lock| lock_json(lock.rule, Some(lock.until))).collect()
}

/// The same, as text.
pub(super) fn network_text(locks: &[NetworkLock]) -> String {
    let mut text = String::new();
    part(&mut text, "locks", locks.iter().map(|lock| lock_text(lock.rule, Some(lock.until))));
    text
}

fn lock_json(rule: Rule, until: Option<i64>) -> Value {
    json!({ "rule": rule, "until": until.and_then(time) })
}

fn lock_text(rule: Rule, until: Option<i64>) -> String {
    let rule = json!(rule);
    let rule = rule.as_str().unwrap_or_default();
    match until.and_then(time) {
        Some(time) => format!("{rule} until {time}"),
        None => format!("{rule} until a reset"),
    }
}

/// An event, as a line.
pub(super) fn event_text(event: &AuditEvent) -> String {
    let mut text = format!("{} {} by {}", event.at, event.event, event.by);
    if event.is_refused {
        text.push_str(", refused");
    }
    let count = event.count.map(|count| count.to_string());
    for (name, value) in
        [("detail", &event.detail), ("reason", &event.reason), ("count", &count), ("ip", &event.ip)]
    {
        if let Some(value) = value {
            let _ = write!(text, ", {name}: {value}");
        }
    }
    plain(text)
}

fn time(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// Replaces control characters, which a terminal would obey. A user may have written the text.
fn plain(text: impl Display) -> String {
    let is_dangerous = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.to_string().replace(is_dangerous, "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_a_user_wrote() {
        let text = plain("a\u{1b}[2Jb\u{9b}c\rd\u{202e}e\u{2066}f\tü‌م");
        assert_eq!(text, "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\tü‌م");
    }
}
