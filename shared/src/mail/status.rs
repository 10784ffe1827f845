//! Whether mail arrives.

use super::Outbox;
use crate::error::Unavailable;
use crate::model::{Email, EmailStatus};
use crate::store::Subject;
use crate::telemetry::{Outcome, note, operation};

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
        operation!(self.clock, "note_status", self.find_and_note(address, status))
    }

    async fn find_and_note(&self, address: &str, status: EmailStatus) -> Result<bool, Unavailable> {
        note("status", status.name());
        let address = address.trim().trim_start_matches('<').trim_end_matches('>');
        let Ok(email) = Email::parse(address) else {
            tracing::warn!("SES names a recipient that is no address");
            return Ok(false);
        };
        let Some(id) = self.store.find_user(&Subject::Email(email.clone())).await? else {
            return Ok(false);
        };
        note("user", id);
        let is_marked = self.store.set_email_status(id, email.key(), status).await?;
        if is_marked {
            tracing::warn!("mail does not arrive");
        }
        Ok(is_marked)
    }
}

impl Outcome for Result<bool, Unavailable> {
    fn outcome(&self) -> &'static str {
        match self {
            Ok(true) => "noted",
            Ok(false) => "nobody",
            Err(_) => "unavailable",
        }
    }
}
