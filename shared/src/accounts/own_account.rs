//! What users do to their own accounts.

use super::change_password::check_verified;
use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Violations};
use crate::model::name::Name;
use crate::model::{PlainPassword, User};

/// What of an account is to be changed; what is `None` is left as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// As typed.
    pub first_name: Option<String>,
    /// As typed.
    pub last_name: Option<String>,
}

impl Accounts {
    /// Changes the caller's names. What is not given is left as it is.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`], [`AuthError::Invalid`]; [`AuthError::NotFound`] when the account is
    /// gone meanwhile; [`AuthError::Unavailable`].
    pub async fn update_account(&self, caller: &Caller, changes: Changes) -> Result<(), AuthError> {
        check_verified(&caller.user)?;
        let mut violations = Violations::default();
        let mut parsed = |field, typed: Option<String>| {
            let name = typed.map(|typed| Name::parse(&typed)).transpose();
            name.map_err(|found| violations.add_all(field, found)).ok().flatten()
        };
        let first = parsed(Field::FirstName, changes.first_name);
        let last = parsed(Field::LastName, changes.last_name);
        if !violations.is_empty() {
            return Err(violations.into());
        }
        found(self.store.set_names(caller.user.id, first.as_ref(), last.as_ref()).await?)
    }

    /// Puts the caller's account away until its next log-in, and ends all sessions.
    ///
    /// # Errors
    /// In this order: [`AuthError::NotVerified`], [`AuthError::InvalidPassword`];
    /// [`AuthError::NotFound`] when the account is gone meanwhile; [`AuthError::Unavailable`].
    pub async fn archive_account(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        let user = self.confirmed(caller, password).await?;
        found(self.store.archive(user.id).await?)?;
        tracing::info!(user = %user.id, "archived");
        Ok(())
    }

    /// Deletes the caller's account: for good, guards and picture and all, where the site allows that;
    /// otherwise it is made inactive, and keeps its name and address. Ends all sessions either way.
    ///
    /// # Errors
    /// As [`Accounts::archive_account`].
    pub async fn delete_account(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        let user = self.confirmed(caller, password).await?;
        let is_for_good = self.policy.allow_delete_account;
        found(if is_for_good {
            self.store.delete_user(user).await?
        } else {
            self.store.set_active(user.id, false).await?
        })?;
        if is_for_good {
            self.discard_picture(user).await;
        }
        tracing::info!(user = %user.id, is_for_good, "deleted by its owner");
        Ok(())
    }

    async fn confirmed<'a>(
        &self,
        caller: &'a Caller,
        password: PlainPassword,
    ) -> Result<&'a User, AuthError> {
        check_verified(&caller.user)?;
        self.check_password(&caller.user, password).await?;
        Ok(&caller.user)
    }
}

fn found(found: bool) -> Result<(), AuthError> {
    if found { Ok(()) } else { Err(AuthError::NotFound) }
}
