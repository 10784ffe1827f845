//! Delete the rest of an account that has ended.

use super::Accounts;
use crate::error::AuthError;
use crate::model::User;
use crate::pictures::Pictures;
use crate::store::Store;

/// Deletes all that is left of an account that has ended: the picture first, the user item last. So after an
/// interruption, the user item still leads to the rest. Safe to do twice.
///
/// # Errors
/// [`AuthError::Unavailable`]: some of it may be left.
pub(super) async fn erase(
    store: &Store,
    pictures: &Pictures,
    user: &User,
) -> Result<(), AuthError> {
    if let (Some(key), Ok(bucket)) = (&user.profile_picture, pictures.bucket()) {
        bucket.delete(key).await.map_err(AuthError::Unavailable)?;
    }
    Ok(store.erase_user(user).await?)
}

impl Accounts {
    /// Deletes the items of an account that has just ended. No operation fails because of remaining items: the
    /// clean-up deletes them.
    pub(super) async fn erase(&self, user: &User) {
        if let Err(error) = erase(&self.store, &self.pictures, user).await {
            let error = crate::error::Report(&error);
            tracing::warn!(user = %user.id, %error, "the clean-up has to delete the rest of an account");
        }
    }
}
