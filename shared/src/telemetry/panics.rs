//! What is said of a panic: where it was, and of which request. What the panic itself says may quote what
//! somebody typed.

use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures::FutureExt;

/// From now on, panics are lines of the log like others, and standard error has nothing of them.
pub fn report_panics() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    tracing::error!(place, thread, "a panic");
}

/// Runs something; `None` when it panics. The log says where, and nobody says what the panic said.
pub async fn caught<F: Future>(run: F) -> Option<F::Output> {
    AssertUnwindSafe(run).catch_unwind().await.ok()
}
