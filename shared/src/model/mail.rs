//! Mails to send: the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Purpose;
use super::user::short_digest;
use super::{Email, Languages, MailId, User, UserId};

/// A due mail. The transaction that causes it also writes it.
///
/// Holds no secret: link and code are derived when the mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Names the mail; the `jti` of the link in it.
    pub id: MailId,
    /// The content of the mail.
    #[serde(rename = "mail")]
    pub kind: MailKind,
    /// Its state.
    pub state: MailState,
    /// The user who gets it.
    pub user_id: UserId,
    /// The address that it goes to.
    pub to: String,
    /// The key of that address.
    pub to_key: String,
    /// The name of a user who may be deleted before the mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The address that it is about, masked. `None` for the user's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The IP address that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The binding of a link: [`User::binding`] at that time. Empty for a notice.
    #[serde(rename = "mark")]
    pub binding: String,
    /// The preferred languages of the user who requested the mail.
    #[serde(default, skip_serializing_if = "Languages::is_empty")]
    pub languages: Languages,
    /// Whether it is sent later, and not dropped, when its address is rate limited.
    #[serde(default)]
    pub may_wait: bool,
    /// [`User::address_changes`] at that time.
    #[serde(default)]
    pub address_changes: u64,
    /// The request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the user requested the original link, if this mail replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// When its link expires, and the mail becomes useless, in epoch seconds. A notice never does.
    pub stale_at: i64,
    /// When the lease of the present sender ends, in epoch seconds.
    #[serde(default)]
    pub lease_until: i64,
    /// SES's id of the message, once the mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

impl Mail {
    /// A mail to that address of the user with a link that expires at `stale_at` (epoch seconds).
    pub fn link(
        id: MailId,
        purpose: Purpose,
        (user, email): (&User, &Email),
        now: Timestamp,
        stale_at: i64,
    ) -> Self {
        let binding = user.binding(purpose);
        let due = Self::due(id, MailKind::Link(purpose), (user, email), now);
        Self { binding, stale_at, may_wait: true, ..due }
    }

    /// A notice to the user, at that address. It may wait for a free slot. The notice of a sign-up may not: each of
    /// them says the same.
    pub fn notice(
        id: MailId,
        notice: Notice,
        (user, email): (&User, &Email),
        now: Timestamp,
    ) -> Self {
        let may_wait = notice != Notice::AlreadyRegistered;
        Self { may_wait, ..Self::due(id, MailKind::Notice(notice), (user, email), now) }
    }

    /// The mail in one of these languages, unless the user has chosen one.
    #[must_use]
    pub fn in_one_of(self, languages: Languages) -> Self {
        Self { languages, ..self }
    }

    /// The activation mail of a pending sign-up, for the owner of an account with that address: a notice, or if the
    /// account was never proven, the link of that account.
    #[must_use]
    pub fn to_owner(&self, owner: &User, email: &Email) -> Self {
        let to_owner = if owner.is_verified {
            Self::notice(self.id, Notice::AlreadyRegistered, (owner, email), self.created_at)
        } else {
            let stale_at = self.stale_at.min(owner.ends_at.unwrap_or(i64::MAX));
            let (purpose, to) = (Purpose::Activation, (owner, email));
            Self::link(self.id, purpose, to, self.created_at, stale_at)
        };
        to_owner.in_one_of(self.languages.clone()).of_request(self.request_id.clone())
    }

