//! Logs: one JSON object a line on standard output, where Lambda takes them from.

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Settings};

/// Starts logging, at the level that the settings say. Once for each process; a second time has no
/// effect.
///
/// # Errors
/// When the level makes no sense.
pub fn start(settings: &Settings) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(settings.log_level()?).map_err(|_| settings.bad_log_level())?;
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .without_time()
        .try_init();
    Ok(())
}
