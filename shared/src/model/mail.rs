//! Mails that are to be sent: the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::Purpose;
use super::user::short_digest;
use super::{Email, Languages, MailId, User, UserId};

/// A decision that a mail is due, written in the same transaction as what caused it.
///
/// Holds no secret: link and code are derived when the mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Names the mail; the `jti` of the link in it.
    pub id: MailId,
    /// What it says.
    #[serde(rename = "mail")]
    pub kind: MailKind,
    /// How far it has come.
    pub state: MailState,
    /// Who gets it.
    pub user_id: UserId,
    /// Where it goes.
    pub to: String,
    /// The key of that address.
    pub to_key: String,
    /// The name of a user who may be gone when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The address that it is about, masked; none: the user's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Of a link, [`User::mark`] at that time. Empty for a notice.
    pub mark: String,
    /// What whoever asked for it reads.
    #[serde(default, skip_serializing_if = "Languages::is_empty")]
    pub languages: Languages,
    /// Whether it goes out later, and not never, when its address has had enough mail for now.
    #[serde(default)]
    pub may_wait: bool,
    /// [`User::address_changes`] at that time.
    #[serde(default)]
    pub address_changes: u64,
    /// The request in which it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// When the link was asked for that this one is sent in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// When its link is of no use any more, and nor is the mail, in epoch seconds. Never, for a notice.
    pub stale_at: i64,
    /// Until when somebody is sending it, in epoch seconds.
    #[serde(default)]
    pub lease_until: i64,
    /// What SES called it, once it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

impl Mail {
    /// A mail to that address of the user with a link that is good until `stale_at` (epoch seconds).
    pub fn link(
        id: MailId,
        purpose: Purpose,
        (user, email): (&User, &Email),
        now: Timestamp,
        stale_at: i64,
    ) -> Self {
        let mark = user.mark(purpose);
        let due = Self::due(id, MailKind::Link(purpose), (user, email), now);
        Self { mark, stale_at, may_wait: true, ..due }
    }

    /// A mail that tells the user something, at that address. It waits if it must, but for the notice of a
    /// sign-up: one of those says what the next would say.
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

    /// The activation mail of a pending sign-up, as the owner gets it whose account has the address already: as a
    /// notice, or with the link of that account if it was never proven.
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

    /// The mail as one that comes of that request, if it is known.
    #[must_use]
    pub fn of_request(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    /// The mail as one about that address, of which it shows no more than its owner needs to know it again.
    #[must_use]
    pub fn about(self, email: &Email) -> Self {
        Self { about: Some(email.masked()), ..self }
    }

    /// The mail as one to a user who may be gone when it is sent.
    #[must_use]
    pub fn to_one_who_may_be_gone(self, user: &User) -> Self {
        let languages = user.locale.clone().or(self.languages);
        Self { username: Some(user.username.clone()), languages, ..self }
    }

    /// What the link is, apart from how long it is good for: of two mails with the same, one is enough for a
    /// while. Nothing, for a notice: each is of something else that has happened. A digest, because it is kept
    /// with the address, which need not be the user's, and may outlive the account.
    pub fn says(&self) -> Option<String> {
        match self.kind {
            MailKind::Link(purpose) => {
                Some(short_digest(&format!("{purpose} {} {}", self.user_id, self.mark)))
            }
            MailKind::Notice(_) => None,
        }
    }

    /// When somebody asked for it, however often it was sent again.
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at.unwrap_or(self.created_at)
    }

    /// Where it goes.
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
            mark: String::new(),
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

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MailKind {
    /// Here is a link, perhaps with a code: use it while it is good.
    Link(Purpose),
    /// This has happened. Grants nothing, and is told however late.
    Notice(Notice),
}

impl MailKind {
    /// Every mail that there is.
    pub const ALL: [Self; 17] = [
        Self::Link(Purpose::Activation),
        Self::Link(Purpose::PasswordReset),
        Self::Link(Purpose::PasswordSet),
        Self::Link(Purpose::SecondaryEmail),
        Self::Link(Purpose::EmailChange),
        Self::Link(Purpose::EmailChangeCancel),
        Self::Link(Purpose::EmailRestore),
        Self::Notice(Notice::EmailChanged),
        Self::Notice(Notice::EmailsSwapped),
        Self::Notice(Notice::EmailRemoved),
        Self::Notice(Notice::SecondaryEmailAsked),
        Self::Notice(Notice::SecondaryEmailAdded),
        Self::Notice(Notice::PasswordChanged),
        Self::Notice(Notice::AccountArchived),
        Self::Notice(Notice::AccountDeleted),
        Self::Notice(Notice::SessionEnded),
        Self::Notice(Notice::AlreadyRegistered),
    ];

    /// What a user item says once such a mail was sent to the user.
    pub fn flag(self) -> Option<SentFlag> {
        match self {
            Self::Link(Purpose::Activation) => Some(SentFlag::Registration),
            Self::Link(Purpose::PasswordReset) => Some(SentFlag::Reset),
            Self::Link(
                Purpose::PasswordSet
                | Purpose::SecondaryEmail
                | Purpose::EmailChange
                | Purpose::EmailChangeCancel
                | Purpose::EmailRestore,
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

/// What a user item keeps of the mails that were sent to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentFlag {
    /// [`User::registration_sent`].
    Registration,
    /// [`User::reset_sent`].
    Reset,
}

/// What users are told of, whether or not they did it. Its name is none that a [`Purpose`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The account has another first address: told to the one before, if that was not proven.
    EmailChanged,
    /// The two addresses of the account were swapped.
    EmailsSwapped,
    /// An address is not the account's any more: told to that one.
    EmailRemoved,
    /// A second address was asked for: told to the first one.
    SecondaryEmailAsked,
    /// The account has a second address, or another one: told to the first one.
    SecondaryEmailAdded,
    /// The account has another password.
    PasswordChanged,
    /// The account was put away.
    AccountArchived,
    /// The account was deleted by its owner.
    AccountDeleted,
    /// A refresh token was used twice, and the session has ended.
    SessionEnded,
    /// Somebody wants to sign up with an address that has an account.
    AlreadyRegistered,
}

impl Notice {
    /// Whether its link leads to the page that mails a reset link. A notice to an address that has left the account
    /// has none: a reset mail would not arrive there.
    pub fn leads_to_reset(self) -> bool {
        match self {
            Self::PasswordChanged
            | Self::SessionEnded
            | Self::EmailsSwapped
            | Self::SecondaryEmailAsked
            | Self::SecondaryEmailAdded
            | Self::AccountArchived
            | Self::AlreadyRegistered => true,
            Self::EmailChanged | Self::EmailRemoved | Self::AccountDeleted => false,
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
            Self::AccountArchived => "account_archived",
            Self::AccountDeleted => "account_deleted",
            Self::SessionEnded => "session_ended",
            Self::AlreadyRegistered => "already_registered",
        }
    }
}

/// How far a mail has come. The stream calls the sender for [`MailState::Due`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// Written, or put back after somebody failed to send it.
    Due,
    /// Somebody holds the lease.
    Sending,
    /// SES has it.
    Sent,
    /// Not sent, because it had gone stale, or its address has had enough or takes none.
    Dropped,
    /// SES will never take it.
    Refused,
    /// Every try to send it failed.
    Failed,
}
