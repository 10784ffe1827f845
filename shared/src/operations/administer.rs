//! Operations of staff on the accounts of others.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{Role, User, UserId};
use crate::store::{ChangedByStaff, Order, StaffChange};
use crate::telemetry::{note, operation};

/// The authority over all accounts. [`Accounts::admin`] is the only way to obtain one.
#[derive(Clone, Copy, Debug)]
pub struct Admin<'a> {
    accounts: &'a Accounts,
    caller: &'a Caller,
}

/// The state of the mails to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMails {
    /// Whether an activation mail was ever sent.
    pub registration_sent: bool,
    /// Whether a mail with a password reset link was ever sent.
    pub reset_sent: bool,
    /// The kind of the last mail that could not be sent, until one is sent.
    pub not_sent: Option<String>,
}

/// How many users are looked at for another of the staff: the oldest ones. No index has the staff.
const MOST_SEARCHED: usize = 5_000;
/// How many of them are read at a time.
const PAGE: usize = 100;

impl Accounts {
    /// Another member of staff. A member of staff can leave only if another one stays, who can administer the
    /// accounts. `None` for a user who is not staff.
    ///
    /// # Errors
    /// [`AuthError::LastOfStaff`] when the search finds none among the oldest [`MOST_SEARCHED`] users;
    /// [`AuthError::Unavailable`].
    pub(super) async fn who_stays(&self, user: &User) -> Result<Option<User>, AuthError> {
        if !user.role.is_staff() {
            return Ok(None);
        }
        let mut listing = self.store.list_users(Order::Age, None, None, false);
        for _ in 0..MOST_SEARCHED / PAGE {
            let places = listing.next(PAGE).await?;
            let ids: Vec<UserId> = places.iter().map(|place| place.user).collect();
            let others = self.store.users(&ids).await?.into_values();
            let stays = |other: &User| {
                let is_staff = other.role.is_staff() && other.is_active && other.is_verified;
                other.id != user.id && is_staff && !other.is_archived
            };
            if let Some(other) = others.into_iter().find(stays) {
                return Ok(Some(other));
            }
            if places.len() < PAGE {
                break;
            }
        }
        Err(AuthError::LastOfStaff)
    }

    /// The authority over all accounts, for staff.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for other callers: the answer does not reveal what staff can do.
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
    /// [`AuthError::NotFound`] for an unknown user, and for the caller's own account; [`AuthError::Unauthenticated`]
    /// when the caller is no longer staff, or all sessions of the caller ended in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn set_active(&self, user: UserId, is_active: bool) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "set_active", async {
            note("user", user);
            note("by", self.caller.user.id);
            self.not_oneself(user)?;
            self.change(user, StaffChange::Active(is_active)).await?;
            note("is_active", is_active);
            Ok(())
        })
    }

    /// Gives a user another role, and ends all sessions in the same write: tokens claim the old one.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for an unknown user, and for the caller's own account; [`AuthError::Unauthenticated`]
    /// when the caller is no longer staff, or all sessions of the caller ended in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "set_role", async {
            note("user", user);
            note("by", self.caller.user.id);
            self.not_oneself(user)?;
            self.change(user, StaffChange::Role(role)).await?;
            note("role", role);
            Ok(())
        })
    }

    /// The state of the mails to a user.
    pub fn sent_mails(&self, user: &User) -> SentMails {
        let User { registration_sent, reset_sent, mail_not_sent, .. } = user;
        SentMails {
            registration_sent: *registration_sent,
            reset_sent: *reset_sent,
            not_sent: mail_not_sent.clone(),
        }
    }

    /// Lets mail go to a user again after a bounce or a complaint.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for an unknown user; [`AuthError::Unauthenticated`] as for [`Admin::set_active`];
    /// [`AuthError::Unavailable`].
    pub async fn clear_email_status(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "clear_email_status", async {
            note("user", user);
            note("by", self.caller.user.id);
            self.change(user, StaffChange::ClearEmailStatus).await
        })
    }

    /// So that one of the staff is left: the caller.
    fn not_oneself(&self, user: UserId) -> Result<(), AuthError> {
        if user == self.caller.user.id { Err(AuthError::NotFound) } else { Ok(()) }
    }

    async fn change(&self, user: UserId, change: StaffChange) -> Result<(), AuthError> {
        match self.accounts.store.change_by_staff(&self.caller.user, user, change).await? {
            ChangedByStaff::Done => Ok(()),
            ChangedByStaff::NoUser => Err(AuthError::NotFound),
            ChangedByStaff::NotStaff => Err(AuthError::Unauthenticated),
        }
    }
}
