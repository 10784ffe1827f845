//! Choose a password: knowing the old one, or by a mailed link.

use super::{Accounts, Caller, TokenPair};
use crate::crypto::{LinkClaims, Verdict};
use crate::error::{AuthError, Field, Violations};
use crate::model::code::Purpose;
use crate::model::{Client, Email, Mail, Notice, PasswordHash, PlainPassword, Session, User};
use crate::telemetry::{note, operation};

/// A password that somebody chooses.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// `None` when the front has refused it already: then it is not judged.
    pub password: Option<PlainPassword>,
    /// What the front found wrong with inputs that exist on its wire only.
    pub refused: Violations,
}

/// What a mailed reset link gives whoever has read the mail.
#[derive(Clone, Copy, Debug)]
pub struct ResetLink<'a> {
    /// The token of the link.
    pub token: &'a str,
    /// Where it was mailed to, in an API that asks for that too.
    pub email: Option<&'a str>,
}

impl<'a> From<&'a str> for ResetLink<'a> {
    fn from(token: &'a str) -> Self {
        Self { token, email: None }
    }
}

impl Accounts {
    /// Changes the caller's password, tells the caller by mail, and ends all sessions, this one too,
    /// because a new password means that the old one may be known. Opens a new session, so that the caller goes on.
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
        operation!(self.clock, "change_password", async {
            note("user", caller.user.id);
            let user = &caller.user;
            let hash = self.chosen(user, old, new).await?;
            let next = User { epoch: user.epoch + 1, ..user.clone() };
            let session = self.new_session(&next, client);
            self.write_password(caller, &hash, Some(&session)).await?;
            Ok(self.token_pair(&next, &session))
        })
    }

    /// Changes the caller's password and ends all sessions, this one too, and opens none: for an API that
    /// has no place for new tokens in its answer.
    ///
    /// # Errors
    /// As [`Accounts::change_password`].
    pub async fn change_password_and_log_out(
        &self,
        caller: &Caller,
        old: PlainPassword,
        new: NewPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "change_password_and_log_out", async {
            note("user", caller.user.id);
            let hash = self.chosen(&caller.user, old, new).await?;
            self.write_password(caller, &hash, None).await
        })
    }

    /// The hash of another password, for a verified user who knows the old one.
    async fn chosen(
        &self,
        user: &User,
        old: PlainPassword,
        new: NewPassword,
    ) -> Result<PasswordHash, AuthError> {
        check_verified(user)?;
        self.check_password(user, old).await?;
        self.hash(new.judged_for(user)?).await
    }

    async fn write_password(
        &self,
        caller: &Caller,
        hash: &PasswordHash,
        session: Option<&Session>,
    ) -> Result<(), AuthError> {
        let user = &caller.user;
        let notice = self.new_notice(Notice::PasswordChanged, user, &user.first_email());
        let notice = notice.in_one_of(caller.session.languages.clone());
        if !self.store.change_password(user, hash, session, &notice).await? {
            return Err(AuthError::Unauthenticated);
        }
        Ok(())
    }

    /// Mails a link by which the owner of that address can choose a new password. Changes nothing, and
    /// answers alike, and as soon, whether or not anybody has the address.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for what is no address; [`AuthError::Unavailable`].
    pub async fn send_password_reset(&self, email: &str, client: &Client) -> Result<(), AuthError> {
        operation!(self.clock, "send_password_reset", async {
            let email = Email::parse(email).map_err(|found| Violations::of(Field::Email, found))?;
            let Some((user, email)) = self.owner(&email).await? else {
                return self.send_nothing().await;
            };
            let lifetime = self.policy.password_reset_token_lifetime;
            let mail = self.new_link(Purpose::PasswordReset, &user, &email, lifetime);
            self.send(mail.in_one_of(client.languages.clone())).await
        })
    }

    /// Sets a new password by the token of the mailed link, once, and tells the user by mail. Ends all
    /// sessions and all other reset links, opens no session, and verifies the account: the address is proven
    /// by the mail.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] and [`AuthError::ExpiredToken`] before the password is judged;
    /// [`AuthError::Invalid`], [`AuthError::Unavailable`].
    pub async fn reset_password(
        &self,
        link: ResetLink<'_>,
        new: NewPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "reset_password", async {
            let (user, link) = self.read_reset_link(link).await?;
            let password = new.judged_for(&user)?;
            let notice = self.new_notice(Notice::PasswordChanged, &user, &user.first_email());
            if !self.use_password_link(&user, &link, password, Some(notice)).await? {
                return Err(AuthError::InvalidToken);
            }
            note("user", user.id);
            Ok(())
        })
    }

    /// Tells whether a reset link would work, and changes nothing.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], [`AuthError::Unavailable`].
    pub async fn check_reset_link(&self, link: ResetLink<'_>) -> Result<(), AuthError> {
        operation!(self.clock, "check_reset_link", async {
            self.read_reset_link(link).await.map(drop)
        })
    }

    async fn read_reset_link(&self, link: ResetLink<'_>) -> Result<(User, LinkClaims), AuthError> {
        let (user, claims) = self.read_password_link(link.token, Purpose::PasswordReset).await?;
        let is_theirs = link
            .email
            .is_none_or(|email| Email::parse(email).is_ok_and(|email| claims.proves(email.key())));
        // A link that was used before fails here too: it has changed the password.
        if is_theirs && user.mark(Purpose::PasswordReset) == claims.mark {
            Ok((user, claims))
        } else {
            Err(AuthError::InvalidToken)
        }
    }

    /// Sets the first password of an account by the token of the mailed link, once. Ends all sessions,
    /// opens none, and verifies the account: the address is proven by the mail.
    ///
    /// # Errors
    /// In this order: [`AuthError::InvalidToken`] and [`AuthError::ExpiredToken`];
    /// [`AuthError::Invalid`]; [`AuthError::PasswordAlreadySet`] once the account has a password, by
    /// this link or otherwise; [`AuthError::Unavailable`].
    pub async fn set_password(&self, link_token: &str, new: NewPassword) -> Result<(), AuthError> {
        operation!(self.clock, "set_password", async {
            let (user, link) = self.read_password_link(link_token, Purpose::PasswordSet).await?;
            let password = new.judged_for(&user)?;
            // The link is bound to the password of when it was mailed, which is none: no mark to compare.
            if user.password.is_some()
                || !self.use_password_link(&user, &link, password, None).await?
            {
                return Err(AuthError::PasswordAlreadySet);
            }
            note("user", user.id);
            Ok(())
        })
    }

    /// What a link says that was mailed for choosing a password, and the active user who got it.
    async fn read_password_link(
        &self,
        link_token: &str,
        purpose: Purpose,
    ) -> Result<(User, LinkClaims), AuthError> {
        let link = self.proofs.read_link(link_token, purpose, self.clock.now())?;
        let user = self.store.user(link.sub).await?.filter(|user| user.is_active);
        let user = user.filter(|user| user.email_keys().any(|key| link.proves(key)));
        user.map(|user| (user, link)).ok_or(AuthError::InvalidToken)
    }

    /// Sets the password that was chosen, and uses up the link. `false` when the link, or the account, is
    /// not what it was when it was read.
    async fn use_password_link(
        &self,
        user: &User,
        link: &LinkClaims,
        password: PlainPassword,
        notice: Option<Mail>,
    ) -> Result<bool, AuthError> {
        let hash = self.hash(password).await?;
        let jti = link.jti.to_string();
        Ok(self.store.set_password(user, &hash, &jti, link.exp, notice.as_ref()).await?)
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
