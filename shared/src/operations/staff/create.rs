//! Users whom staff create.

use super::{Admin, By};
use crate::error::{AuthError, Field, Violations};
use crate::model::password::Owner;
use crate::model::{
    Actor, Email, EventKind, NewEvent, PlainPassword, Purpose, Role, Scope, User, UserId, Username,
};
use crate::operations::Accounts;
use crate::store::{Authority, Created, Taken};
use crate::telemetry::{note, operation};

/// How many generated usernames to try when staff give none.
const MADE_USERNAMES: usize = 8;

/// A user whom staff invite.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// As typed.
    pub email: String,
    /// As typed; `None` if the username is made from the address.
    pub username: Option<String>,
}

/// The result of [`Accounts::create_superuser`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Superuser {
    /// The account is new.
    Created(UserId),
    /// An account already has the address, and is a superuser.
    Exists(UserId),
    /// An account already has the address, and is no superuser: nothing was changed.
    IsNone(UserId),
}

impl Admin<'_> {
    /// Creates an account without a password, and mails a link to its address, by which the user chooses one. The link
    /// proves the address. The account ends like any other whose address is never proven.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] with all violations, also for a taken address or name: staff may see who has an account;
    /// [`AuthError::Throttled`] beyond the limit of mails of the caller, or that of the site to new addresses;
    /// [`AuthError::Unauthenticated`] when the caller is no longer staff; [`AuthError::Unavailable`].
    pub async fn invite(&self, invitation: Invitation) -> Result<User, AuthError> {
        operation!(self.accounts.clock, "invite", async {
            let accounts = self.accounts;
            let mut violations = Violations::default();
            let email = Email::parse(&invitation.email)
                .map_err(|found| violations.add_all(Field::Email, found))
                .ok();
            let reserved = &accounts.policy.reserved_usernames;
            let username = match &invitation.username {
                None => email.as_ref().map(|email| Username::made_from(email, reserved)),
                Some(typed) => Username::parse(typed)
                    .and_then(|name| accounts.check_new_username(name, email.as_ref()))
                    .map_err(|found| violations.add_all(Field::Username, found))
                    .ok(),
            };
            let (Some(email), Some(username)) = (email, username) else {
                return Err(violations.into());
            };
            self.count(Scope::StaffMails).await?;
            accounts.count_new_addresses(1).await?;
            let now = accounts.clock.now();
            let user = User::new(accounts.random.id(now).into(), &username, &email, None, now);
            let mut user = User { ends_at: accounts.end_of_sign_up(now), ..user };
            self.note(user.id);
            let mails = [self.link(Purpose::PasswordSet, &user, &email)];
            for _ in 0..MADE_USERNAMES {
                let event = NewEvent::of(EventKind::Invited, user.id).by(self.actor());
                let authority = match &self.by {
                    By::Caller(caller) => Authority::Staff(&caller.user),
                    By::Operator(_) => Authority::Operator { stays: None },
                };
                let created =
                    accounts.store.create_by_staff(authority, &user, &mails, event).await?;
                match created.ok_or(AuthError::Unauthenticated)? {
                    Created::Done => return Ok(user),
                    Created::Taken(taken) if invitation.username.is_none() && !taken.email => {
                        accounts.rename(&mut user, &username);
                    }
                    Created::Taken(taken) => {
                        let mut violations = Violations::default();
                        let taken = Taken {
                            username: taken.username && invitation.username.is_some(),
                            ..taken
                        };
                        accounts.add_taken_for_staff(&mut violations, taken, &email).await?;
                        return Err(violations.into());
                    }
                }
            }
            Err(AuthError::Unavailable("every username that was made is taken".into()))
        })
    }
}

impl Accounts {
    /// Creates a superuser with a proven address and that password, in the name of an operator. If an account has the
    /// address, nothing changes.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] with all violations; [`AuthError::Unavailable`].
    pub async fn create_superuser(
        &self,
        (username, email): (&str, &str),
        password: PlainPassword,
        operator: &str,
    ) -> Result<Superuser, AuthError> {
        operation!(self.clock, "create_superuser", async {
            let by = self.operator(operator)?;
            let mut violations = Violations::default();
            let email =
                Email::parse(email).map_err(|found| violations.add_all(Field::Email, found)).ok();
            if let Some(email) = &email
                && let Some((user, _)) = self.owner(email).await?
            {
                note("user", user.id);
                return Ok(if user.role == Role::Superuser {
                    Superuser::Exists(user.id)
                } else {
                    Superuser::IsNone(user.id)
                });
            }
            let username = Username::parse(username)
                .and_then(|name| self.check_new_username(name, email.as_ref()))
                .map_err(|found| violations.add_all(Field::Username, found))
                .ok();
            let owner = Owner {
                username: username.as_ref().map_or("", Username::name),
                first_name: "",
                last_name: "",
                email: email.as_ref().map_or("", Email::address),
            };
            violations.add_all(Field::Password, self.password_violations(&password, owner).await?);
            let (Some(email), Some(username), true) = (email, username, violations.is_empty())
            else {
                return Err(violations.into());
            };
            let hash = self.hash(password).await?;
            let now = self.clock.now();
            let user = User::new(self.random.id(now).into(), &username, &email, Some(hash), now);
            let user = User { role: Role::Superuser, is_verified: true, ..user };
            by.note(user.id);
            let event = NewEvent::of(EventKind::SuperuserCreated, user.id);
            let event = event.by(Actor::Operator(operator.to_owned()));
            let authority = Authority::Operator { stays: None };
            match self.store.create_by_staff(authority, &user, &[], event).await? {
                Some(Created::Done) | None => Ok(Superuser::Created(user.id)),
                Some(Created::Taken(taken)) => {
                    let mut violations = Violations::default();
                    self.add_taken_for_staff(&mut violations, taken, &email).await?;
                    Err(violations.into())
                }
            }
        })
    }
}
