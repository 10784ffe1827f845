//! Removes what has expired, and picks up mail that got stuck.

use accounts::accounts::{Cleanup, Counts};
use accounts::error::AuthError;
use jiff::{SignedDuration, Timestamp};

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
