//! Operations of users on their own accounts.

use super::change_password::check_verified;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::name::Name;
use crate::model::{Gender, Mail, Notice, PlainPassword, User};
use crate::store::Profile;
use crate::telemetry::{note, operation};

/// Changes of an account. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// As typed.
    pub first_name: Option<String>,
    /// As typed.
    pub last_name: Option<String>,
    /// The new gender.
    pub gender: Option<Gender>,
    /// As typed.
    pub position: Option<String>,
    /// As typed.
    pub department: Option<String>,
}

impl Accounts {
    /// Changes the profile of a verified caller, as [`Accounts::update_profile`] does.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`], and those of [`Accounts::update_profile`].
    pub async fn update_account(
        &self,
        caller: &Caller,
        changes: Changes,
    ) -> Result<User, AuthError> {
        operation!(self.clock, "update_account", async {
            note("user", caller.user.id);
            check_verified(&caller.user)?;
            self.update_profile(caller, changes).await
        })
    }

    /// Changes the profile of the caller, and returns the account after the change. A field that is `None` stays as
    /// it is.
    ///
    /// # Errors
    /// [`AuthError::Invalid`]; [`AuthError::Unauthenticated`] when the account was deleted in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn update_profile(
        &self,
        caller: &Caller,
        changes: Changes,
    ) -> Result<User, AuthError> {
        operation!(self.clock, "update_profile", async {
            note("user", caller.user.id);
            let profile = changes.parse()?;
            if profile == Profile::default() {
                return Ok(caller.user.clone());
            }
            self.store.set_profile(&caller.user, &profile).await?.ok_or(AuthError::Unauthenticated)
        })
    }

    /// Archives the caller's account until its next log-in, ends all sessions, and mails a notice to the caller.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`];
    /// [`LastOfStaff`](crate::error::Refusal::LastOfStaff); [`AuthError::Unauthenticated`] when the account was
    /// deleted or its role changed in the meantime; [`AuthError::Unavailable`].
    pub async fn archive_account(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "archive_account", async {
            note("user", caller.user.id);
            let mut user = self.confirmed(caller, password).await?.clone();
            let mut lost = 0;
            let languages = &caller.session.languages;
            loop {
                let stays = self.who_stays(&user).await?;
                let notices = self.notices_to_all(Notice::AccountArchived, &user, languages);
                if self.store.archive(&user, stays.as_ref(), &notices).await? {
                    return Ok(());
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
            }
        })
    }

    /// Deletes the caller's account. If the site allows it, that is for good, with everything that names the user.
    /// Otherwise the account becomes inactive, and keeps its name and address. In both cases it ends all sessions and
    /// mails a notice to the caller.
    ///
    /// One write ends the account. Then its other items are deleted. If that is interrupted, the clean-up continues
    /// it.
    ///
    /// # Errors
    /// As [`Accounts::archive_account`].
    pub async fn delete_account(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "delete_account", async {
            note("user", caller.user.id);
            let mut user = self.confirmed(caller, password).await?.clone();
            let is_for_good = self.policy.allow_delete_account;
            let mut lost = 0;
            let languages = &caller.session.languages;
            let notices = |user: &User| -> Vec<Mail> {
                let notices = self.notices_to_all(Notice::AccountDeleted, user, languages);
                notices.into_iter().map(|mail| mail.to_user_who_may_be_deleted(user)).collect()
            };
            loop {
                let (stays, notices) = (self.who_stays(&user).await?, notices(&user));
                let is_done = if is_for_good {
                    self.store.end_user(&user, stays.as_ref(), &notices).await?
                } else {
                    self.store.deactivate(&user, stays.as_ref(), &notices).await?
                };
                if is_done {
                    break;
                }
                user = self.as_it_is_now(&user, &mut lost).await?;
            }
            if is_for_good {
                self.erase(&user).await;
            }
            note("is_for_good", is_for_good);
            Ok(())
        })
    }

    pub(super) async fn confirmed<'a>(
        &self,
        caller: &'a Caller,
        password: PlainPassword,
    ) -> Result<&'a User, AuthError> {
        check_verified(&caller.user)?;
        self.confirm_password(caller, password).await?;
        Ok(&caller.user)
    }
}

impl Changes {
    pub(super) fn parse(self) -> Result<Profile, Violations> {
        let mut violations = Violations::default();
        let mut parsed = |field, typed: Option<String>, parse: fn(&str) -> _| {
            let name: Option<Result<Name, Vec<Violation>>> = typed.map(|typed| parse(&typed));
            name.transpose().map_err(|found| violations.add_all(field, found)).ok().flatten()
        };
        let profile = Profile {
            first_name: parsed(Field::FirstName, self.first_name, Name::parse),
            last_name: parsed(Field::LastName, self.last_name, Name::parse),
            gender: self.gender,
            position: parsed(Field::Position, self.position, Name::parse_label),
            department: parsed(Field::Department, self.department, Name::parse_label),
        };
        if violations.is_empty() { Ok(profile) } else { Err(violations) }
    }
}
