//! The audit trail: what happened to each account, who caused it, and from where.
//!
//! An event is written in the transaction of the change, and is never changed after that. [`EventKind::ALL`] is the
//! inventory; `docs/admin.md` shows it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EventId, UserId};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind,)+
        }

        impl EventKind {
            /// All of them, in the order of the inventory.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its name in the table, in the APIs and in the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// What it says, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

kinds! {
    /// The account was created by a sign-up.
    SignedUp = "signed_up",
    /// The account was created by staff, who invited the user.
    Invited = "invited",
    /// The account of a superuser was created by the command line.
    SuperuserCreated = "superuser_created",
    /// The account was created by an import.
    Imported = "imported",
    /// The import of the account was undone, because its user had not used it.
    ImportUndone = "import_undone",
    /// All users were exported, with the hashes of their passwords.
    Exported = "exported",
    /// The personal data of the user was exported: by the user, or by staff.
    PersonalDataExported = "personal_data_exported",
    /// The address was verified: by the user, by staff, or because the account was created with a verified address.
    AddressVerified = "address_verified",
    /// A session was opened.
    LoggedIn = "logged_in",
    /// A member of staff opened the console.
    ConsoleOpened = "console_opened",
    /// The password was right, but the user is not a member of staff, or the network is not in `STAFF_NETWORKS`.
    ConsoleRefused = "console_refused",
    /// A wrong code of a second factor reached the limit: the log-ins of the user are refused for a time.
    SecondFactorLocked = "second_factor_locked",
    /// The user added an authenticator app.
    AppAdded = "app_added",
    /// The user removed the authenticator app.
    AppRemoved = "app_removed",
    /// The user added a passkey.
    PasskeyAdded = "passkey_added",
    /// The user removed a passkey.
    PasskeyRemoved = "passkey_removed",
    /// The user gave a passkey another name.
    PasskeyRenamed = "passkey_renamed",
    /// A passkey was refused, because its signature counter went back: a copy of it may exist.
    PasskeyCloned = "passkey_cloned",
    /// The user got new recovery codes. The old ones no longer work.
    RecoveryCodesReplaced = "recovery_codes_replaced",
    /// A recovery code was used. `count` is how many are left.
    RecoveryCodeUsed = "recovery_code_used",
    /// The user trusted a device: log-ins on it need no second factor until the end of the trust. `detail` is the session.
    DeviceTrusted = "device_trusted",
    /// The user ended trusts in devices. `count` is how many.
    DeviceTrustEnded = "device_trust_ended",
    /// Staff asked for the removal of the second factors. `detail` is when it takes effect.
    SecondFactorRemovalAsked = "second_factor_removal_asked",
    /// The user proved a second factor, or staff withdrew the request: so the second factors stay.
    SecondFactorRemovalCanceled = "second_factor_removal_canceled",
    /// The second factors were removed: after a request of staff, by an operator, or because a former address took the
    /// account back.
    SecondFactorRemoved = "second_factor_removed",
    /// A password was wrong: the first or the 50th in a row. `count` is the number.
    LogInFailed = "log_in_failed",
    /// Log-ins are refused for a time, after 10 wrong passwords in a row.
    Locked = "locked",
    /// Attempts or requests from a network are refused for a time: it has reached a limit.
    NetworkLocked = "network_locked",
    /// The password is disabled until a reset, after 100 wrong passwords in a row.
    PasswordDisabled = "password_disabled",
    /// A session was ended: by its user, or by staff.
    SessionEnded = "session_ended",
    /// All sessions but one were ended by the user.
    OtherSessionsEnded = "other_sessions_ended",
    /// All sessions were ended.
    AllSessionsEnded = "all_sessions_ended",
    /// A refresh token was used twice, so its session was ended: a copy of it may exist.
    RefreshTokenReused = "refresh_token_reused",
    /// The password was changed by a user who knew it.
    PasswordChanged = "password_changed",
    /// A password was set by a mailed link.
    PasswordReset = "password_reset",
    /// Staff expired the password: the user can log in only after a reset.
    PasswordExpired = "password_expired",
    /// The password is in a list of breached passwords.
    PasswordBreached = "password_breached",
    /// A change of the first address was requested.
    EmailChangeAsked = "email_change_asked",
    /// The owner of the present first address canceled the request for another one.
    EmailChangeCanceled = "email_change_canceled",
    /// The names, the picture or other facts of the profile were changed.
    ProfileChanged = "profile_changed",
    /// The first address was changed.
    EmailChanged = "email_changed",
    /// The owner of a former first address took the account back.
    EmailRestored = "email_restored",
    /// A second address was requested.
    SecondaryEmailAsked = "secondary_email_asked",
    /// A second address was added.
    SecondaryEmailAdded = "secondary_email_added",
    /// The second address was removed.
    SecondaryEmailRemoved = "secondary_email_removed",
    /// The first and the second address were swapped.
    EmailsSwapped = "emails_swapped",
    /// A mail to the user bounced, so Latchkey sends no more mail to its address.
    MailBounced = "mail_bounced",
    /// The recipient of a mail complained about it.
    MailComplained = "mail_complained",
    /// A mail to the user could not be sent.
    MailFailed = "mail_failed",
    /// Latchkey sends mail to all addresses of the user again.
    EmailStatusCleared = "email_status_cleared",
    /// The user archived the account.
    Archived = "archived",
    /// The user logged in to an archived account, so it is not archived any more.
    Unarchived = "unarchived",
    /// The user deleted the account, and its data stays.
    Deactivated = "deactivated",
    /// The account and its data were deleted for good: on request, or because the address was not verified in time.
    Deleted = "deleted",
    /// Staff banned the user.
    Banned = "banned",
    /// Staff lifted the ban.
    BanLifted = "ban_lifted",
    /// A ban had ended by itself when the user logged in.
    BanEnded = "ban_ended",
    /// Staff gave the user another role.
    RoleChanged = "role_changed",
    /// Staff sent an activation mail.
    ActivationSent = "activation_sent",
    /// Staff sent a mail with a password reset link.
    ResetSent = "reset_sent",
    /// Staff lifted the locks of the account.
    LocksLifted = "locks_lifted",
    /// Staff lifted the locks of a network.
    NetworkUnlocked = "network_unlocked",
    /// A member of staff tried an operation that the role does not allow.
    StaffRefused = "staff_refused",
}

impl EventKind {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Actor {
    /// The user of the account.
    Oneself,
    /// An anonymous caller, who may or may not be the user.
    Anonymous,
    /// A member of staff.
    Staff(UserId),
    /// A member of staff whose name does not matter: users see this of those who acted on them.
    AnyStaff,
    /// An operator at the command line, by the name that the operator gave.
    Operator(String),
    /// Latchkey, or the mail service.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oneself => f.write_str("self"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::AnyStaff => f.write_str("staff"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

impl TryFrom<String> for Actor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("staff", id)) => id.parse().map(Self::Staff).map_err(|error| error.to_string()),
            Some(("operator", name)) => Ok(Self::Operator(name.to_owned())),
            None if text == "self" => Ok(Self::Oneself),
            None if text == "staff" => Ok(Self::AnyStaff),
            None if text == "anonymous" => Ok(Self::Anonymous),
            None if text == "system" => Ok(Self::System),
            Some(_) | None => Err(format!("no actor: {text}")),
        }
    }
}

