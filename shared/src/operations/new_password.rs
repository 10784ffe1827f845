//! What a new password must be like: the same in each operation that chooses one.

use super::{Accounts, NewPassword};
use crate::error::{AuthError, Field, Violation};
use crate::model::password::Owner;
use crate::model::{PlainPassword, User};

impl Accounts {
    /// The password, if that user may have it.
    ///
    /// # Errors
    /// [`AuthError::Invalid`]; [`AuthError::Unavailable`] if the list of breached passwords cannot be loaded.
    pub(super) async fn validated(
        &self,
        new: NewPassword,
        user: &User,
    ) -> Result<PlainPassword, AuthError> {
        let mut violations = new.refused;
        if let Some(password) = &new.password {
            violations
                .add_all(Field::Password, self.password_violations(password, user.into()).await?);
        }
        match new.password {
            Some(password) if violations.is_empty() => Ok(password),
            _ => Err(violations.into()),
        }
    }

    /// All violations of a new password of that owner.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if the list of breached passwords cannot be loaded: a password that was not compared
    /// with it is not accepted.
    pub(super) async fn password_violations(
        &self,
        password: &PlainPassword,
        owner: Owner<'_>,
    ) -> Result<Vec<Violation>, AuthError> {
        let mut found = password.violations(owner, &self.policy.passwords);
        if let Some(breached) = &self.policy.breached_passwords
            && !found.iter().any(|violation| says_enough(*violation))
            && breached.contain(password).await.map_err(AuthError::Unavailable)?
        {
            found.push(Violation::PasswordBreached);
        }
        Ok(found)
    }
}

/// Whether it would help no user to hear of a breach, too: there is no password to compare, or users hear already that
/// others have the password.
fn says_enough(violation: Violation) -> bool {
    matches!(
        violation,
        Violation::Required | Violation::TooLong { .. } | Violation::PasswordTooCommon
    )
}
