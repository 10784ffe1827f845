//! The deletions that DynamoDB makes by itself.

use crate::{StartError, records};
use dynoxide::Database;
use dynoxide::storage_backend::Clock;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// The time for which `DynamoDB` keeps the records of a stream.
pub(crate) const RETENTION: Duration = Duration::from_hours(24);

/// Deletes expired items, and the records of the stream after a day.
#[derive(Clone)]
pub struct Upkeep {
    pub(crate) database: Database,
    /// The file of the database; `None` if it is in memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The numbers of deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Expired items. The stream has a record of each.
    pub items: usize,
    /// Records of the stream that are older than a day.
    pub records: usize,
}

impl Upkeep {
    /// Deletes both, and returns after the deletion. A database in memory keeps its records.
    ///
    /// # Errors
    /// If the database does not answer. Some items and records may be deleted then.
    pub async fn run(&self) -> Result<Deleted, StartError> {
        let this = self.clone();
        spawn_blocking(move || this.delete())
            .await
            .unwrap_or_else(|stopped| Err(StartError::Database(stopped.to_string())))
    }

    fn delete(&self) -> Result<Deleted, StartError> {
        let broken = |error: &dyn fmt::Display| StartError::Database(error.to_string());
        let items = self.database.sweep_ttl().map_err(|error| broken(&error))?;
        let Some(file) = &self.file else { return Ok(Deleted { items, records: 0 }) };
        let oldest = self.clock.now_unix_secs().saturating_sub(RETENTION.as_secs());
        let oldest = i64::try_from(oldest).unwrap_or(i64::MAX);
        let records = records::trim(file, oldest).map_err(|error| broken(&error))?;
        Ok(Deleted { items, records })
    }
}

impl fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upkeep").field("file", &self.file).finish_non_exhaustive()
    }
}
