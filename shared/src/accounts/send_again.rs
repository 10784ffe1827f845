//! A new link in place of one whose time is over.

use super::Accounts;
use crate::crypto::LinkClaims;
use crate::error::AuthError;
use crate::model::code::Purpose;
use crate::model::{Email, User};

impl Accounts {
    /// What a link is for, by its token alone: whether it was used is not looked at.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`].
    pub fn link_purpose(&self, link_token: &str) -> Result<Purpose, AuthError> {
        Ok(self.proofs.purpose(link_token, self.clock.now())?)
    }

    /// Whether [`Accounts::send_again`] takes that token.
    pub fn may_send_again(&self, link_token: &str) -> bool {
        self.read_for_another(link_token).is_ok()
    }

    /// Mails a new link for the same purpose to the address that the link of that token was mailed to,
    /// also when its time is over. Answers alike when the account is gone, has another address or does
    /// not need the link any more: nothing is sent then. The second time, it mails another one.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] for a token that is not ours, and for that of a link which gives an
    /// account another address; [`AuthError::Unavailable`].
    pub async fn send_again(&self, link_token: &str) -> Result<(), AuthError> {
        let (link, lifetime) = self.read_for_another(link_token)?;
        let user = self.store.user(link.sub).await?.filter(|user| user.is_active);
        match user.as_ref().and_then(|user| Some((user, proven_address(user, &link)?))) {
            // Whether it is of use, the outbox asks of every mail.
            Some((user, email)) => self.send_link(link.purpose, user, &email, lifetime).await,
            None => Ok(()),
        }
    }

    fn read_for_another(
        &self,
        link_token: &str,
    ) -> Result<(LinkClaims, jiff::SignedDuration), AuthError> {
        let link = self.proofs.read_link_of_any_time(link_token)?;
        let lifetime = match link.purpose {
            Purpose::Activation => self.policy.activation_token_lifetime,
            Purpose::PasswordReset => self.policy.password_reset_token_lifetime,
            Purpose::PasswordSet => self.policy.password_set_token_lifetime,
            // Who asked for it was logged in. If the account has given the address up since, whoever has
            // that mailbox must not get it back: a second address can reset the password.
            Purpose::SecondaryEmail | Purpose::EmailChange => return Err(AuthError::InvalidToken),
        };
        Ok((link, lifetime))
    }
}

/// The address that the link was mailed to, if it is still the user's.
fn proven_address(user: &User, link: &LinkClaims) -> Option<Email> {
    user.email_keys().find(|key| link.proves(key)).and_then(|key| user.own_email(key))
}
