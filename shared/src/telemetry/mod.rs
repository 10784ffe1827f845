//! Logs and metrics: one JSON object a line on standard output, where Lambda takes them from.
//!
//! What the deployer wants to read, `LOG_LEVEL` says; [`may_be_logged`] says what nobody may, whatever the
//! level. `docs/logs.md` has the fields of a line, and the metrics.

mod context;
mod lines;
pub mod metrics;
mod operation;
mod panics;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{ConfigError, Settings};

pub use context::{Context, request_id, speaking, within};
pub use lines::Format;
pub use panics::{caught, report_panics};

pub(crate) use operation::{Outcome, note, operation, run};

/// The most that our own code says.
const MOST: LevelFilter = LevelFilter::DEBUG;
/// The most that others say: below it, the AWS SDK and HTTP libraries show whole requests and items.
const MOST_OF_OTHERS: LevelFilter = LevelFilter::INFO;
/// Our own code, by the roots of its modules.
const OURS: [&str; 8] = [
    "accounts",
    "graphql",
    "email_event",
    "token_cleanup",
    "embedded",
    "local",
    "latchkey",
    "journeys",
];

/// Starts logs, metrics and the report of panics as Lambda wants them. Once for each process; a second time
/// has no effect.
///
/// # Errors
/// When a setting makes no sense.
pub fn start(settings: &Settings) -> Result<(), ConfigError> {
    start_as(settings, Format::Json, std::io::stdout)
}

/// The same in another format, or to another place. Metrics go to standard output.
///
/// # Errors
/// When a setting makes no sense.
pub fn start_as<W>(settings: &Settings, format: Format, writer: W) -> Result<(), ConfigError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let metrics = settings.metrics()?.then(|| metrics::to(std::io::stdout));
    let log = tracing_subscriber::registry().with(log(settings, format, writer)?).with(metrics);
    if log.try_init().is_ok() {
        report_panics();
    }
    Ok(())
}

/// What writes the log, as the settings say, and never what nobody may read.
///
/// # Errors
/// When the level makes no sense.
pub fn log<S, W>(
    settings: &Settings,
    format: Format,
    writer: W,
) -> Result<impl Layer<S> + use<S, W>, ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(settings.log_level()?);
    let wanted = wanted.map_err(|_| settings.bad_log_level())?;
    let allowed = filter_fn(may_be_logged).with_max_level_hint(MOST);
    Ok(lines::Lines::new(format, writer).with_filter(wanted.and(allowed)))
}

/// Whether it is safe to log, whatever the settings say. Metrics are no log lines.
pub fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let root = target.split("::").next().unwrap_or(target);
    let most = if OURS.contains(&root) { MOST } else { MOST_OF_OTHERS };
    target != metrics::TARGET && *metadata.level() <= most
}
