//! The log line of a panic: its location and its request. The text of a panic may quote user input, so it is not
//! logged.

use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures::FutureExt;

/// From now on, panics are lines of the log, and do not appear on standard error.
pub fn report_panics() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    tracing::error!(place, thread, "a panic");
}

/// Runs a future; `None` when it panics. Only the location is logged, because the text of a panic may quote user
/// input.
pub async fn catch_panic<F: Future>(run: F) -> Option<F::Output> {
    AssertUnwindSafe(run).catch_unwind().await.ok()
}
