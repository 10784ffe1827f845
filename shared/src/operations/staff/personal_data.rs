//! The personal data of a user, which staff read for the user.

use super::Admin;
use crate::error::AuthError;
use crate::model::{EventKind, NewEvent, Role, UserId};
use crate::operations::PersonalData;
use crate::telemetry::operation;

impl Admin<'_> {
    /// The personal data of a user, for the user: as [`Accounts::export_account`](crate::Accounts::export_account), and
    /// with nothing about staff.
    ///
    /// # Errors
    /// [`AuthError::NotFound`]; [`AuthError::PermissionDenied`] for a user of the same or a higher role;
    /// [`AuthError::Unavailable`].
    pub async fn export_user(&self, id: UserId) -> Result<PersonalData, AuthError> {
        operation!(self.accounts.clock, "export_user", async {
            self.check_role("export_user", id, Role::Staff).await?;
            let user = self.target(id).await?;
            let event = NewEvent::of(EventKind::PersonalDataExported, id).by(self.actor());
            self.accounts.store.add_event(event).await?;
            Box::pin(self.accounts.personal_data(&user)).await
        })
    }
}
