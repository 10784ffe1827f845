//! Choose a password: knowing the old one, or by a mailed link.

use super::authenticate::invalid;
use super::secondary_email::count_lost;
use super::{Accounts, Caller, TokenPair};
use crate::crypto::LinkClaims;
use crate::error::{AuthError, Field, Refusal, Violation, Violations};
use crate::model::Purpose;
use crate::model::{
    Client, Email, Factor, Languages, Mail, Notice, PasswordHash, PlainPassword, Session, User,
    Username, copied,
};
use crate::store::{Claim, PasswordSet};
use crate::telemetry::{note, operation};

/// A password that a user chooses.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// `None` when the front has refused it already: then the core does not validate it.
    pub password: Option<PlainPassword>,
    /// Violations of inputs that exist on the wire of a front only.
    pub refused: Violations,
}

/// The proof that the recipient of a reset link has.
#[derive(Clone, Copy, Debug)]
pub struct ResetLink<'a> {
    /// The token of the link.
    pub token: &'a str,
    /// The address that got the link, in an API that requires this address.
    pub email: Option<&'a str>,
}

impl From<PlainPassword> for NewPassword {
    /// A password that a front asks for once.
    fn from(password: PlainPassword) -> Self {
        Self { password: Some(password), refused: Violations::default() }
    }
}

impl<'a> From<&'a str> for ResetLink<'a> {
    fn from(token: &'a str) -> Self {
        Self { token, email: None }
    }
}

