//! The validation of a new password, the same in each operation. And the warning about an older password that is known
//! from a breach.

use super::{Accounts, NewPassword};
use crate::error::Report;
use crate::error::{AuthError, Field, Violation};
use crate::model::password::Owner;
use crate::model::{Client, Notice, PasswordHash, PlainPassword, User};

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

    /// Compares the password of a log-in with the breached ones, once for each password, and mails the user of a
    /// breached one. A user without a proven address is not compared: the mail may go to a stranger. `rehashed` is the
    /// new hash of the password, if the log-in has made one.
    ///
    /// The log-in is done already. So a failure is logged only, and the next log-in tries again.
    pub(super) async fn compare_with_breached(
        &self,
        user: &User,
        rehashed: Option<&PasswordHash>,
        password: &PlainPassword,
        client: &Client,
    ) {
        let Some(breached) = &self.policy.breached_passwords else { return };
        let user = match rehashed {
            Some(hash) => &User { password: Some(hash.clone()), ..user.clone() },
            None => user,
        };
        if !user.is_verified || user.compared_password.as_ref() == Some(&user.password_digest()) {
            return;
        }
        let compared = async {
            let is_breached = breached.contain(password).await.map_err(AuthError::Unavailable)?;
            let mail = is_breached.then(|| {
                let mail = self.new_notice(Notice::PasswordBreached, user, &user.first_email());
                mail.in_one_of(client.languages.clone())
            });
            let mails: Vec<_> = mail.into_iter().collect();
            Ok::<_, AuthError>(self.store.mark_compared(user, &mails).await?)
        };
        if let Err(error) = compared.await {
            let error = Report(&error);
            tracing::warn!(%error, "a password was not compared with the breached ones");
        }
    }
}

/// Whether the check for a breach would add nothing: there is no password to compare, or the violation says already
/// that other people have the password.
fn says_enough(violation: Violation) -> bool {
    matches!(
        violation,
        Violation::Required | Violation::TooLong { .. } | Violation::PasswordTooCommon
    )
}
