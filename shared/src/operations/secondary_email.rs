//! A second address for an account. The account has it as soon as it is proven. It is as unique as a first address.

use super::change_password::check_verified;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Refusal, Violation, Violations};
use crate::model::Purpose;
use crate::model::{Client, Email, FormerEmails, Mail, Notice, PlainPassword, User};
use crate::store::NewAddress;
use crate::telemetry::{note, operation};

/// How often an operation is tried again because the account has changed in the meantime.
const MAX_LOST: u32 = 16;

impl Accounts {
    /// Mails a link to the address that becomes the caller's second one, and a notice to the first one. The link
    /// reserves nothing: until the caller uses it, another account can take the address. A second request makes the
    /// earlier link void; so does the end of the session.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::Throttled`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Invalid`], also for an address that an account has, unless accounts are concealed;
    /// [`AuthError::Unauthenticated`] when the session ended in the meantime; [`AuthError::Unavailable`].
    pub async fn send_secondary_email_activation(
        &self,
        caller: &Caller,
        email: &str,
        password: PlainPassword,
        client: &Client,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "send_secondary_email_activation", async {
            note("user", caller.user.id);
            check_verified(&caller.user)?;
            let refused = |found: Vec<Violation>| Violations::of(Field::Email, found);
            let email = Email::parse(email).map_err(refused);
            // The limit counts only requests with a valid address. A fault of the address is reported after the
            // password, as in django-graphql-auth.
            if email.is_ok() {
                self.admit_mail_to_new_address(client).await?;
            }
            self.confirm_password(caller, password).await?;
            let email = email?;
            if self.reveals_taken(&caller.user, &email).await? {
                return Err(refused(vec![Violation::SecondaryEmailTaken]).into());
            }
            self.request_address(Purpose::SecondaryEmail, caller, &email).await
        })
    }

    /// The address that got the link becomes the second one of the account, in place of the one before. The token works
    /// once. The first address and the former second one get a notice.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`]; [`Refusal::EmailTaken`] when another account took
    /// the address first; [`AuthError::Unavailable`].
    pub async fn verify_secondary_email(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_secondary_email", async {
            // The caller who asked for the link knew the password at that time. If that was an attacker, a new
            // password must make the link void: a second address can reset the password.
            let (user, mail) = self.read_address_link(link_token, Purpose::SecondaryEmail).await?;
            // Another link has proven the address already: as in django-graphql-auth, it counts as taken.
            if user.has_email(&mail.to_key) {
                return Err(Refusal::EmailTaken.into());
            }
            let added = self.new_notice(Notice::SecondaryEmailAdded, &user, &user.first_email());
            let (former, removed) = self.leave_second_place(&user);
            let events: Vec<_> = [added.about(&mail.email())].into_iter().chain(removed).collect();
            match self.store.set_secondary_email(&user, &mail, &former, &events).await? {
                NewAddress::Done => {
                    note("user", user.id);
                    Ok(())
                }
                NewAddress::Taken => Err(Refusal::EmailTaken.into()),
                NewAddress::Refused => Err(AuthError::InvalidToken),
            }
        })
    }

    /// Makes the second address the first one, and the first one the second, and mails a notice to both. The former
    /// first address gets a link, which can take the account back for seven days.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`Refusal::SecondaryEmailRequired`],
    /// [`AuthError::InvalidPassword`]; [`AuthError::Unauthenticated`] when all sessions ended in the meantime;
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
                let second = user.second_email().ok_or(Refusal::SecondaryEmailRequired)?;
                let (former, mut events) =
                    self.leave_first_place(&user, &second, Notice::EmailsSwapped);
                let swapped = self.new_notice(Notice::EmailsSwapped, &user, &second);
                events.push(swapped.about(&second));
                if self.store.swap_emails(&user, &former, &events).await? {
                    return Ok(());
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
            }
        })
    }

    /// Removes the second address, and mails a notice to it.
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
                let (former, events) = self.leave_second_place(&user);
                if self.store.remove_secondary_email(&user, &former, &events).await? {
                    return Ok(());
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
                check_secondary_email(&user)?;
            }
        })
    }

    /// The former addresses after the second one leaves the account, and the notice to that one.
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
        self.confirm_password(caller, password).await?;
        Ok(caller.user.clone())
    }

    /// The account after another write has changed it, for one more try; `lost` counts the tries.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when that write ended all sessions; [`AuthError::Unavailable`], also after
    /// [`MAX_LOST`] tries.
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
    if user.secondary_email.is_some() {
        Ok(())
    } else {
        Err(Refusal::SecondaryEmailRequired.into())
    }
}
