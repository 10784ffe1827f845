//! Prove an address by a mailed link, for any purpose.

use super::Accounts;
use super::authenticate::invalid;
use super::change_password::link_recipient;
use crate::error::AuthError;
use crate::model::Purpose;
use crate::model::{Mail, User, copied};
use crate::telemetry::operation;

impl Accounts {
    /// Carries out the purpose of the link, if it proves an address: that of a new account, a second one, or a new
    /// first one.
    ///
    /// # Errors
    /// Those of [`Accounts::verify_account`], [`Accounts::verify_secondary_email`] and
    /// [`Accounts::verify_new_email`]; [`AuthError::InvalidToken`] for a link with another purpose.
    pub async fn confirm_address(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "confirm_address", async {
            match self.proofs.purpose(&copied::link_token(link_token), self.clock.now())? {
                Purpose::Activation => self.verify_account(link_token).await,
                Purpose::SecondaryEmail => self.verify_secondary_email(link_token).await,
                Purpose::EmailChange => self.verify_new_email(link_token).await,
                Purpose::PasswordReset
                | Purpose::PasswordSet
                | Purpose::EmailChangeCancel
                | Purpose::EmailRestore
                | Purpose::LogIn => Err(AuthError::InvalidToken),
            }
        })
    }

    /// The mail of an unused link whose binding still holds, and the active user who asked for it. The token proves
    /// the address of that mail.
    pub(super) async fn read_address_link(
        &self,
        link_token: &str,
        purpose: Purpose,
    ) -> Result<(User, Mail), AuthError> {
        let link =
            self.proofs.read_link(&copied::link_token(link_token), purpose, self.clock.now())?;
        let jti = link.jti.to_string();
        let (user, mail) =
            tokio::join!(self.store.user_unless_used(link.sub, &jti), self.store.mail(link.jti));
        let (Some(user), Some(mail)) = (user?, mail?) else { return Err(invalid("used_before")) };
        let user = link_recipient(&link, Some(user), |_| link.proves(&mail.to_key))?;
        if user.binding(purpose) == link.binding {
            Ok((user, mail))
        } else {
            Err(invalid("of_no_use"))
        }
    }
}