    /// The mail with the id of its request, if it is known.
    #[must_use]
    pub fn of_request(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    /// The mail of that request to log in, which came from that IP address: its link and its code are bound to the
    /// request, and not to the user.
    #[must_use]
    pub fn for_log_in(self, request: &str, ip: Option<String>) -> Self {
        Self { binding: request.to_owned(), ip, ..self }
    }

    /// The mail about that address. It shows only as much of the address as its owner needs to recognise it.
    #[must_use]
    pub fn about(self, email: &Email) -> Self {
        Self { about: Some(email.masked()), ..self }
    }

    /// The mail, for a user who may be deleted before it is sent.
    #[must_use]
    pub fn to_user_who_may_be_deleted(self, user: &User) -> Self {
        let languages = user.locale.clone().or(self.languages);
        Self { username: Some(user.username.clone()), languages, ..self }
    }

    /// Identifies the link, apart from its expiry: of two mails with the same value, one is enough for a while.
    /// `None` for a notice: each one is about another event. It is a digest, because it is stored with the address,
    /// which need not be the user's, and may outlive the account.
    pub fn says(&self) -> Option<String> {
        match self.kind {
            MailKind::Link(purpose) => {
                Some(short_digest(&format!("{purpose} {} {}", self.user_id, self.binding)))
            }
            MailKind::Notice(_) => None,
        }
    }

    /// When the user requested the original mail, even if this mail replaces it.
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at.unwrap_or(self.created_at)
    }

    /// The address that it goes to.
    pub fn email(&self) -> Email {
        Email::stored(&self.to, &self.to_key)
    }

    fn due(id: MailId, kind: MailKind, (user, email): (&User, &Email), now: Timestamp) -> Self {
        Self {
            id,
            kind,
            state: MailState::Due,
            user_id: user.id,
            username: None,
            about: None,
            ip: None,
            binding: String::new(),
            to: email.address().to_owned(),
            to_key: email.key().to_owned(),
            languages: Languages::default(),
            may_wait: false,
            address_changes: user.address_changes,
            request_id: None,
            created_at: now,
            asked_at: None,
            stale_at: i64::MAX,
            lease_until: 0,
            message_id: None,
        }
    }
}

/// The content of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MailKind {
    /// A mail with a link, perhaps with a code.
    Link(Purpose),
    /// A notice of an event. It grants nothing, and is sent even if it is late.
    Notice(Notice),
}

impl MailKind {
    /// All kinds of mails.
    pub const ALL: [Self; 29] = [
        Self::Link(Purpose::Activation),
        Self::Link(Purpose::PasswordReset),
        Self::Link(Purpose::PasswordSet),
        Self::Link(Purpose::SecondaryEmail),
        Self::Link(Purpose::EmailChange),
        Self::Link(Purpose::EmailChangeCancel),
        Self::Link(Purpose::EmailRestore),
        Self::Link(Purpose::LogIn),
        Self::Notice(Notice::EmailChanged),
        Self::Notice(Notice::EmailsSwapped),
        Self::Notice(Notice::EmailRemoved),
        Self::Notice(Notice::SecondaryEmailAsked),
        Self::Notice(Notice::SecondaryEmailAdded),
        Self::Notice(Notice::PasswordChanged),
        Self::Notice(Notice::PasswordGuessed),
        Self::Notice(Notice::PasswordDisabled),
        Self::Notice(Notice::PasswordBreached),
        Self::Notice(Notice::NewDevice),
        Self::Notice(Notice::AccountArchived),
        Self::Notice(Notice::AccountDeleted),
        Self::Notice(Notice::SessionEnded),
        Self::Notice(Notice::AlreadyRegistered),
        Self::Notice(Notice::FactorAdded),
        Self::Notice(Notice::FactorRemoved),
        Self::Notice(Notice::RecoveryCodesReplaced),
        Self::Notice(Notice::RecoveryCodeUsed),
        Self::Notice(Notice::SecondFactorGuessed),
        Self::Notice(Notice::FactorRemovalAsked),
        Self::Notice(Notice::PasskeyCloned),
    ];

    /// The flag that the user item gets when such a mail was sent to the user.
    pub fn flag(self) -> Option<SentFlag> {
        match self {
            Self::Link(Purpose::Activation) => Some(SentFlag::Registration),
            Self::Link(Purpose::PasswordReset) => Some(SentFlag::Reset),
            Self::Link(
                Purpose::PasswordSet
                | Purpose::SecondaryEmail
                | Purpose::EmailChange
                | Purpose::EmailChangeCancel
                | Purpose::EmailRestore
                | Purpose::LogIn,
            )
            | Self::Notice(_) => None,
        }
    }

    /// Its name in logs and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link(purpose) => purpose.name(),
            Self::Notice(notice) => notice.name(),
        }
    }
}