impl Accounts {
    /// Changes the caller's password, and mails a notice to the caller and to addresses that left the account in the
    /// last days. Ends all sessions, this one too, because a new password means that an attacker may know the old
    /// one. Opens a new session, so that the caller stays logged in.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Invalid`];
    /// [`AuthError::Unauthenticated`] when all sessions ended in the meantime; [`AuthError::Unavailable`].
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
            let hash = self.chosen(caller, old, new).await?;
            let next = User { epoch: user.epoch + 1, ..user.clone() };
            // The new session keeps the proofs of the session before.
            let proven = &caller.session;
            let session = Session {
                factors: proven.factors.clone(),
                second_factor_at: proven.second_factor_at,
                ..self.new_session(&next, Factor::Password, client)
            };
            self.write_password(caller, &hash, Some(&session)).await?;
            Ok(self.token_pair(&next, &session))
        })
    }

    /// Changes the caller's password, ends all sessions, this one too, and opens none: for an API without a place for
    /// new tokens in its answer.
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
            let hash = self.chosen(caller, old, new).await?;
            self.write_password(caller, &hash, None).await
        })
    }

    /// The hash of another password, for a verified user who knows the old one.
    async fn chosen(
        &self,
        caller: &Caller,
        old: PlainPassword,
        new: NewPassword,
    ) -> Result<PasswordHash, AuthError> {
        let user = &caller.user;
        check_verified(user)?;
        self.confirm_password(caller, old).await?;
        self.hash(self.validated(new, user).await?).await
    }

    async fn write_password(
        &self,
        caller: &Caller,
        hash: &PasswordHash,
        session: Option<&Session>,
    ) -> Result<(), AuthError> {
        let user = &caller.user;
        let languages = &caller.session.languages;
        let notices = self.notices_to_all(Notice::PasswordChanged, user, languages);
        if !self.store.change_password(user, hash, session, &notices).await? {
            return Err(AuthError::Unauthenticated);
        }
        Ok(())
    }

    /// Mails a link by which the owner of that address can choose a new password. Changes nothing. The answer and its
    /// time are the same for an address without an account. They are the same, too, if the account is not verified and
    /// the site may not mail to further new addresses: then no mail is sent.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a malformed address; [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn send_password_reset(&self, email: &str, client: &Client) -> Result<(), AuthError> {
        operation!(self.clock, "send_password_reset", async {
            let email = Email::parse(email).map_err(|found| Violations::of(Field::Email, found))?;
            let new_addresses = self.admit(client).await?;
            let Some((user, email)) = self.recipient(&email).await? else {
                return self.send_nothing().await;
            };
            let mail = self.new_link(Purpose::PasswordReset, &user, &email);
            let mail = mail.in_one_of(client.languages.clone());
            self.send_to_owner(&user, mail, new_addresses).await
        })
    }

    /// Sets a new password by the token of the mailed link, once, and mails a notice to the user. Ends all sessions
    /// and all other reset links, opens no session, and verifies the account: the link proves the address.
    ///
    /// An attacker may have made an account with the address of another person, under a name of the attacker's
    /// choice. As long as the address is not proven, its owner may choose another `username`. Unless the site lets
    /// users use accounts without a proof, the reset also clears names, position and picture.
    ///
    /// Ends the locks of the account, for all networks together and for the network of the client: many users reset the
    /// password because wrong ones have locked the account.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] and [`AuthError::ExpiredToken`] before it validates password and name;
    /// [`AuthError::Invalid`], also for a name that is taken, or for another name if the account is verified;
    /// [`AuthError::Unavailable`].
    pub async fn reset_password(
        &self,
        link: ResetLink<'_>,
        new: NewPassword,
        username: Option<&str>,
        client: &Client,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "reset_password", async {
            let (mut hashed, mut lost) = (None, 0);
            let (user, claim) = loop {
                let (user, link) = self.read_reset_link(link).await?;
                let (password, claim) = self.check_reset(&user, new.clone(), username).await?;
                let hash = self.hash_once(&mut hashed, password).await?;
                let notices =
                    self.notices_to_all(Notice::PasswordChanged, &user, &Languages::default());
                match self.use_password_link(&user, &link, hash, &notices, &claim).await? {
                    PasswordSet::Done => break (user, claim),
                    // The next round reads the account again, and finds out whether the link is still valid.
                    PasswordSet::Changed => count_lost(&mut lost)?,
                    PasswordSet::Refused => return Err(invalid("used_before")),
                    PasswordSet::UsernameTaken => {
                        let taken = Violations::of(Field::Username, [Violation::UsernameTaken]);
                        return Err(taken.into());
                    }
                }
            };
            if claim.is_cleared {
                self.discard_picture(&user).await;
            }
            self.unlock(&user, client).await;
            note("user", user.id);
            Ok(())
        })
    }

    /// The new password, and the other changes of the account.
    async fn check_reset(
        &self,
        user: &User,
        new: NewPassword,
        username: Option<&str>,
    ) -> Result<(PlainPassword, Claim), AuthError> {
        let mut violations = Violations::default();
        let username = username.map(Username::parse).and_then(|parsed| {
            let parsed = match parsed {
                Ok(name) if name.name() == user.username => return None,
                Ok(_) if user.is_verified => Err(vec![Violation::UsernameFixed]),
                Ok(name) => self.check_new_username(name, Some(&user.first_email())),
                Err(found) => Err(found),
            };
            parsed.map_err(|found| violations.add_all(Field::Username, found)).ok()
        });
        let is_cleared = !user.is_verified && !self.policy.allow_login_not_verified;
        // The password must not be like the names that the account will have.
        let mut named = user.clone();
        if let Some(name) = &username {
            name.name().clone_into(&mut named.username);
        }
        if is_cleared {
            named.first_name.clear();
            named.last_name.clear();
        }
        match self.validated(new, &named).await {
            Ok(password) if violations.is_empty() => Ok((password, Claim { username, is_cleared })),
            Ok(_) => Err(violations.into()),
            Err(AuthError::Invalid(found)) => {
                for (field, violation) in found.iter() {
                    violations.add(field, violation);
                }
                Err(violations.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Checks whether a reset link would work, and changes nothing.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], [`AuthError::Unavailable`].
    pub async fn check_reset_link(&self, link: ResetLink<'_>) -> Result<(), AuthError> {
        operation!(self.clock, "check_reset_link", async {
            self.read_reset_link(link).await.map(drop)
        })
    }

    pub(super) async fn read_reset_link(
        &self,
        link: ResetLink<'_>,
    ) -> Result<(User, LinkClaims), AuthError> {
        let (user, claims) = self.read_password_link(link.token, Purpose::PasswordReset).await?;
        let is_theirs = link
            .email
            .is_none_or(|email| Email::parse(email).is_ok_and(|email| claims.proves(email.key())));
        // A link that was used before fails here too: it has changed the password.
        if !is_theirs {
            Err(invalid("other_address"))
        } else if user.binding(Purpose::PasswordReset) != claims.binding {
            Err(invalid("used_before"))
        } else {
            Ok((user, claims))
        }
    }

    /// Sets the first password of an account by the token of the mailed link, once. Ends all sessions, opens none,
    /// and verifies the account: the link proves the address.
    ///
    /// # Errors
    /// In this order: [`AuthError::InvalidToken`] and [`AuthError::ExpiredToken`]; [`AuthError::Invalid`];
    /// [`Refusal::PasswordAlreadySet`] once the account has a password, by this link or in another way, and in no
    /// other case; [`AuthError::Unavailable`].
    pub async fn set_password(&self, link_token: &str, new: NewPassword) -> Result<(), AuthError> {
        operation!(self.clock, "set_password", async {
            let (mut hashed, mut lost) = (None, 0);
            let user = loop {
                let (user, link) =
                    self.read_password_link(link_token, Purpose::PasswordSet).await?;
                let password = self.validated(new.clone(), &user).await?;
                // When the link was mailed, the account had no password. So there is no binding to compare.
                if user.password.is_some() {
                    return Err(Refusal::PasswordAlreadySet.into());
                }
                let hash = self.hash_once(&mut hashed, password).await?;
                let claim = Claim::default();
                match self.use_password_link(&user, &link, hash, &[], &claim).await? {
                    PasswordSet::Done => break user,
                    PasswordSet::Changed => count_lost(&mut lost)?,
                    // The link was used, and its password has been removed since.
                    PasswordSet::Refused | PasswordSet::UsernameTaken => {
                        return Err(invalid("used_before"));
                    }
                }
            };
            note("user", user.id);
            Ok(())
        })
    }

    /// The claims of a link to choose a password, and the active user who got it.
    pub(super) async fn read_password_link(
        &self,
        link_token: &str,
        purpose: Purpose,
    ) -> Result<(User, LinkClaims), AuthError> {
        let link =
            self.proofs.read_link(&copied::link_token(link_token), purpose, self.clock.now())?;
        let user = self.store.user(link.sub).await?;
        let user =
            link_recipient(&link, user, |user| user.email_keys().any(|key| link.proves(key)))?;
        Ok((user, link))
    }

    /// Sets the password that was chosen, and uses up the link.
    async fn use_password_link(
        &self,
        user: &User,
        link: &LinkClaims,
        hash: &PasswordHash,
        notices: &[Mail],
        claim: &Claim,
    ) -> Result<PasswordSet, AuthError> {
        let jti = link.jti.to_string();
        let link = (jti.as_str(), link.exp);
        Ok(self.store.set_password(user, hash, link, notices, claim).await?)
    }

    /// The hash of a password. An operation that is tried again after a change of the account computes it once.
    async fn hash_once<'a>(
        &self,
        hashed: &'a mut Option<PasswordHash>,
        password: PlainPassword,
    ) -> Result<&'a PasswordHash, AuthError> {
        let hash = match hashed.take() {
            Some(hash) => hash,
            None => self.hash(password).await?,
        };
        Ok(hashed.insert(hash))
    }
}

