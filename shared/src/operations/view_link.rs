//! Look at a mailed link without using it.

use super::{Accounts, ResetLink};
use crate::error::{AuthError, Refusal};
use crate::model::Purpose;
use crate::model::{Email, Languages, User, copied};
use crate::telemetry::{note, operation};

/// The effect of a mailed link. Only its recipient has the token, so it may name the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The purpose of the link.
    pub purpose: Purpose,
    /// The username of the account.
    pub username: String,
    /// Whether the account has proven an address before. If not, another person may have made it, and chosen
    /// its name.
    pub is_account_proven: bool,
    /// The address that the link proves, masked: the mailbox may be open on a screen that others see.
    pub email: String,
    /// The preferred languages of the user, as far as they are known.
    pub languages: Languages,
}

impl Accounts {
    /// Finds the effect of the link of that token, and changes nothing: for a page that shows a form or a button only
    /// where it would work.
    ///
    /// # Errors
    /// Those of the operation that uses the link, as far as they do not depend on further input:
    /// [`AuthError::InvalidToken`], also for a link that was used; [`AuthError::ExpiredToken`],
    /// [`Refusal::AlreadyVerified`], [`Refusal::PasswordAlreadySet`]; [`AuthError::Unavailable`].
    pub async fn view_link(&self, link_token: &str) -> Result<LinkView, AuthError> {
        operation!(self.clock, "view_link", async {
            let purpose = self.proofs.purpose(&copied::link_token(link_token), self.clock.now())?;
            let (user, email) = match purpose {
                Purpose::Activation => {
                    let (sign_up, _) = self.read_activation_link(link_token).await?;
                    let user = sign_up.account().clone();
                    let email = user.first_email();
                    if user.is_verified || self.lost_address(&sign_up).await? {
                        return Err(Refusal::AlreadyVerified.into());
                    }
                    (user, email)
                }
                Purpose::PasswordReset => {
                    let (user, claims) = self.read_reset_link(ResetLink::from(link_token)).await?;
                    let email = proven_by(&user, |key| claims.proves(key))?;
                    (user, email)
                }
                Purpose::PasswordSet => {
                    let (user, claims) = self.read_password_link(link_token, purpose).await?;
                    if user.password.is_some() {
                        return Err(Refusal::PasswordAlreadySet.into());
                    }
                    let email = proven_by(&user, |key| claims.proves(key))?;
                    (user, email)
                }
                Purpose::EmailChangeCancel => {
                    let (user, _, _) = self.read_cancel_link(link_token).await?;
                    let email = user.first_email();
                    (user, email)
                }
                Purpose::EmailRestore => {
                    let (user, returning, _) = self.read_restore_link(link_token).await?;
                    (user, returning.email())
                }
                Purpose::LogIn => {
                    let (user, claims, _) = self.read_log_in_link(link_token).await?;
                    let email = proven_by(&user, |key| claims.proves(key))?;
                    (user, email)
                }
                Purpose::SecondaryEmail | Purpose::EmailChange => {
                    let (user, mail) = self.read_address_link(link_token, purpose).await?;
                    (user, mail.email())
                }
            };
            note("user", user.id);
            Ok(LinkView {
                purpose,
                is_account_proven: user.is_verified,
                username: user.username,
                email: email.masked(),
                languages: user.locale,
            })
        })
    }
}

/// The user's own address that a link proves.
pub(super) fn proven_by(user: &User, proves: impl Fn(&str) -> bool) -> Result<Email, AuthError> {
    let key = user.email_keys().find(|key| proves(key)).map(str::to_owned);
    key.and_then(|key| user.own_email(&key)).ok_or(AuthError::InvalidToken)
}
