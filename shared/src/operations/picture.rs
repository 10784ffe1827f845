//! A user's profile picture.

use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Violations};
use crate::model::{User, UserId};
use crate::pictures::Bucket;
use crate::store::PictureSaved;
use crate::telemetry::{note, operation};

impl Accounts {
    /// Makes these bytes the caller's picture, and deletes the picture before it. After a failure, the picture before
    /// stays. If several uploads run at once, the last one stays.
    ///
    /// It writes the object before the attribute that names it. So a crash between the two leaves an object that no
    /// user refers to, and never a name without an object. An object may also be left when neither S3 nor the table
    /// answers any more.
    ///
    /// # Errors
    /// [`PicturesOff`](crate::error::Refusal::PicturesOff), [`AuthError::Invalid`]; [`AuthError::Unauthenticated`] when
    /// the account was deleted in the meantime; [`AuthError::Unavailable`].
    pub async fn set_picture(&self, caller: &Caller, bytes: Vec<u8>) -> Result<(), AuthError> {
        self.replace_picture(caller, bytes).await.map(drop)
    }

    /// As [`Accounts::set_picture`]. Returns the key of the picture.
    pub(super) async fn replace_picture(
        &self,
        caller: &Caller,
        bytes: Vec<u8>,
    ) -> Result<String, AuthError> {
        operation!(self.clock, "set_picture", async {
            note("user", caller.user.id);
            let (bucket, user) = (self.pictures.bucket()?, &caller.user);
            let parsed = bucket.parse(bytes).await.map_err(AuthError::Unavailable)?;
            let picture = parsed.map_err(|found| Violations::of(Field::ProfilePicture, [found]))?;
            let key = picture.key(user.id, self.random.bytes());
            bucket.put(&key, picture).await.map_err(AuthError::Unavailable)?;
            match self.point_to(bucket, user, &key).await? {
                PictureSaved::Refused => {
                    discard(bucket, user.id, Some(key)).await;
                    Err(AuthError::Unauthenticated)
                }
                PictureSaved::Done { before } => {
                    discard(bucket, user.id, before).await;
                    Ok(key)
                }
            }
        })
    }

    /// Takes the caller's picture away, if there is one.
    ///
    /// # Errors
    /// [`PicturesOff`](crate::error::Refusal::PicturesOff); [`AuthError::Unauthenticated`] when the account was
    /// deleted in the meantime; [`AuthError::Unavailable`].
    pub async fn remove_picture(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "remove_picture", async {
            note("user", caller.user.id);
            let (bucket, user) = (self.pictures.bucket()?, &caller.user);
            match self.store.remove_picture(user).await? {
                PictureSaved::Refused => Err(AuthError::Unauthenticated),
                PictureSaved::Done { before } => {
                    discard(bucket, user.id, before).await;
                    Ok(())
                }
            }
        })
    }

    /// Whether the site keeps pictures.
    pub fn keeps_pictures(&self) -> bool {
        self.pictures.bucket().is_ok()
    }

    /// A URL of the user's picture, for a browser. It works for at least an hour, for anyone who has it. It stays the
    /// same for half an hour, so that a browser loads the picture once. Makes no call. `None` without a picture.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] when there are no credentials to sign it with.
    pub async fn picture_url(&self, user: &User) -> Result<Option<String>, AuthError> {
        let (Ok(bucket), Some(key)) = (self.pictures.bucket(), &user.profile_picture) else {
            return Ok(None);
        };
        let url = bucket.url(key, self.clock.now()).await;
        url.map(Some).map_err(AuthError::Unavailable)
    }

    /// Deletes the picture of a user whose profile was cleared.
    pub(super) async fn discard_picture(&self, user: &User) {
        if let Ok(bucket) = self.pictures.bucket() {
            discard(bucket, user.id, user.profile_picture.clone()).await;
        }
    }

    /// Makes the user refer to a new object, or deletes the object again. If the table does not answer, the write may
    /// have happened, or may still happen. So Latchkey first blocks the key: after that, either the user refers to it
    /// already, or never will. If the table does not answer to that, either, the object stays, because a picture that
    /// may be shown must exist.
    async fn point_to(
        &self,
        bucket: &Bucket,
        user: &User,
        key: &str,
    ) -> Result<PictureSaved, AuthError> {
        let error = match self.store.set_picture(user, key).await {
            Ok(pictured) => return Ok(pictured),
            Err(error) => error,
        };
        let before = user.profile_picture.clone();
        let user = user.id;
        match self.store.bar_picture(user, key).await {
            Ok(true) => discard(bucket, user, Some(key.to_owned())).await,
            // The write was done. Most likely, it replaced the picture that the caller knows.
            Ok(false) => return Ok(PictureSaved::Done { before }),
            Err(_) => tracing::warn!(%user, key, "an object may be left that no user refers to"),
        }
        Err(error.into())
    }
}

/// Deletes an object that no user refers to. No operation fails for one that is left.
async fn discard(bucket: &Bucket, user: UserId, key: Option<String>) {
    let Some(key) = key else { return };
    if let Err(error) = bucket.delete(&key).await {
        tracing::warn!(%user, key, %error, "an object is left that no user refers to");
    }
}
