//! Another first address for an account: it is the account's when it is proven, and not before.

use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::code::Purpose;
use crate::model::{Email, Notice, PlainPassword, User};
use crate::store::{NewAddress, Subject};
use crate::telemetry::{note, operation};

impl Accounts {
    /// Mails a link to an address that is to become the caller's first one, and tells the old one, with a link that
    /// stops it. Nothing changes before the link to the new one is used: until then the caller logs in with the
    /// old address, and the new one may be lost to somebody else. Does nothing for the address that the caller
    /// has. Asked for again, for whatever address, the link of before is void; so it is when the session ends.
    ///
    /// Callers who have not proven their address may change it, too: it may be the one that they
    /// mistyped when they signed up. Another spelling of the same address (`Ann@` for `ann@`) is proven
    /// like any other, because it may be another mailbox. The caller's own second address is taken:
    /// [`Accounts::swap_emails`] is for that.
    ///
    /// The password may be left out in the ten minutes after a log-in.
    ///
    /// # Errors
    /// [`AuthError::Invalid`], also for an address that somebody has, unless accounts are concealed;
    /// [`AuthError::InvalidPassword`], [`AuthError::ReauthenticationRequired`]; [`AuthError::NotVerified`] for an
    /// account that has proven no address and whose name is one;
    /// [`AuthError::Unauthenticated`] when the session ended meanwhile; [`AuthError::Unavailable`].
    pub async fn change_email(
        &self,
        caller: &Caller,
        email: &str,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "change_email", async {
            note("user", caller.user.id);
            match self.judge_new_email(caller, email, password).await? {
                Some(email) => self.send_email_change(caller, &email).await,
                None => Ok(()),
            }
        })
    }

    /// Whether somebody has the address, and the user, who asks, may know. Where not, its owner gets the link, and
    /// using it finds out. One that is kept for the user is not taken.
    pub(super) async fn is_told_taken(
        &self,
        user: &User,
        email: &Email,
    ) -> Result<bool, AuthError> {
        let owner = self.store.find_user(&Subject::Email(email.clone())).await?;
        let is_kept = owner == Some(user.id) && !user.has_email(email.key());
        Ok(owner.is_some() && !is_kept && !self.policy.conceal_accounts)
    }

    /// The address, if it can become the caller's first one, and the caller may ask for that; `None` if it is
    /// the first one. A password that is given is tried in any case. Who has the address is told last.
    pub(super) async fn judge_new_email(
        &self,
        caller: &Caller,
        email: &str,
        password: Option<PlainPassword>,
    ) -> Result<Option<Email>, AuthError> {
        let refused = |found: Vec<Violation>| Violations::of(Field::Email, found);
        let email = Email::parse(email).map_err(refused)?;
        let user = &caller.user;
        let is_new = email.address() != user.email;
        if is_new || password.is_some() {
            self.confirm_recent(caller, password).await?;
        }
        if !is_new {
            return Ok(None);
        }
        let is_own = email.key() == user.email_key;
        if is_named_by_unproven(user, email.key()) {
            return Err(AuthError::NotVerified);
        }
        if !is_own && self.is_told_taken(user, &email).await? {
            return Err(refused(vec![Violation::EmailTaken]).into());
        }
        Ok(Some(email))
    }

    pub(super) async fn send_email_change(
        &self,
        caller: &Caller,
        email: &Email,
    ) -> Result<(), AuthError> {
        self.ask_for_address(Purpose::EmailChange, caller, email).await
    }

    /// Makes the address that a link was mailed to the account's first one, by the token of that link, once. The
    /// new one is proven by that, and links and codes that were mailed to the old one are of no use any more, but for
    /// the one that the old one gets now: by that, it can take the account back for seven days, and no other account
    /// can have it until then. Sessions go on.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], also when the address was changed otherwise, another change was asked for, or
    /// the session has ended in which this one was; [`AuthError::ExpiredToken`]; [`AuthError::EmailTaken`] when
    /// somebody was faster; [`AuthError::Unavailable`].
    pub async fn verify_new_email(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_new_email", async {
            let (user, mail) = self.read_address_link(link_token, Purpose::EmailChange).await?;
            if is_named_by_unproven(&user, &mail.to_key) {
                return Err(AuthError::InvalidToken);
            }
            let (former, told) = self.leave_first_place(&user, &mail.email(), Notice::EmailChanged);
            match self.store.change_email(&user, &mail, &former, &told).await? {
                NewAddress::Done => {
                    note("user", user.id);
                    Ok(())
                }
                NewAddress::Taken => Err(AuthError::EmailTaken),
                NewAddress::Refused => Err(AuthError::InvalidToken),
            }
        })
    }
}

/// Whether the user's name is an address that the user has not proven, and would keep under another address. A name
/// that is an address must be its owner's: otherwise one could sign up under the address of another, prove an
/// address of one's own, and be shown as the other.
fn is_named_by_unproven(user: &User, new_key: &str) -> bool {
    !user.is_verified && user.username.contains('@') && new_key != user.email_key
}
