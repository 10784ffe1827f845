//! The purpose of a link, a code or a mail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The purpose of a code, or of the link beside it. A code for one purpose does not work for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Proves the address that an account was made with.
    Activation,
    /// Lets the owner of an address choose a new password.
    PasswordReset,
    /// Lets a user who signed up without a password set the first one.
    PasswordSet,
    /// Proves a second address.
    SecondaryEmail,
    /// Proves the address that is to be the first one from now on.
    EmailChange,
    /// Lets the owner of the present first address stop a change to another one.
    EmailChangeCancel,
    /// Gives the account back to the address that was the first one before.
    EmailRestore,
    /// Logs the user in, in the browser that asked for the mail.
    LogIn,
}

impl Purpose {
    /// Its name in tokens, in the table and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::PasswordReset => "password_reset",
            Self::PasswordSet => "password_set",
            Self::SecondaryEmail => "secondary_email",
            Self::EmailChange => "email_change",
            Self::EmailChangeCancel => "email_change_cancel",
            Self::EmailRestore => "email_restore",
            Self::LogIn => "log_in",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
