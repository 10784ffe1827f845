//! The bindings of links to a user.

use super::{Pending, User, short_digest};
use crate::model::{PasswordHash, Purpose};

impl User {
    /// The binding of a link for that purpose: a digest that changes when the link must stop working.
    ///
    /// Most links are bound to the password, by its salted hash. The epoch would be wrong: an attacker with a session
    /// can raise it, and so keep the owner from a reset.
    ///
    /// A caller with a session asked for a change of address. So its link is bound to the epoch, which a new password
    /// raises too; and to the address that it replaces, so that the first link that is used ends the others. It is
    /// also bound to the last request for an address, and through that to the session of the request: see
    /// [`Pending`].
    ///
    /// A request to log in is bound to the password, too. Its link and its code are bound to the request.
    ///
    /// A link that stops a change, or takes it back, is bound to nothing that an attacker could change. Its binding
    /// only distinguishes one mail from another.
    pub fn binding(&self, purpose: Purpose) -> String {
        match purpose {
            Purpose::Activation
            | Purpose::PasswordReset
            | Purpose::PasswordSet
            | Purpose::LogIn => short_digest(self.hash()),
            Purpose::SecondaryEmail => {
                short_digest(&with_request(self.hash(), self.pending_secondary_email.as_ref()))
            }
            Purpose::EmailChange => {
                let replaced = format!("{} {}", self.epoch, self.email);
                short_digest(&with_request(&replaced, self.pending_email.as_ref()))
            }
            Purpose::EmailChangeCancel => {
                short_digest(&with_request("", self.pending_email.as_ref()))
            }
            Purpose::EmailRestore => short_digest(&self.address_changes.to_string()),
        }
    }

    /// Names the password by its salted hash: another password has another digest.
    pub fn password_digest(&self) -> String {
        short_digest(self.hash())
    }

    fn hash(&self) -> &str {
        self.password.as_ref().map_or("", PasswordHash::expose)
    }

    /// The last request for an address that such a link proves, if the user item keeps it.
    pub fn pending(&self, purpose: Purpose) -> Option<&Pending> {
        match purpose {
            Purpose::EmailChange | Purpose::EmailChangeCancel => self.pending_email.as_ref(),
            Purpose::SecondaryEmail => self.pending_secondary_email.as_ref(),
            Purpose::Activation
            | Purpose::PasswordReset
            | Purpose::PasswordSet
            | Purpose::EmailRestore
            | Purpose::LogIn => None,
        }
    }
}

/// Without a request, the binding is that of an earlier release, which stored no requests.
fn with_request(bound_to: &str, pending: Option<&Pending>) -> String {
    pending.map_or_else(|| bound_to.to_owned(), |pending| format!("{bound_to} {}", pending.id))
}
