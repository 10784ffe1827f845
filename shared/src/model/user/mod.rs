//! Users.

mod addresses;
mod binding;
mod role;

use std::collections::BTreeSet;
use std::ops::Not;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::guessing::{MOST_IN_A_ROW, Permission, Rule};
use super::{
    Ban, Email, FormerEmails, Languages, MailId, PasswordHash, SentFlag, SessionId, UserId,
    Username,
};

pub use addresses::EmailStatus;
pub use role::Role;

/// Whether an attribute is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A user account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct User {
    /// Names the user, for ever.
    pub id: UserId,
    /// The primary key in the system that the user was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_id: Option<String>,
    /// The name to show.
    pub username: String,
    /// The unique key of the name.
    pub username_key: String,
    /// The keys of the names that it looks like: no other user can have those.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub username_looks: BTreeSet<String>,
    /// The address to write to.
    pub email: String,
    /// The unique key of the address.
    pub email_key: String,
    /// `None` until a password is set: until then no password works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// As far as the user says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The user's position in an organisation. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub position: String,
    /// The user's department in an organisation. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// A banned or deleted user is not active: no log-in, no session.
    pub is_active: bool,
    /// Why and until when staff banned the user. A ban that has ended counts as none: the store reads it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Ban>,
    /// The user's permissions.
    pub role: Role,
    /// Whether the user has proven the address.
    pub is_verified: bool,
    /// Whether the user has put the account away; the next log-in takes it out again.
    pub is_archived: bool,
    /// A second, proven address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_email: Option<String>,
    /// The unique key of the second address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_email_key: Option<String>,
    /// How often the addresses have changed: an address of an earlier request may have been removed since.
    #[serde(default)]
    pub address_changes: u64,
    /// The last request for another first address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<Pending>,
    /// The last request for a second address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_secondary_email: Option<Pending>,
    /// Addresses that left the first place, or the account, in the last days.
    #[serde(default, skip_serializing_if = "FormerEmails::is_empty")]
    pub former_emails: FormerEmails,
    /// The key of the object with the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_picture: Option<String>,
    /// The preferred languages of mails to the user. If empty, those of the request that causes the mail.
    #[serde(default, skip_serializing_if = "Languages::is_empty")]
    pub locale: Languages,
    /// Whether mail to the first address arrives.
    #[serde(default, skip_serializing_if = "EmailStatus::is_ok")]
    pub email_status: EmailStatus,
    /// Whether mail to the second address arrives.
    #[serde(default, skip_serializing_if = "EmailStatus::is_ok")]
    pub secondary_email_status: EmailStatus,
    /// Whether an activation mail was ever sent to the user.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub registration_sent: bool,
    /// Whether a mail with a password reset link was ever sent to the user.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub reset_sent: bool,
    /// The kind of the last mail that could not be sent to the user, until one is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_not_sent: Option<String>,
    /// Whether the table still has a ban that has ended. The next log-in removes it.
    #[serde(skip)]
    pub had_ban: bool,
    /// How many wrong passwords in a row came from devices that the user has not logged in on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub password_failures: u32,
    /// The same, from devices that the user has logged in on, and from sessions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub known_password_failures: u32,
    /// A digest of the hash of the last password that a log-in compared with the breached passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_password: Option<String>,
    /// Whether a log-in needs a second factor: see [`Factors`](super::Factors).
    #[serde(default, skip_serializing_if = "Not::not")]
    pub has_second_factor: bool,
    /// When the second factors end, because staff have asked for that, in epoch seconds. From then on, the user counts
    /// as one without a second factor: the store reads it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_ends_at: Option<i64>,
    /// Whether the table still has second factors that have ended. The next log-in removes them.
    #[serde(skip)]
    pub had_second_factor: bool,
    /// Sessions of an earlier epoch have ended. The write that makes it necessary to end all sessions raises the
    /// epoch, so that no log-in can come between the two.
    pub epoch: u64,
    /// When the account ends unless its address is proven before, in epoch seconds. `None` for one that stays. An
    /// account that was deleted for good has ended, too, until its items are deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<i64>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The last log-in of an imported user, from before the import. Latchkey never writes it: that would cost a write of
    /// the user at each log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// The import that made the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// Whether the user has not logged in since the import.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub is_unused: bool,
}

