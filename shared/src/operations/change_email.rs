//! Another first address for an account: it is the account's when it is proven, and not before.

use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Refusal, Violation, Violations};
use crate::model::Purpose;
use crate::model::{Client, Email, Notice, PlainPassword, User};
use crate::store::{NewAddress, Subject};
use crate::telemetry::{note, operation};

impl Accounts {
    /// Mails a link to the address that becomes the caller's first one, and a notice to the present first one, with a
    /// link that stops the change. Nothing changes before the caller uses the link to the new address: until then the
    /// caller logs in with the old address, and another account can take the new one. Does nothing if the address is
    /// the caller's first one already. A second request, for any address, makes the earlier link void; so does the
    /// end of the session.
    ///
    /// Callers who have not proven their address may change it, too: it may be the one that they mistyped when they
    /// signed up. Another spelling of the same address (`Ann@` for `ann@`) is proven like any other, because it may
    /// be another mailbox. The caller's own second address counts as taken: use [`Accounts::swap_emails`] for it.
    ///
    /// The password may be left out in the five minutes after a log-in. A user with a second factor must have proven it in
    /// these minutes.
    ///
    /// # Errors
    /// [`AuthError::Invalid`], also for an address that an account has, unless accounts are concealed;
    /// [`AuthError::InvalidPassword`], [`AuthError::ReauthenticationRequired`], [`AuthError::Throttled`];
    /// [`AuthError::NotVerified`] for an account without a proven address whose username is an address;
    /// [`AuthError::Unauthenticated`] when the session ended in the meantime; [`AuthError::Unavailable`].
    pub async fn change_email(
        &self,
        caller: &Caller,
        email: &str,
        password: Option<PlainPassword>,
        client: &Client,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "change_email", async {
            note("user", caller.user.id);
            match self.check_new_email(caller, email, password, client).await? {
                Some(email) => self.send_email_change(caller, &email).await,
                None => Ok(()),
            }
        })
    }

    /// True if an account has the address, and the answer to `user` may reveal that. If accounts are concealed, it is
    /// false: the owner of the address gets the link, and the use of the link fails. An address that is reserved for
    /// `user` is free.
    pub(super) async fn reveals_taken(
        &self,
        user: &User,
        email: &Email,
    ) -> Result<bool, AuthError> {
        let owner = self.store.find_user(&Subject::Email(email.clone())).await?;
        let is_kept = owner == Some(user.id) && !user.has_email(email.key());
        Ok(owner.is_some() && !is_kept && !self.policy.conceal_accounts)
    }

    /// The address, if it can become the caller's first one, and the caller may ask for that; `None` if it is the
    /// first one already. Checks a given password in any case. Checks last whether the address is taken.
    pub(super) async fn check_new_email(
        &self,
        caller: &Caller,
        email: &str,
        password: Option<PlainPassword>,
        client: &Client,
    ) -> Result<Option<Email>, AuthError> {
        let refused = |found: Vec<Violation>| Violations::of(Field::Email, found);
        let email = Email::parse(email).map_err(refused)?;
        let user = &caller.user;
        let is_new = email.address() != user.email;
        if is_new {
            self.admit_mail_to_new_address(client).await?;
        }
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
        if !is_own && self.reveals_taken(user, &email).await? {
            return Err(refused(vec![Violation::EmailTaken]).into());
        }
        Ok(Some(email))
    }

    pub(super) async fn send_email_change(
        &self,
        caller: &Caller,
        email: &Email,
    ) -> Result<(), AuthError> {
        self.request_address(Purpose::EmailChange, caller, email).await
    }

    /// The address that got the link becomes the first one of the account. The token works once, and proves the new
    /// address. Links and codes that went to the old address do not work any more. The old address gets a new link,
    /// which can take the account back for seven days; until then no other account can have that address. Sessions go
    /// on.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], also when the address was changed in another way, when the user asked for another
    /// change, or when the session ended in which the user asked for this one; [`AuthError::ExpiredToken`];
    /// [`Refusal::EmailTaken`] when another account took the address first; [`AuthError::Unavailable`].
    pub async fn verify_new_email(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_new_email", async {
            let (user, mail) = self.read_address_link(link_token, Purpose::EmailChange).await?;
            if is_named_by_unproven(&user, &mail.to_key) {
                return Err(AuthError::InvalidToken);
            }
            let (former, notices) =
                self.leave_first_place(&user, &mail.email(), Notice::EmailChanged);
            match self.store.change_email(&user, &mail, &former, &notices).await? {
                NewAddress::Done => {
                    note("user", user.id);
                    Ok(())
                }
                NewAddress::Taken => Err(Refusal::EmailTaken.into()),
                NewAddress::Refused => Err(AuthError::InvalidToken),
            }
        })
    }
}

/// Whether the username is an address that the user has not proven, and would stay after the change. A name that is an
/// address must be its owner's: otherwise an attacker could sign up under the address of another person, prove an
/// address of the attacker, and appear as that person.
fn is_named_by_unproven(user: &User, new_key: &str) -> bool {
    !user.is_verified && user.username.contains('@') && new_key != user.email_key
}
