//! Change several things of an account at once.

use super::own_account::Changes;
use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{Client, PlainPassword, User};
use crate::store::Profile;
use crate::telemetry::{note, operation};

/// Changes of an account.
#[derive(Debug, Default)]
pub struct UserUpdate {
    /// A field that is `None` stays as it is.
    pub changes: Changes,
    /// Another first address, as typed.
    pub email: Option<String>,
    /// The present password: wanted for another address, unless the log-in is recent.
    pub password: Option<PlainPassword>,
    /// The change of the picture.
    pub picture: PictureChange,
}

/// A change of a profile picture.
#[derive(Default)]
pub enum PictureChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// The picture is removed.
    Remove,
    /// These bytes become the picture.
    Set(Vec<u8>),
}

impl std::fmt::Debug for PictureChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Remove => "Remove",
            Self::Set(_) => "Set",
        })
    }
}

impl Accounts {
    /// Makes the given changes, and returns the account after them. A new address takes effect when it is proven, as
    /// [`Accounts::change_email`] says. Validates everything, the picture included, before it changes anything.
    ///
    /// # Errors
    /// [`AuthError::Invalid`]; those of [`Accounts::change_email`] and of [`Accounts::set_picture`];
    /// [`AuthError::Unauthenticated`] when the account was deleted in the meantime; [`AuthError::Unavailable`]: then
    /// some changes may be made, and it is safe to try again.
    pub async fn update_user(
        &self,
        caller: &Caller,
        update: UserUpdate,
        client: &Client,
    ) -> Result<User, AuthError> {
        operation!(self.clock, "update_user", async {
            note("user", caller.user.id);
            let profile = update.changes.parse()?;
            let email = match (&update.email, update.password) {
                (Some(email), password) => {
                    self.check_new_email(caller, email, password, client).await?
                }
                (None, Some(password)) => {
                    self.confirm_password(caller, password).await?;
                    None
                }
                (None, None) => None,
            };
            let mut user = caller.user.clone();
            match update.picture {
                PictureChange::Keep => {}
                PictureChange::Remove => {
                    self.remove_picture(caller).await?;
                    user.profile_picture = None;
                }
                PictureChange::Set(bytes) => {
                    user.profile_picture = Some(self.replace_picture(caller, bytes).await?);
                }
            }
            let user = if profile == Profile::default() {
                Some(user)
            } else {
                self.store.set_profile(&user, &profile).await?
            };
            if let Some(email) = email {
                self.send_email_change(caller, &email).await?;
            }
            user.ok_or(AuthError::Unauthenticated)
        })
    }
}
