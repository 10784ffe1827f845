//! One line for each operation, when it ends.

use std::cell::RefCell;
use std::fmt::Display;

use serde_json::{Map, Value};
use tracing::{Instrument, Span};

use crate::clock::Clock;
use crate::error::AuthError;

tokio::task_local! {
    static OPERATION: Operation;
}

/// The fields of the operation that is under way.
struct Operation {
    verb: &'static str,
    notes: RefCell<Map<String, Value>>,
}

/// How an operation ended, by a stable name.
pub(crate) trait Outcome {
    /// That name.
    fn outcome(&self) -> &'static str;
}

impl<T> Outcome for Result<T, AuthError> {
    fn outcome(&self) -> &'static str {
        self.as_ref().err().map_or("ok", AuthError::code)
    }
}

/// Runs an operation in a span that has its verb for a name, and logs how it ended. An operation inside of another
/// one gets no line of its own.
macro_rules! operation {
    ($clock:expr, $verb:literal, $run:expr) => {
        $crate::telemetry::run(&$clock, $verb, tracing::info_span!($verb), Box::pin($run)).await
    };
}

pub(crate) use operation;

pub(crate) async fn run<R: Outcome>(
    clock: &Clock,
    verb: &'static str,
    span: Span,
    run: impl Future<Output = R>,
) -> R {
    if OPERATION.try_with(|_| ()).is_ok() {
        return run.await;
    }
    let start = clock.now();
    let operation = Operation { verb, notes: RefCell::default() };
    let logged = async {
        let result = run.await;
        let duration_ms = clock.now().duration_since(start).as_millis();
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        let outcome = result.outcome();
        // Most operations authenticate their caller: that alone gets no line.
        if verb == "authenticate" && outcome == "ok" {
            tracing::debug!(outcome, duration_ms, "done");
        } else {
            tracing::info!(outcome, duration_ms, "done");
        }
        result
    };
    OPERATION.scope(operation, logged.instrument(span)).await
}

/// Adds a field to all further lines of the present operation. Numbers and flags keep their type. Never anything
/// secret.
pub(crate) fn note(name: &str, value: impl Display) {
    let text = value.to_string();
    let value = match serde_json::from_str(&text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        Ok(_) | Err(_) => Value::from(text),
    };
    let _ = OPERATION.try_with(|operation| {
        operation.notes.borrow_mut().insert(name.to_owned(), value);
    });
}

/// Takes a note back that was made too early.
pub(crate) fn forget(name: &str) {
    let _ = OPERATION.try_with(|operation| operation.notes.borrow_mut().remove(name));
}

pub(super) fn describe(line: &mut Map<String, Value>) {
    let _ = OPERATION.try_with(|operation| {
        line.insert("operation".to_owned(), operation.verb.into());
        let mut notes = operation.notes.borrow().clone();
        // A mail belongs to the request that decided on it.
        if notes.contains_key("request_id")
            && let Some(own) = line.remove("request_id")
        {
            notes.insert("invocation".to_owned(), own);
        }
        line.extend(notes);
    });
}