impl User {
    /// Gives the user another name.
    pub fn set_username(&mut self, username: &Username) {
        username.name().clone_into(&mut self.username);
        username.key().clone_into(&mut self.username_key);
        self.username_looks = username.looks();
    }

    /// A user who has proven nothing yet.
    pub fn new(
        id: UserId,
        username: &Username,
        email: &Email,
        password: Option<PasswordHash>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            legacy_id: None,
            username: username.name().to_owned(),
            username_key: username.key().to_owned(),
            username_looks: username.looks(),
            email: email.address().to_owned(),
            email_key: email.key().to_owned(),
            password,
            first_name: String::new(),
            last_name: String::new(),
            gender: None,
            position: String::new(),
            department: String::new(),
            is_active: true,
            ban: None,
            role: Role::User,
            is_verified: false,
            is_archived: false,
            secondary_email: None,
            secondary_email_key: None,
            address_changes: 0,
            pending_email: None,
            pending_secondary_email: None,
            former_emails: FormerEmails::default(),
            profile_picture: None,
            locale: Languages::default(),
            email_status: EmailStatus::Ok,
            secondary_email_status: EmailStatus::Ok,
            registration_sent: false,
            reset_sent: false,
            mail_not_sent: None,
            had_ban: false,
            password_failures: 0,
            known_password_failures: 0,
            compared_password: None,
            has_second_factor: false,
            second_factor_ends_at: None,
            had_second_factor: false,
            epoch: 0,
            ends_at: None,
            created_at: now,
            last_login: None,
            imported: None,
            is_unused: false,
        }
    }

    /// Whether the account has ended. Then it counts as deleted.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        !self.is_verified && self.ends_at.is_some_and(|end| end <= now.as_second())
    }

    /// The user, without a ban or second factors that have ended: they end by the clock, without a write.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        if let Some(ban) = self.ban.take_if(|ban| ban.has_ended(now)) {
            self.is_active = !ban.was_inactive;
            self.had_ban = true;
        }
        if self.second_factor_ends_at.take_if(|end| *end <= now.as_second()).is_some() {
            self.had_second_factor = self.has_second_factor;
            self.has_second_factor = false;
        }
        self
    }

    /// Whether a log-in changes the account, even if the password is not hashed anew.
    pub fn changes_at_log_in(&self) -> bool {
        let has_failures = self.password_failures > 0 || self.known_password_failures > 0;
        let has_ended = self.had_ban || self.had_second_factor;
        self.is_archived || self.ends_at.is_some() || has_failures || has_ended || self.is_unused
    }

    /// How many wrong passwords in a row came from devices that the account knows, or else from all other devices.
    pub fn failures_in_a_row(&self, is_known: bool) -> u32 {
        if is_known { self.known_password_failures } else { self.password_failures }
    }

    /// Whether the password may be tried. Strangers do not disable it for the devices that the account knows.
    pub fn password_permission(&self, is_known: bool) -> Permission {
        if self.failures_in_a_row(is_known) < MOST_IN_A_ROW {
            Permission::Permitted
        } else {
            Permission::Disabled(Rule::PasswordDisabled)
        }
    }

    /// Whether the user item has that flag.
    pub fn has_flag(&self, flag: SentFlag) -> bool {
        match flag {
            SentFlag::Registration => self.registration_sent,
            SentFlag::Reset => self.reset_sent,
        }
    }
}

/// The import that made an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The id of the run.
    pub run: String,
    /// A digest of the record in the input: if the same record comes again, it is the same user.
    pub record: String,
    /// A digest of the account as it was imported. If the account has another digest now, it has changed.
    pub account: String,
}

/// A request for another address that is not proven yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The first mail of it.
    pub id: MailId,
    /// The session of the request. The request is void after the session has ended.
    pub session: SessionId,
}

pub(super) fn short_digest(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

/// The gender that a user states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Neither, or more than that.
    Other,
}

impl Gender {
    /// The name that it is stored by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Other => "other",
        }
    }
}
