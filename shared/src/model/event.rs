//! The events of accounts, for other systems: what a rule of `EventBridge` or a webhook gets.
//!
//! An event is made from the event of the audit trail, which the transaction of the change writes. So each committed
//! change is an event. A change that was not committed is none. `docs/events.md` has the inventory.

use jiff::Timestamp;
use serde::Serialize;

use super::{Actor, AuditEvent, EventId, EventKind, Factor, Role, SessionId, User, UserId};

macro_rules! types {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// The type of an event: what a receiver distinguishes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        pub enum EventType {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+
        }

        impl EventType {
            /// All of them, in the order of the inventory.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in events.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it says, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

types! {
    /// An account exists.
    UserCreated = "user.created",
    /// The address of an account is verified.
    UserVerified = "user.verified",
    /// The name, the picture or other facts of the profile have changed.
    UserUpdated = "user.updated",
    /// The first address has changed. The new one is verified.
    UserEmailChanged = "user.email_changed",
    /// The user has another second address, which is verified.
    UserSecondaryEmailAdded = "user.secondary_email_added",
    /// The user has no second address any more.
    UserSecondaryEmailRemoved = "user.secondary_email_removed",
    /// Mail to an address of the user bounced, or its recipient complained. Latchkey sends no more mail to it.
    UserEmailFailed = "user.email_failed",
    /// Latchkey sends mail to all addresses of the user again.
    UserEmailCleared = "user.email_cleared",
    /// The user has another password. All earlier sessions have ended.
    UserPasswordChanged = "user.password_changed",
    /// The second factors of the user have changed: one was added, removed or replaced. Or the
    /// trusted devices have changed.
    UserFactorsChanged = "user.factors_changed",
    /// The user can no longer log in with the password, and has to reset it.
    UserPasswordDisabled = "user.password_disabled",
    /// The user has another role. All sessions have ended.
    UserRoleChanged = "user.role_changed",
    /// The user is banned. All sessions have ended.
    UserBanned = "user.banned",
    /// The user is not banned any more. If staff have lifted the ban, all sessions have ended.
    UserUnbanned = "user.unbanned",
    /// The user has archived the account. All sessions have ended.
    UserArchived = "user.archived",
    /// The user uses an archived account again.
    UserUnarchived = "user.unarchived",
    /// The user has deleted the account, and its data stays. All sessions have ended.
    UserDeactivated = "user.deactivated",
    /// The account does not exist any more.
    UserDeleted = "user.deleted",
    /// A session was opened. Only with `EVENTS_LOG_INS`.
    SessionCreated = "session.created",
    /// A session has ended before its time.
    SessionEnded = "session.ended",
    /// All sessions of the user have ended, or all but the one of `session_id`.
    SessionsEnded = "sessions.ended",
}

impl EventKind {
    /// The type of the event that a change of this kind is; `None` if it changes no account.
    pub fn event_type(self) -> Option<EventType> {
        Some(match self {
            Self::SignedUp | Self::Invited | Self::SuperuserCreated | Self::Imported => {
                EventType::UserCreated
            }
            Self::AddressVerified => EventType::UserVerified,
            Self::ProfileChanged => EventType::UserUpdated,
            Self::EmailChanged | Self::EmailRestored | Self::EmailsSwapped => {
                EventType::UserEmailChanged
            }
            Self::SecondaryEmailAdded => EventType::UserSecondaryEmailAdded,
            Self::SecondaryEmailRemoved => EventType::UserSecondaryEmailRemoved,
            Self::MailBounced | Self::MailComplained => EventType::UserEmailFailed,
            Self::EmailStatusCleared => EventType::UserEmailCleared,
            Self::PasswordChanged | Self::PasswordReset => EventType::UserPasswordChanged,
            Self::PasswordExpired | Self::PasswordDisabled => EventType::UserPasswordDisabled,
            Self::AppAdded
            | Self::AppRemoved
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasskeyRenamed
            | Self::RecoveryCodesReplaced
            | Self::DeviceTrusted
            | Self::DeviceTrustEnded
            | Self::SecondFactorRemoved => EventType::UserFactorsChanged,
            Self::RoleChanged => EventType::UserRoleChanged,
            Self::Banned => EventType::UserBanned,
            Self::BanLifted | Self::BanEnded => EventType::UserUnbanned,
            Self::Archived => EventType::UserArchived,
            Self::Unarchived => EventType::UserUnarchived,
            Self::Deactivated => EventType::UserDeactivated,
            Self::Deleted | Self::ImportUndone => EventType::UserDeleted,
            Self::LoggedIn => EventType::SessionCreated,
            Self::SessionEnded | Self::RefreshTokenReused => EventType::SessionEnded,
            Self::OtherSessionsEnded | Self::AllSessionsEnded => EventType::SessionsEnded,
            // Attempts, requests and mails: they change no account.
            Self::Exported
            | Self::PersonalDataExported
            | Self::ConsoleOpened
            | Self::ConsoleRefused
            | Self::LogInFailed
            | Self::Locked
            | Self::NetworkLocked
            | Self::SecondFactorLocked
            | Self::PasskeyCloned
            | Self::RecoveryCodeUsed
            | Self::SecondFactorRemovalAsked
            | Self::SecondFactorRemovalCanceled
            | Self::PasswordBreached
            | Self::EmailChangeAsked
            | Self::EmailChangeCanceled
            | Self::SecondaryEmailAsked
            | Self::MailFailed
            | Self::ActivationSent
            | Self::ResetSent
            | Self::LocksLifted
            | Self::NetworkUnlocked
            | Self::StaffRefused => return None,
        })
    }
}

/// Which events there are, and what they contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventOptions {
    /// Whether an event has the user's addresses and names.
    pub personal_data: bool,
    /// Whether a log-in is an event.
    pub log_ins: bool,
}

