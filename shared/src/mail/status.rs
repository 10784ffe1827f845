//! Whether mail arrives.

use super::Outbox;
use crate::error::Unavailable;
use crate::model::{Email, EmailStatus};
use crate::store::Subject;

impl Outbox {
    /// Marks whoever has that address: nothing more is sent there until it changes, or staff clears it.
    /// `false` when nobody has it.
    ///
    /// # Errors
    /// When DynamoDB cannot be had.
    pub async fn note_status(
        &self,
        address: &str,
        status: EmailStatus,
    ) -> Result<bool, Unavailable> {
        let address = address.trim().trim_start_matches('<').trim_end_matches('>');
        let Ok(email) = Email::parse(address) else {
            tracing::warn!("SES names a recipient that is no address");
            return Ok(false);
        };
        let Some(id) = self.store.find_user(&Subject::Email(email.clone())).await? else {
            return Ok(false);
        };
        let is_marked = self.store.set_email_status(id, email.key(), status).await?;
        if is_marked {
            tracing::warn!(user = %id, status = status.name(), "mail does not arrive");
        }
        Ok(is_marked)
    }
}
