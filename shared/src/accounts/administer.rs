//! What staff may do to the accounts of others.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{Role, User, UserId};
use crate::telemetry::{note, operation};

/// The authority over all accounts. Whoever holds one has obtained it by [`Accounts::admin`]; nothing
/// else leads to what it can do.
#[derive(Clone, Copy, Debug)]
pub struct Admin<'a> {
    accounts: &'a Accounts,
    caller: &'a Caller,
}

/// What is known of the mails to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMails {
    /// Whether an activation mail was ever sent.
    pub registration_sent: bool,
    /// Whether a mail with a password reset link was ever sent.
    pub reset_sent: bool,
    /// The kind of the last mail that could not be sent, until one is sent.
    pub not_sent: Option<String>,
}

impl Accounts {
    /// The authority over all accounts, for staff.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for anybody else: what staff can do is nobody's business.
    pub fn admin<'a>(&'a self, caller: &'a Caller) -> Result<Admin<'a>, AuthError> {
        if caller.user.role.is_staff() && caller.user.is_verified {
            Ok(Admin { accounts: self, caller })
        } else {
            Err(AuthError::NotFound)
        }
    }
}

impl Admin<'_> {
    /// Bans a user, or lets one back in. A ban ends all sessions in the same write.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for no such user, and for oneself; [`AuthError::Unavailable`].
    pub async fn set_active(&self, user: UserId, is_active: bool) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "set_active", async {
            note("user", user);
            note("by", self.caller.user.id);
            self.not_oneself(user)?;
            found(self.accounts.store.set_active(user, is_active).await?)?;
            note("is_active", is_active);
            Ok(())
        })
    }

    /// Gives a user another role, and ends all sessions in the same write: tokens claim the old one.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for no such user, and for oneself; [`AuthError::Unavailable`].
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "set_role", async {
            note("user", user);
            note("by", self.caller.user.id);
            self.not_oneself(user)?;
            found(self.accounts.store.set_role(user, role).await?)?;
            note("role", role);
            Ok(())
        })
    }

    /// What is known of the mails to a user.
    pub fn sent_mails(&self, user: &User) -> SentMails {
        let User { registration_sent, reset_sent, mail_not_sent, .. } = user;
        SentMails {
            registration_sent: *registration_sent,
            reset_sent: *reset_sent,
            not_sent: mail_not_sent.clone(),
        }
    }

    /// Lets mail go to a user again whose address did not take it, or who did not want it.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for no such user; [`AuthError::Unavailable`].
    pub async fn clear_email_status(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "clear_email_status", async {
            note("user", user);
            note("by", self.caller.user.id);
            found(self.accounts.store.clear_email_status(user).await?)?;
            Ok(())
        })
    }

    /// So that the last of the staff cannot lock themselves out.
    fn not_oneself(&self, user: UserId) -> Result<(), AuthError> {
        found(user != self.caller.user.id)
    }
}

fn found(found: bool) -> Result<(), AuthError> {
    if found { Ok(()) } else { Err(AuthError::NotFound) }
}
