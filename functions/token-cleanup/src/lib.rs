//! Removes what has expired, and picks up mail that got stuck.

use accounts::clock::Clock;
use accounts::config::{ConfigError, Settings};
use accounts::error::AuthError;
use accounts::operations::{Cleanup, Counts};
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// The schedule's event. Nothing of it is used, but any other event is a mistake that people must see.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Scheduled {
    /// The kind of the event. There is only one.
    #[serde(rename = "detail-type")]
    pub kind: ScheduledKind,
}

/// The kinds of events that come from a schedule.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum ScheduledKind {
    /// A run that is due.
    #[serde(rename = "Scheduled Event")]
    Run,
}

/// The clean-up of a cold start, by the settings.
///
/// # Errors
/// For a malformed setting.
pub fn connect(settings: &Settings) -> Result<Cleanup, ConfigError> {
    let sdk = accounts::aws::sdk_config(settings)?;
    let store = Store::connect(&sdk, settings.table()?, Random::System, Clock::System);
    let store = store.with_shards(settings.index_shards()?);
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    Ok(Cleanup::new(store, pictures, Clock::System))
}

/// The part of a run's time that is reserved for its answer.
const RESERVE: SignedDuration = SignedDuration::from_secs(3);

/// Cleans up until all due items are done, or the function's time has nearly run out, and returns the counts. The
/// next run continues.
///
/// # Errors
/// [`AuthError::Unavailable`]: the run failed. The items before the failure stay done.
pub async fn handle(cleanup: &Cleanup, deadline: Timestamp) -> Result<Counts, AuthError> {
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    cleanup.run(until).await
}
