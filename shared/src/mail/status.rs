//! Whether mail arrives.

use super::Outbox;
use crate::error::Unavailable;
use crate::model::{Email, EmailStatus};
use crate::store::Subject;
use crate::telemetry::{Outcome, note, operation};

impl Outbox {
    /// Records the status at the user of that address: no more mail goes there until the address changes, or staff
    /// clear the status. The audit trail has the cause. `false` when no user has the address.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn note_status(
        &self,
        address: &str,
        status: EmailStatus,
        cause: Option<String>,
    ) -> Result<bool, Unavailable> {
        operation!(self.clock, "note_status", self.find_and_note(address, status, cause))
    }

    async fn find_and_note(
        &self,
        address: &str,
        status: EmailStatus,
        cause: Option<String>,
    ) -> Result<bool, Unavailable> {
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
        let is_marked = self.store.set_email_status(id, email.key(), status, cause).await?;
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
            Ok(false) => "unknown_address",
            Err(_) => "unavailable",
        }
    }
}
