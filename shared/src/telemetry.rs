//! Logs: one JSON object a line on standard output, where Lambda takes them from.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Settings};

/// Nothing below that is ever logged, whatever the level says: the AWS SDK's traces hold whole items.
pub const MOST: LevelFilter = LevelFilter::DEBUG;

/// Starts logging, at the level that the settings say. Once for each process; a second time has no
/// effect.
///
/// # Errors
/// When the level makes no sense.
pub fn start(settings: &Settings) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(settings.log_level()?).map_err(|_| settings.bad_log_level())?;
    let format = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .without_time();
    let log = tracing_subscriber::registry().with(filter).with(MOST).with(format);
    let _ = log.try_init();
    Ok(())
}
