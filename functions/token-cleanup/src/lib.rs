//! Removes what has expired, and picks up mail that got stuck.

use accounts::accounts::{Cleanup, Counts};
use accounts::error::AuthError;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// The schedule's event. Nothing of it is used, but any other event is a mistake that people must see.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Scheduled {
    /// What kind of event it is: there is one.
    #[serde(rename = "detail-type")]
    pub kind: Kind,
}

/// The kinds of events that come from a schedule.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum Kind {
    /// A run that is due.
    #[serde(rename = "Scheduled Event")]
    Run,
}

/// What is left of a run's time for answering.
const RESERVE: SignedDuration = SignedDuration::from_secs(3);

/// Cleans up until nothing is left or the function's time is nearly up, and
/// answers what was done. The next run goes on.
///
/// # Errors
/// [`AuthError::Unavailable`]: the run failed, and what it did until then stays done.
pub async fn handle(cleanup: &Cleanup, deadline: Timestamp) -> Result<Counts, AuthError> {
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    cleanup.run(until).await
}