/// A flag of the user item for a kind of mail that was sent to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentFlag {
    /// [`User::registration_sent`].
    Registration,
    /// [`User::reset_sent`].
    Reset,
}

/// An event that a notice is about, whether or not the user caused it. No [`Purpose`] has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The account has another first address. Goes to the former one, if that was not proven.
    EmailChanged,
    /// The two addresses of the account were swapped.
    EmailsSwapped,
    /// An address does not belong to the account any more. Goes to that address.
    EmailRemoved,
    /// The user asked for a second address. Goes to the first one.
    SecondaryEmailAsked,
    /// The account has a new second address. Goes to the first one.
    SecondaryEmailAdded,
    /// The account has another password.
    PasswordChanged,
    /// Many wrong passwords came in a row.
    PasswordGuessed,
    /// So many came that the password is disabled.
    PasswordDisabled,
    /// A log-in was made with a password that is known from a breach.
    PasswordBreached,
    /// A log-in came from a device that the account does not know.
    NewDevice,
    /// The account was archived.
    AccountArchived,
    /// The account was deleted by its owner.
    AccountDeleted,
    /// A refresh token was used twice, and the session has ended.
    SessionEnded,
    /// A sign-up used an address that has an account.
    AlreadyRegistered,
    /// The user added a second factor.
    FactorAdded,
    /// The second factor was removed.
    FactorRemoved,
    /// The user got new recovery codes.
    RecoveryCodesReplaced,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Codes of the second factor were guessed, after the right password.
    SecondFactorGuessed,
    /// Staff asked for the removal of the second factors, which takes effect in some days.
    FactorRemovalAsked,
    /// A passkey was refused, because a copy of it may exist.
    PasskeyCloned,
}

impl Notice {
    /// Whether its link leads to the page that mails a reset link. A notice to an address that has left the account
    /// has none: a reset mail would not arrive there.
    pub fn leads_to_reset(self) -> bool {
        match self {
            Self::PasswordChanged
            | Self::PasswordGuessed
            | Self::PasswordDisabled
            | Self::PasswordBreached
            | Self::NewDevice
            | Self::SessionEnded
            | Self::EmailsSwapped
            | Self::SecondaryEmailAsked
            | Self::SecondaryEmailAdded
            | Self::AccountArchived
            | Self::AlreadyRegistered
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::RecoveryCodesReplaced
            | Self::RecoveryCodeUsed
            | Self::SecondFactorGuessed => true,
            // At these addresses, or against these events, a reset does not help. For example, only a proof of the
            // second factor stops its removal.
            Self::EmailChanged
            | Self::EmailRemoved
            | Self::AccountDeleted
            | Self::FactorRemovalAsked
            | Self::PasskeyCloned => false,
        }
    }

    /// Its name in logs and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::EmailChanged => "email_changed",
            Self::EmailsSwapped => "emails_swapped",
            Self::EmailRemoved => "email_removed",
            Self::SecondaryEmailAsked => "secondary_email_asked",
            Self::SecondaryEmailAdded => "secondary_email_added",
            Self::PasswordChanged => "password_changed",
            Self::PasswordGuessed => "password_guessed",
            Self::PasswordDisabled => "password_disabled",
            Self::PasswordBreached => "password_breached",
            Self::NewDevice => "new_device",
            Self::AccountArchived => "account_archived",
            Self::AccountDeleted => "account_deleted",
            Self::SessionEnded => "session_ended",
            Self::AlreadyRegistered => "already_registered",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::RecoveryCodesReplaced => "recovery_codes_replaced",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::SecondFactorGuessed => "second_factor_guessed",
            Self::FactorRemovalAsked => "factor_removal_asked",
            Self::PasskeyCloned => "passkey_cloned",
        }
    }
}

/// The state of a mail. The stream calls the sender for [`MailState::Due`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// Written, or put back after a failure to send it.
    Due,
    /// A sender holds the lease.
    Sending,
    /// SES accepted it.
    Sent,
    /// Not sent, because it had become stale, or because its address is rate limited or accepts no mail.
    Dropped,
    /// SES will never accept it.
    Refused,
    /// Every try to send it failed.
    Failed,
}
