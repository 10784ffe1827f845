//! Stop a change of the first address, or take the account back after it: by the address that was the first one.
//!
//! Both need only the mailbox of that address, because an attacker may have everything else by then.

use super::{Accounts, Caller};
use crate::crypto::LinkClaims;
use crate::error::{AuthError, Refusal};
use crate::model::Purpose;
use crate::model::former::REMEMBERED;
use crate::model::{
    Email, FormerEmail, FormerEmails, Languages, Mail, Notice, Pending, User, copied,
};
use crate::store::{Restored, Restoring};
use crate::telemetry::{note, operation};

/// How often an account that changes all the time is read again.
const MAX_LOST: u32 = 16;

impl Accounts {
    /// Stops the present change of the first address, by the token of the link that was mailed to that address, once:
    /// the link to the new one becomes void. Ends the session that asked for the change, because an attacker has it,
    /// or the request was a mistake.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], also when no change is under way (any more); [`AuthError::ExpiredToken`];
    /// [`AuthError::Unavailable`].
    pub async fn cancel_email_change(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "cancel_email_change", async {
            let (user, pending, link) = self.read_cancel_link(link_token).await?;
            let jti = link.jti.to_string();
            let used_up = (jti.as_str(), link.exp);
            if !self.store.cancel_email_change(&user, &pending, used_up).await? {
                return Err(AuthError::InvalidToken);
            }
            note("user", user.id);
            note("session", pending.session);
            Ok(())
        })
    }

    /// Gives the account back to an address that was the first one until a few days ago, by the token of the link that
    /// was mailed to it then. The token works once. After that, this is the only address of the account, and it is
    /// proven. The account has no password, all sessions end, and requests for other addresses are void. Addresses that
    /// came later lose the right to do the same, and get a notice that they no longer belong to the account. It also
    /// removes the second factors if one of them was added in the days before the address left, or later: an attacker
    /// may have added it.
    ///
    /// Returns the token of a link to choose a password. The same link is mailed, too.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], also when an earlier first address has taken the account back;
    /// [`AuthError::ExpiredToken`]; [`Refusal::EmailTaken`]; [`AuthError::Unavailable`].
    pub async fn restore_email(&self, link_token: &str) -> Result<String, AuthError> {
        operation!(self.clock, "restore_email", async {
            for _ in 0..MAX_LOST {
                let (user, returning, link) = self.read_restore_link(link_token).await?;
                note("user", user.id);
                let former = user.former_emails.without_later(&returning.email_key);
                let next = restored(&user, &returning, &former);
                let email = returning.email();
                let reset = self.new_link(Purpose::PasswordReset, &next, &email);
                let reset_token = self.proofs.link(&reset, Purpose::PasswordReset);
                let removed = [Some(user.first_email()), user.second_email()].into_iter().flatten();
                let removed = removed.filter(|email| email.key() != returning.email_key);
                let notices =
                    removed.map(|email| self.new_notice(Notice::EmailRemoved, &user, &email));
                let mails: Vec<Mail> = [reset].into_iter().chain(notices).collect();
                let jti = link.jti.to_string();
                let used_up = (jti.as_str(), link.exp);
                let store = &self.store;
                let factors = store.factors(user.id).await?;
                let suspect = returning.left_at().saturating_sub(REMEMBERED.as_secs());
                let factors = Some(factors).filter(|it| it.has_newer_than(suspect));
                let restoring =
                    Restoring { returning: &returning, former: &former, factors: factors.as_ref() };
                match store.restore_email(&user, restoring, used_up, &mails).await? {
                    Restored::Done => return Ok(reset_token),
                    Restored::Used => return Err(AuthError::InvalidToken),
                    Restored::Taken => return Err(Refusal::EmailTaken.into()),
                    Restored::Changed => {}
                }
            }
            Err(AuthError::Unavailable("the account changes again and again".into()))
        })
    }

    /// The active user who got a link that stops a change, and the change that is under way.
    pub(super) async fn read_cancel_link(
        &self,
        link_token: &str,
    ) -> Result<(User, Pending, LinkClaims), AuthError> {
        let (user, link) = self.read_unused_link(link_token, Purpose::EmailChangeCancel).await?;
        let pending = user.pending_email.filter(|_| link.proves(&user.email_key));
        Ok((user, pending.ok_or(AuthError::InvalidToken)?, link))
    }

    /// The active user who got a link that was not used yet, and the address, if it may take the account back.
    pub(super) async fn read_restore_link(
        &self,
        link_token: &str,
    ) -> Result<(User, FormerEmail, LinkClaims), AuthError> {
        let (user, link) = self.read_unused_link(link_token, Purpose::EmailRestore).await?;
        let is_theirs = |former: &&FormerEmail| link.proves(&former.email_key);
        let returning = user.former_emails.returning(self.clock.now()).find(is_theirs).cloned();
        Ok((user, returning.ok_or(AuthError::InvalidToken)?, link))
    }

    /// The active user who got a link, if the link was not used yet.
    async fn read_unused_link(
        &self,
        link_token: &str,
        purpose: Purpose,
    ) -> Result<(User, LinkClaims), AuthError> {
        let (token, now) = (copied::link_token(link_token), self.clock.now());
        let link = self.proofs.read_link(&token, purpose, now)?;
        let user = self.store.user_unless_used(link.sub, &link.jti.to_string()).await?;
        let user = user.filter(|user| user.is_active).ok_or(AuthError::InvalidToken)?;
        Ok((user, link))
    }

    /// The former addresses after `first` becomes the first address, and the mails to the present first address. They
    /// have the link to take the account back, unless that address was never proven, or unless `first` is a former
    /// address that itself takes the account back.
    pub(super) fn leave_first_place(
        &self,
        user: &User,
        first: &Email,
        otherwise: Notice,
    ) -> (FormerEmails, Vec<Mail>) {
        let (now, left) = (self.clock.now(), user.first_email());
        let mut former = user.former_emails.clone();
        let is_back = former.come_back(first.key(), now);
        if !user.email_status.is_ok() {
            return (former, Vec::new());
        }
        let may_return = user.is_verified && !is_back;
        if user.is_verified {
            former.note(&left, may_return, now);
        }
        let mail = if may_return {
            self.new_link(Purpose::EmailRestore, user, &left)
        } else {
            self.new_notice(otherwise, user, &left)
        };
        (former, vec![mail.about(first)])
    }

    /// A notice to the first address, and to those that left the account in the last days: the present user of the
    /// account may be an attacker.
    pub(super) fn notices_to_all(
        &self,
        notice: Notice,
        user: &User,
        languages: &Languages,
    ) -> Vec<Mail> {
        let former = user.former_emails.remembered(self.clock.now()).map(FormerEmail::email);
        let former = former.filter(|former| former.key() != user.email_key);
        let recipients = [user.first_email()].into_iter().chain(former);
        let mail =
            |email: Email| self.new_notice(notice, user, &email).in_one_of(languages.clone());
        recipients.map(mail).collect()
    }

    /// A notice to the caller's first address.
    pub(super) fn notice_to_first(&self, notice: Notice, caller: &Caller, about: &Email) -> Mail {
        let (user, languages) = (&caller.user, caller.session.languages.clone());
        self.new_notice(notice, user, &user.first_email()).in_one_of(languages).about(about)
    }
}

/// The user after the account is given back.
fn restored(user: &User, returning: &FormerEmail, former: &FormerEmails) -> User {
    User {
        email: returning.email.clone(),
        email_key: returning.email_key.clone(),
        password: None,
        former_emails: former.clone(),
        address_changes: user.address_changes + 1,
        ..user.clone()
    }
}
