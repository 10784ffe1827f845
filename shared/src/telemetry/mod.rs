//! Logs and metrics: one JSON object a line on standard output, from which Lambda reads them.
//!
//! `LOG_LEVEL` is the deployer's choice. [`may_be_logged`] excludes events at every level. `docs/logs.md` has the
//! fields of a line, and the metrics.

mod context;
mod lines;
pub mod metrics;
mod operation;
mod panics;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Settings};

pub(crate) use context::origin;
pub use context::{Context, in_context, request_id, with_dialect};
pub use lines::Format;
pub use panics::{catch_panic, report_panics};

pub(crate) use operation::{Outcome, forget, note, operation, run};

/// The most detailed level of our own code.
const MOST: LevelFilter = LevelFilter::DEBUG;
/// The most detailed level of other code: below it, the AWS SDK and HTTP libraries log whole requests and items.
const MOST_OF_OTHERS: LevelFilter = LevelFilter::INFO;
/// Our own code, by the roots of its modules.
const OURS: [&str; 9] = [
    "accounts",
    "account_event",
    "graphql",
    "email_event",
    "token_cleanup",
    "embedded",
    "local",
    "latchkey",
    "journeys",
];

/// Starts logs, metrics and the log lines of panics, in the form for Lambda. A second call in a process has no
/// effect.
///
/// # Errors
/// When a setting is malformed.
pub fn start(settings: &Settings) -> Result<(), ConfigError> {
    start_as(settings, Format::Json, std::io::stdout)?;
    if settings.is_open_to_guesses() {
        tracing::error!(
            event = "no_limits",
            "THROTTLE is off: passwords can be guessed without limits"
        );
    }
    Ok(())
}

/// The same in another format, or to another place. Metrics go to standard output.
///
/// # Errors
/// When a setting is malformed.
pub fn start_as<W>(settings: &Settings, format: Format, writer: W) -> Result<(), ConfigError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let namespace = settings.metrics_namespace()?;
    let metrics = settings.metrics()?.then(|| metrics::to(&namespace, std::io::stdout));
    let log = tracing_subscriber::registry().with(log(settings, format, writer)?).with(metrics);
    if log.try_init().is_ok() {
        report_panics();
    }
    Ok(())
}

/// The layer that writes the log by the settings, without the events that [`may_be_logged`] excludes.
///
/// # Errors
/// When the level is malformed.
pub fn log<S, W>(
    settings: &Settings,
    format: Format,
    writer: W,
) -> Result<impl Layer<S> + use<S, W>, ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = settings.log_filter()?;
    let allowed = filter_fn(may_be_logged).with_max_level_hint(MOST);
    Ok(lines::Lines::new(format, writer).with_filter(wanted.and(allowed)))
}

/// Whether the event is safe to log, under any settings. Metrics are no log lines.
pub fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let root = target.split("::").next().unwrap_or(target);
    let most = if OURS.contains(&root) { MOST } else { MOST_OF_OTHERS };
    target != metrics::TARGET && *metadata.level() <= most
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;

    use super::*;

    type Log = Arc<Mutex<Vec<u8>>>;

    /// The log and the metrics at that level.
    fn logged(level: &'static str, say: impl FnOnce()) -> [String; 2] {
        let (log, measured) = (Log::default(), Log::default());
        let writer = |log: &Log| {
            let log = log.clone();
            move || Shared(log.clone())
        };
        let settings = Settings::new(move |name| (name == "LOG_LEVEL").then(|| level.to_owned()));
        let lines = super::log(&settings, Format::Json, writer(&log)).unwrap();
        let layers = tracing_subscriber::registry()
            .with(lines)
            .with(metrics::to("Latchkey/one", writer(&measured)));
        tracing::subscriber::with_default(layers, say);
        [log, measured].map(|log| String::from_utf8(log.lock().unwrap().clone()).unwrap())
    }

    struct Shared(Log);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn metrics_do_not_depend_on_the_level_and_are_no_lines_of_the_log() {
        for level in ["off", "error", "trace"] {
            let measure = || metrics::SIGN_UPS.add(1, &[], Timestamp::UNIX_EPOCH);
            let [log, measured] = logged(level, measure);
            assert_eq!(log, "", "{level}");
            assert!(measured.contains("\"SignUps\":1") && measured.ends_with("}\n"), "{measured}");
        }
    }

    #[test]
    fn no_filter_turns_on_what_libraries_say_of_whole_requests() {
        for level in ["trace", "debug", "aws_smithy_runtime=debug", "aws_smithy_runtime=trace"] {
            let [log, _] = logged(level, || {
                tracing::debug!(target: "aws_smithy_runtime::client", "a whole request");
                tracing::trace!(target: "aws_smithy_runtime::client", "a whole answer");
                tracing::warn!(target: "aws_smithy_runtime::client", "a retry");
                tracing::trace!("a whole item");
            });
            assert!(log.contains("a retry") && !log.contains("whole"), "{level}: {log}");
        }
    }
}
