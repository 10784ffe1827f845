//! A new link in place of an expired one.

use jiff::SignedDuration;

use super::Accounts;
use crate::crypto::LinkClaims;
use crate::error::AuthError;
use crate::model::Purpose;
use crate::model::session::seconds_after;
use crate::model::{Client, Email, Mail, User, copied};
use crate::telemetry::{note, operation};

/// How long a request for another address counts. The table keeps the mail a little longer.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Accounts {
    /// Whether [`Accounts::send_again`] takes that token.
    pub fn is_link_of_ours(&self, link_token: &str) -> bool {
        self.proofs.read_link_of_any_time(&copied::link_token(link_token)).is_ok()
    }

    /// Mails a new link for the same purpose to the address that got the link of that token, even if that link has
    /// expired. The answer is the same if the link is of no use any more, but then no mail is sent. A second call
    /// mails another one.
    ///
    /// A link that gives an account another address is of no use, either, if the password or any address of the
    /// account has changed since the request, or a week after the request.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for a token that Latchkey did not make; [`AuthError::Throttled`];
    /// [`AuthError::Unavailable`].
    pub async fn send_again(&self, link_token: &str, client: &Client) -> Result<(), AuthError> {
        operation!(self.clock, "send_again", async {
            let link = self.proofs.read_link_of_any_time(&copied::link_token(link_token))?;
            note("user", link.sub);
            match link.purpose {
                Purpose::Activation | Purpose::SecondaryEmail | Purpose::EmailChange => {
                    self.admit_mail_to_new_address(client).await?;
                }
                Purpose::PasswordReset
                | Purpose::PasswordSet
                | Purpose::EmailChangeCancel
                | Purpose::EmailRestore
                | Purpose::LogIn => self.admit(client).await.map(drop)?,
            }
            let user = if link.purpose == Purpose::Activation {
                let sign_up = self.store.sign_up(&link.email_digest, link.sub).await?;
                sign_up.map(|sign_up| sign_up.account().clone())
            } else {
                self.store.user(link.sub).await?
            };
            let Some(user) = user.filter(|user| user.is_active) else {
                note("reason", "inactive");
                return Ok(());
            };
            // A link that stops a change, or takes it back, is of no use after it has expired. One that logs in belongs
            // to the browser that asks for it.
            if matches!(
                link.purpose,
                Purpose::EmailChangeCancel | Purpose::EmailRestore | Purpose::LogIn
            ) {
                note("reason", "of_no_use");
                return Ok(());
            }
            if let Purpose::SecondaryEmail | Purpose::EmailChange = link.purpose {
                let Some(before) = self.mail_to_other_address(&user, &link).await? else {
                    note("reason", "of_no_use");
                    return Ok(());
                };
                let new = self.new_link(link.purpose, &user, &before.email());
                let new = new.in_one_of(client.languages.clone());
                self.send(Mail { asked_at: Some(before.asked_at()), ..new }).await
            } else {
                // For every mail, the outbox checks whether its user still needs it.
                let Some(email) = own_address(&user, &link) else {
                    note("reason", "other_address");
                    return Ok(());
                };
                let mail = self.new_link(link.purpose, &user, &email);
                self.send(mail.in_one_of(client.languages.clone())).await
            }
        })
    }

    /// The mail of the user's request for an address, if the account has not changed since. Otherwise the account may
    /// have had the address and removed it. Then the owner of that mailbox must not get it back, because a second
    /// address can reset the password.
    async fn mail_to_other_address(
        &self,
        user: &User,
        link: &LinkClaims,
    ) -> Result<Option<Mail>, AuthError> {
        let mail = self.store.mail(link.jti).await?;
        Ok(mail.filter(|mail| {
            let ends_at = seconds_after(mail.asked_at(), REMEMBERED);
            let is_recent = self.clock.now().as_second() < ends_at;
            let is_unchanged = mail.address_changes == user.address_changes;
            is_recent
                && is_unchanged
                && user.binding(link.purpose) == link.binding
                && link.proves(&mail.to_key)
        }))
    }
}

/// The address that got the link, if it still belongs to the user.
fn own_address(user: &User, link: &LinkClaims) -> Option<Email> {
    user.email_keys().find(|key| link.proves(key)).and_then(|key| user.own_email(key))
}