/// The recipient of a link, if the account is active and still has what the link proves.
pub(super) fn link_recipient(
    link: &LinkClaims,
    user: Option<User>,
    is_proven: impl Fn(&User) -> bool,
) -> Result<User, AuthError> {
    note("user", link.sub);
    match user {
        None => Err(invalid("unknown_user")),
        Some(user) if !user.is_active => Err(invalid("inactive")),
        Some(user) if !is_proven(&user) => Err(invalid("other_address")),
        Some(user) => Ok(user),
    }
}

/// Most of what users do to their accounts needs a proven address.
pub(super) fn check_verified(user: &User) -> Result<(), AuthError> {
    if user.is_verified { Ok(()) } else { Err(AuthError::NotVerified) }
}

impl NewPassword {
    /// A password that a form asks for twice. Both entries must be there and be the same. As in Django, the second
    /// entry is the one that is validated.
    pub fn twice(first: &str, second: String) -> Self {
        let mut refused = Violations::default();
        if first.is_empty() {
            refused.add(Field::Password, Violation::Required);
        }
        if second.is_empty() {
            refused.add(Field::PasswordConfirmation, Violation::Required);
        } else if !first.is_empty() && first != second {
            refused.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
        } else {
            return Self { password: Some(PlainPassword::new(second)), refused };
        }
        Self { password: None, refused }
    }
}