/// An event of an account, as a receiver gets it. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountEvent {
    /// Names the event. A repeated event has the same id, and ids sort by time.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// To whom it happened, and how.
    pub data: EventData,
}

/// The part of an event that depends on its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventData {
    /// The user of the account.
    pub user_id: UserId,
    /// What exactly happened.
    pub kind: EventKind,
    /// Who caused it: never which member of staff.
    pub by: &'static str,
    /// How the user proved who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// The session that was opened, that ended, or that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The user as of the delivery, by the setting; `None` without the setting, and for a user who was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<EventUser>,
}

/// A user in an event: for a copy of the accounts in another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventUser {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_email: Option<String>,
    is_verified: bool,
    username: String,
    first_name: String,
    last_name: String,
    role: Role,
}

impl AccountEvent {
    /// The event for an event of the audit trail. `None` if receivers get none, for example because the change was
    /// refused.
    pub fn of(event: &AuditEvent, options: EventOptions) -> Option<Self> {
        let event_type = event.event.event_type()?;
        if event.is_refused || (event_type == EventType::SessionCreated && !options.log_ins) {
            return None;
        }
        let detail = event.detail.as_deref().unwrap_or_default();
        Some(Self {
            id: event.id,
            event_type,
            timestamp: event.at,
            data: EventData {
                user_id: event.user_id?,
                kind: event.event,
                by: match event.by {
                    Actor::Oneself => "self",
                    Actor::Anonymous => "anonymous",
                    Actor::Staff(_) | Actor::AnyStaff => "staff",
                    Actor::Operator(_) => "operator",
                    Actor::System => "system",
                },
                factor: event.factor,
                session_id: detail.parse().ok(),
                role: Role::named(detail),
                user: None,
            },
        })
    }

    /// The same, with the addresses and names of the user.
    #[must_use]
    pub fn about(mut self, user: Option<&User>) -> Self {
        self.data.user = user.map(|user| EventUser {
            email: user.email.clone(),
            secondary_email: user.secondary_email.clone(),
            is_verified: user.is_verified,
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            role: user.role,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Settings;

    const PAGE: &str = include_str!("../../../docs/events.md");
    const TEMPLATE: &str = include_str!("../../../template.yaml");

    #[test]
    fn the_documentation_has_every_type_with_its_kinds() {
        const BEGIN: &str =
            "<!-- types of events: written by `UPDATE_EXPECT=1 cargo test -p accounts` -->";
        const END: &str = "<!-- end of types of events -->";
        let row = |event_type: &EventType| {
            let kinds = EventKind::ALL.iter().filter(|kind| kind.event_type() == Some(*event_type));
            let kinds: Vec<_> = kinds.map(|kind| format!("`{kind}`")).collect();
            assert!(!kinds.is_empty(), "{event_type:?}");
            let (name, about) = (event_type.name(), event_type.about());
            format!("| `{name}` | {about} | {} |\n", kinds.join(", "))
        };
        let rows: String = EventType::ALL.iter().map(row).collect();
        let none = EventKind::ALL.iter().filter(|kind| kind.event_type().is_none());
        let none: Vec<_> = none.map(|kind| format!("`{kind}`")).collect();
        let expected = format!(
            "\n\n| type | meaning | `data.kind` |\n|---|---|---|\n{rows}\n\
             These kinds of the audit trail do not change an account, so Latchkey publishes no event for them: {}.\n\n",
            none.join(", ")
        );
        let (before, rest) = PAGE.split_once(BEGIN).unwrap();
        let (found, after) = rest.split_once(END).unwrap();
        if found == expected {
            return;
        }
        if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
            std::fs::write(file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
            return;
        }
        panic!("UPDATE_EXPECT=1 cargo test -p accounts writes this into docs/events.md:{expected}");
    }

    #[test]
    fn the_filter_of_the_template_passes_every_kind_that_is_an_event_and_no_other() {
        let (_, function) = TEMPLATE.split_once("  AccountEventFunction:\n").unwrap();
        let patterns = function.lines().filter_map(|line| line.split_once("Pattern: '"));
        let patterns = patterns.map(|(_, pattern)| pattern.trim_end_matches('\''));
        let kinds = |pattern: &str| -> Vec<String> {
            let pattern: serde_json::Value = serde_json::from_str(pattern).unwrap();
            assert_eq!(pattern["eventName"], serde_json::json!(["INSERT"]));
            let image = &pattern["dynamodb"]["NewImage"];
            assert_eq!(image["kind"]["S"], serde_json::json!(["audit"]));
            serde_json::from_value(image["event"]["S"].clone()).unwrap()
        };
        let found: Vec<Vec<String>> = patterns.take(2).map(kinds).collect();
        let events = EventKind::ALL.iter().filter(|kind| kind.event_type().is_some());
        let events: BTreeSet<String> = events.map(|kind| kind.name().to_owned()).collect();
        assert_eq!(found[1], ["logged_in"], "a filter of its own: it depends on a parameter");
        assert_eq!(found.concat().into_iter().collect::<BTreeSet<_>>(), events);
    }

    #[test]
    fn every_type_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<_> = EventType::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), EventType::ALL.len());
        for event_type in EventType::ALL {
            assert!(event_type.about().ends_with('.'), "{event_type:?}");
            assert_eq!(serde_json::to_value(event_type).unwrap(), event_type.name());
        }
    }
}
