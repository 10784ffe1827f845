//! The addresses of a user.

use serde::{Deserialize, Serialize};

use super::User;
use crate::model::Email;

impl User {
    /// Whether the address of that key is the user's, first or second.
    pub fn has_email(&self, key: &str) -> bool {
        self.email_keys().any(|own| own == key)
    }

    /// The user's address of that key, as the user has written and proven or claimed it. Mail goes to this spelling,
    /// not to the spelling of the request: for a server that distinguishes case, another spelling is another mailbox.
    pub fn own_email(&self, key: &str) -> Option<Email> {
        let second = self.secondary_email.as_deref().zip(self.secondary_email_key.as_deref());
        let mut own = [Some((self.email.as_str(), self.email_key.as_str())), second].into_iter();
        let (address, key) = own.find_map(|own| own.filter(|(_, own)| *own == key))?;
        Some(Email::stored(address, key))
    }

    /// Whether mail to the address of that key arrives, as far as is known.
    pub fn email_status(&self, key: &str) -> EmailStatus {
        if self.email_key == key {
            self.email_status
        } else if self.secondary_email_key.as_deref() == Some(key) {
            self.secondary_email_status
        } else {
            EmailStatus::Ok
        }
    }

    /// The address to write to.
    pub fn first_email(&self) -> Email {
        Email::stored(&self.email, &self.email_key)
    }

    /// The second address, if there is one.
    pub fn second_email(&self) -> Option<Email> {
        self.secondary_email_key.as_deref().and_then(|key| self.own_email(key))
    }

    /// The unique keys of the user's addresses.
    pub fn email_keys(&self) -> impl Iterator<Item = &str> {
        [Some(&self.email_key), self.secondary_email_key.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// Whether mail to an address arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailStatus {
    /// As far as is known.
    #[default]
    Ok,
    /// The other server says that there is no such mailbox.
    Bounced,
    /// Its owner calls our mail unwanted.
    Complained,
}

impl EmailStatus {
    /// Whether mail is sent there.
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// The name that it is stored by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}
