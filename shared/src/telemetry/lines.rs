//! Events as lines.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

use super::context::describe;
use crate::clock::Clock;

/// How a line looks.
#[derive(Clone, Debug)]
pub enum Format {
    /// A JSON object, for `CloudWatch`, which knows the time by itself.
    Json,
    /// For people, with the time by that clock.
    Text(Clock),
}

/// Writes each event as one line.
pub(super) struct Lines<W> {
    format: Format,
    writer: W,
}

impl<W> Lines<W> {
    pub(super) fn new(format: Format, writer: W) -> Self {
        Self { format, writer }
    }
}

impl<S: Subscriber, W: for<'a> MakeWriter<'a> + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Map::new();
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        describe(&mut line);
        event.record(&mut Fields(&mut line));
        let line = match &self.format {
            Format::Json => Value::Object(line).to_string(),
            Format::Text(clock) => text(line, clock),
        };
        write(&self.writer, event, line);
    }
}

/// Writes a whole line at once, so that lines do not mix. An error is ignored: a function that cannot log goes on.
pub(super) fn write<W: for<'a> MakeWriter<'a>>(writer: &W, event: &Event<'_>, mut line: String) {
    line.push('\n');
    let _ = writer.make_writer_for(event.metadata()).write_all(line.as_bytes());
}

fn text(mut line: Map<String, Value>, clock: &Clock) -> String {
    let mut take = |name: &str| match line.remove(name) {
        Some(Value::String(text)) => text,
        other => other.unwrap_or_default().to_string(),
    };
    let (level, target, message) = (take("level"), take("target"), take("message"));
    let mut text = format!("{:.3} {level:5} {target}: {message}", clock.now());
    for (name, value) in line {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(text, " {name}={value}");
    }
    text
}

/// Collects the fields of an event.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}
