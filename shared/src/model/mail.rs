//! Mails that are to be sent: the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::Purpose;
use super::{Email, MailId, User, UserId};

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
    /// [`User::password_mark`] at that time: links that reset the password or add an address are of
    /// no use after a change of password, by whatever way.
    pub password_mark: String,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// When its link is of no use any more, and nor is the mail, in epoch seconds.
    pub stale_at: i64,
    /// Until when somebody is sending it, in epoch seconds.
    #[serde(default)]
    pub lease_until: i64,
    /// What SES called it, once it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

impl Mail {
    /// A mail to that address of the user, good until `stale_at` (epoch seconds).
    pub fn new(
        id: MailId,
        kind: MailKind,
        (user, email): (&User, &Email),
        now: Timestamp,
        stale_at: i64,
    ) -> Self {
        Self {
            id,
            kind,
            state: MailState::Due,
            user_id: user.id,
            password_mark: user.password_mark(),
            to: email.address().to_owned(),
            to_key: email.key().to_owned(),
            created_at: now,
            stale_at,
            lease_until: 0,
            message_id: None,
        }
    }
}

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// Link and code that prove the address of a new account.
    Activation,
    /// A link by which a new password can be chosen.
    PasswordReset,
    /// A link by which the first password can be set.
    PasswordSet,
    /// A link that proves a second address.
    SecondaryEmail,
}

impl MailKind {
    /// What its link is for.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Activation => Purpose::Activation,
            Self::PasswordReset => Purpose::PasswordReset,
            Self::PasswordSet => Purpose::PasswordSet,
            Self::SecondaryEmail => Purpose::SecondaryEmail,
        }
    }

    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::PasswordReset => "password_reset",
            Self::PasswordSet => "password_set",
            Self::SecondaryEmail => "secondary_email",
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
    /// Not sent, because it had gone stale.
    Dropped,
    /// SES will never take it.
    Refused,
}