/// How a user proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// By the password.
    Password,
    /// By a mailed link.
    Link,
    /// By a mailed one-time code.
    Code,
    /// By a code of an authenticator app.
    App,
    /// By a recovery code.
    RecoveryCode,
    /// By a passkey.
    Passkey,
}

impl Factor {
    /// Its name in the APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Code => "code",
            Self::App => "app",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }

    /// Whether it was mailed.
    pub fn is_mail(self) -> bool {
        match self {
            Self::Link | Self::Code => true,
            Self::Password | Self::App | Self::RecoveryCode | Self::Passkey => false,
        }
    }

    /// Its value in the claim `amr` of access tokens: those of RFC 8176, and `email`, which the RFC does not have.
    pub fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Link | Self::Code => "email",
            Self::App | Self::RecoveryCode => "otp",
            Self::Passkey => "pop",
        }
    }
}

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
    /// How many the event stands for.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn every_actor_is_read_as_it_is_written() {
        let id: UserId = "01920000-0000-7000-8000-000000000001".parse().unwrap();
        let named = Actor::Operator("eve: the admin".to_owned());
        for actor in [
            Actor::Oneself,
            Actor::Anonymous,
            Actor::AnyStaff,
            Actor::System,
            Actor::Staff(id),
            named,
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for bad in ["", "staff:", "staff:ann", "root", "robot:1"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_documentation_has_every_kind_of_event() {
        const BEGIN: &str =
            "<!-- kinds of events: written by `UPDATE_EXPECT=1 cargo test -p accounts` -->";
        const END: &str = "<!-- end of kinds of events -->";
        let head = "| event | meaning |\n|---|---|\n";
        let row = |kind: &EventKind| format!("| `{kind}` | {} |\n", kind.about());
        let rows: String = EventKind::ALL.iter().map(row).collect();
        let documented = include_str!("../../../docs/admin.md");
        let (before, rest) = documented.split_once(BEGIN).unwrap();
        let (found, after) = rest.split_once(END).unwrap();
        let expected = format!("\n\n{head}{rows}\n");
        if found == expected {
            return;
        }
        if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/admin.md");
            std::fs::write(file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
            return;
        }
        panic!("UPDATE_EXPECT=1 cargo test -p accounts writes this into docs/admin.md:{expected}");
    }

    #[test]
    fn the_inventory_has_at_least_thirty_kinds_each_with_a_name_and_a_sentence() {
        assert!(EventKind::ALL.len() >= 30);
        for kind in EventKind::ALL {
            assert_eq!(EventKind::named(kind.name()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!(kind.about().ends_with('.'), "{kind}");
        }
    }
}
