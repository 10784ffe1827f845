//! Choose a new password, knowing the old one or by a mailed link.

use super::{Accounts, Caller, TokenPair};
use crate::crypto::Verdict;
use crate::error::{AuthError, Field, Violations};
use crate::model::code::Purpose;
use crate::model::{Client, Email, MailKind, PlainPassword, User};
use crate::store::Reset;

/// A password that somebody chooses.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// `None` when the front has refused it already: then it is not judged.
    pub password: Option<PlainPassword>,
    /// What the front found wrong with inputs that exist on its wire only.
    pub refused: Violations,
}

impl Accounts {
    /// Changes the caller's password and ends all sessions, this one too, because a new password means
    /// that the old one may be known. Opens a new session, so that the caller goes on.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Invalid`]; [`AuthError::Unauthenticated`] when all sessions ended meanwhile;
    /// [`AuthError::Unavailable`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: PlainPassword,
        new: NewPassword,
        client: &Client,
    ) -> Result<TokenPair, AuthError> {
        let user = &caller.user;
        check_verified(user)?;
        self.check_password(user, old).await?;
        let hash = self.hash(new.judged_for(user)?).await?;
        let next = User { epoch: user.epoch + 1, ..user.clone() };
        let session = self.new_session(&next, client);
        if !self.store.change_password(user, &hash, &session).await? {
            return Err(AuthError::Unauthenticated);
        }
        tracing::info!(user = %user.id, "password changed");
        Ok(self.token_pair(&next, &session))
    }

    /// Mails a link by which the owner of that address can choose a new password. Changes nothing, and
    /// answers alike whether or not anybody has the address.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for what is no address; [`AuthError::Unavailable`].
    pub async fn send_password_reset(&self, email: &str) -> Result<(), AuthError> {
        let email = Email::parse(email).map_err(|found| {
            let mut violations = Violations::default();
            violations.add_all(Field::Email, found);
            violations
        })?;
        let Some((user, email)) = self.owner(&email).await? else { return Ok(()) };
        let lifetime = self.policy.password_reset_token_lifetime;
        self.send_link(MailKind::PasswordReset, &user, &email, lifetime).await
    }

    /// Sets a new password by the token of the mailed link, once. Ends all sessions and all other reset
    /// links, opens no session, and verifies the account: the address is proven by the mail.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] and [`AuthError::ExpiredToken`] before the password is judged;
    /// [`AuthError::Invalid`], [`AuthError::Unavailable`].
    pub async fn reset_password(
        &self,
        link_token: &str,
        new: NewPassword,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let claims = self.proofs.read_link(link_token, Purpose::PasswordReset, now)?;
        let jti = claims.jti.to_string();
        let Some(user) = self.store.user_unless_used(claims.sub, &jti).await? else {
            return Err(AuthError::InvalidToken);
        };
        let proves = user.email_keys().any(|key| claims.proves(key));
        if !user.is_active || !proves || user.password_mark() != claims.password_mark {
            return Err(AuthError::InvalidToken);
        }
        let hash = self.hash(new.judged_for(&user)?).await?;
        match self.store.reset_password(&user, &hash, &jti, claims.exp).await? {
            Reset::Done => {
                tracing::info!(user = %user.id, "password reset");
                Ok(())
            }
            Reset::Refused => Err(AuthError::InvalidToken),
        }
    }

    /// Asks somebody who is logged in for the password once more.
    pub(super) async fn check_password(
        &self,
        user: &User,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        if password.is_absurd() {
            return Err(AuthError::InvalidPassword);
        }
        let verdict = self.hasher.verify(password, user.password.clone()).await;
        match verdict.map_err(AuthError::Unavailable)? {
            Verdict::Right | Verdict::Outdated => Ok(()),
            Verdict::Wrong => Err(AuthError::InvalidPassword),
        }
    }
}

/// Most of what users do to their accounts needs a proven address.
pub(super) fn check_verified(user: &User) -> Result<(), AuthError> {
    if user.is_verified { Ok(()) } else { Err(AuthError::NotVerified) }
}

impl NewPassword {
    /// The password, if that user may have it.
    fn judged_for(self, user: &User) -> Result<PlainPassword, Violations> {
        let mut violations = self.refused;
        if let Some(password) = &self.password {
            violations.add_all(Field::Password, password.violations(user.into()));
        }
        match self.password {
            Some(password) if violations.is_empty() => Ok(password),
            _ => Err(violations),
        }
    }
}
