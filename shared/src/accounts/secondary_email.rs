//! A second address for an account: taken when it is proven, as unique as the first one.

use super::change_password::check_verified;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::code::Purpose;
use crate::model::{Email, FormerEmails, Mail, Notice, PlainPassword, User};
use crate::store::NewAddress;
use crate::telemetry::{note, operation};

/// How often an operation is tried anew because the account has changed meanwhile.
const MAX_LOST: u32 = 16;

impl Accounts {
    /// Mails a link to an address that is to become the caller's second one, and tells the first one. It is not
    /// taken before the link is used, and may be lost to somebody else until then. Asked for again, the link of
    /// before is void; so it is when the session ends.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Invalid`], also for an address that somebody has, unless accounts are concealed;
    /// [`AuthError::Unauthenticated`] when the session ended meanwhile; [`AuthError::Unavailable`].
    pub async fn send_secondary_email_activation(
        &self,
        caller: &Caller,
        email: &str,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "send_secondary_email_activation", async {
            note("user", caller.user.id);
            check_verified(&caller.user)?;
            self.check_password(&caller.user, password).await?;
            let refused = |found: Vec<Violation>| Violations::of(Field::Email, found);
            let email = Email::parse(email).map_err(refused)?;
            if self.is_told_taken(&caller.user, &email).await? {
                return Err(refused(vec![Violation::SecondaryEmailTaken]).into());
            }
            self.ask_for_address(Purpose::SecondaryEmail, caller, &email).await
        })
    }

    /// Makes the address that a link was mailed to the account's second one, in place of the one that
    /// it had, by the token of that link, once. The first one is told, and so is the one that it had.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`]; [`AuthError::EmailTaken`] when somebody
    /// was faster; [`AuthError::Unavailable`].
    pub async fn verify_secondary_email(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_secondary_email", async {
            // Whoever asked for the link knew the password of then. If that was not the owner, a new password
            // must end it: a second address can reset the password.
            let (user, mail) = self.read_address_link(link_token, Purpose::SecondaryEmail).await?;
            // Asked for twice, and proven by the other link: as in the library, it is taken by then.
            if user.has_email(&mail.to_key) {
                return Err(AuthError::EmailTaken);
            }
            let added = self.new_notice(Notice::SecondaryEmailAdded, &user, &user.first_email());
            let (former, removed) = self.leave_second_place(&user);
            let told: Vec<_> = [added.about(&mail.email())].into_iter().chain(removed).collect();
            match self.store.set_secondary_email(&user, &mail, &former, &told).await? {
                NewAddress::Done => {
                    note("user", user.id);
                    Ok(())
                }
                NewAddress::Taken => Err(AuthError::EmailTaken),
                NewAddress::Refused => Err(AuthError::InvalidToken),
            }
        })
    }

    /// Makes the second address the first one, and the first one the second, and tells both: the one that was the
    /// first with a link by which it can take the account back for seven days.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::SecondaryEmailRequired`],
    /// [`AuthError::InvalidPassword`]; [`AuthError::Unauthenticated`] when all sessions ended meanwhile;
    /// [`AuthError::Unavailable`].
    pub async fn swap_emails(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "swap_emails", async {
            note("user", caller.user.id);
            let mut user = self.with_secondary_email(caller, password).await?;
            let mut lost = 0;
            loop {
                let second = user.second_email().ok_or(AuthError::SecondaryEmailRequired)?;
                let (former, mut told) =
                    self.leave_first_place(&user, &second, Notice::EmailsSwapped);
                let swapped = self.new_notice(Notice::EmailsSwapped, &user, &second);
                told.push(swapped.about(&second));
                if self.store.swap_emails(&user, &former, &told).await? {
                    return Ok(());
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
            }
        })
    }

    /// Gives the second address up, and tells it.
    ///
    /// # Errors
    /// As [`Accounts::swap_emails`].
    pub async fn remove_secondary_email(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "remove_secondary_email", async {
            note("user", caller.user.id);
            let mut user = self.with_secondary_email(caller, password).await?;
            let mut lost = 0;
            loop {
                let (former, told) = self.leave_second_place(&user);
                if self.store.remove_secondary_email(&user, &former, &told).await? {
                    return Ok(());
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
                check_secondary_email(&user)?;
            }
        })
    }

    /// What becomes of the former addresses when the second one leaves the account, and the notice to that one.
    fn leave_second_place(&self, user: &User) -> (FormerEmails, Vec<Mail>) {
        let mut former = user.former_emails.clone();
        let Some(left) = user.second_email() else { return (former, Vec::new()) };
        if !user.secondary_email_status.is_ok() {
            return (former, Vec::new());
        }
        former.note(&left, false, self.clock.now());
        (former, vec![self.new_notice(Notice::EmailRemoved, user, &left)])
    }

    async fn with_secondary_email(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<User, AuthError> {
        check_verified(&caller.user)?;
        check_secondary_email(&caller.user)?;
        self.check_password(&caller.user, password).await?;
        Ok(caller.user.clone())
    }

    /// The account that somebody else has changed meanwhile, for one more try; `lost` counts them.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when all sessions ended by that; [`AuthError::Unavailable`], also
    /// after [`MAX_LOST`] tries.
    pub(super) async fn as_it_is_now(
        &self,
        user: &User,
        lost: &mut u32,
    ) -> Result<User, AuthError> {
        count_lost(lost)?;
        let now = self.store.user(user.id).await?;
        let now = now.filter(|now| now.is_active && now.epoch == user.epoch);
        now.ok_or(AuthError::Unauthenticated)
    }
}

/// Counts a write that was refused because the account has changed in the meantime.
///
/// # Errors
/// [`AuthError::Unavailable`] after [`MAX_LOST`] of them.
pub(super) fn count_lost(lost: &mut u32) -> Result<(), AuthError> {
    *lost += 1;
    if *lost > MAX_LOST {
        return Err(AuthError::Unavailable("the account changes again and again".into()));
    }
    Ok(())
}

fn check_secondary_email(user: &User) -> Result<(), AuthError> {
    if user.secondary_email.is_some() { Ok(()) } else { Err(AuthError::SecondaryEmailRequired) }
}
