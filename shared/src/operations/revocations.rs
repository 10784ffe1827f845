//! The list of ended sessions, for services that verify access tokens by themselves.

use jiff::{SignedDuration, Timestamp};

use super::Accounts;
use crate::error::AuthError;
use crate::telemetry::{note, operation};

/// How long a process answers with the same list, so that callers cannot cause more than one query in this time.
const AGE: SignedDuration = SignedDuration::from_secs(5);

/// The list of this process, and the moment in which it was read.
pub(super) type CachedList = tokio::sync::Mutex<Option<(Timestamp, String)>>;

impl Accounts {
    /// The signed list of the sessions that ended within the lifetime of an access token. It is at most
    /// five seconds old. `None` if the site does not list them.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn revocations(&self) -> Result<Option<String>, AuthError> {
        if !self.store.lists_revocations() {
            return Ok(None);
        }
        let mut kept = self.revocations.lock().await;
        let now = self.clock.now();
        if let Some((at, list)) = kept.as_ref()
            // A clock that went back makes no list last longer.
            && (SignedDuration::ZERO..AGE).contains(&now.duration_since(*at))
        {
            return Ok(Some(list.clone()));
        }
        let list = operation!(self.clock, "revocations", async {
            let revocations = self.store.revocations(now).await?;
            note("count", revocations.ends.len());
            if revocations.is_truncated {
                tracing::warn!(
                    event = "revocations_truncated",
                    "the list of ended sessions is full"
                );
            }
            Ok::<_, AuthError>(self.tokens.revocations(revocations, now))
        })?;
        *kept = Some((now, list.clone()));
        Ok(Some(list))
    }
}
