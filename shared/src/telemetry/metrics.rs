//! Metrics in `CloudWatch`'s embedded metric format: a line of the log is all that a metric costs.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt::Debug;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::lines::write;

/// The target of events that are metrics.
pub const TARGET: &str = "accounts::metrics";
/// The placeholder for the namespace in the line of a metric.
const NAMESPACE: &str = "$NAMESPACE";

/// A user has signed up.
pub(crate) const SIGN_UPS: Metric = Metric::count("SignUps", &[&[]]);
/// A caller has tried to log in.
pub(crate) const LOG_INS: Metric = Metric::count("LogIns", &[&["Outcome"]]);
/// Nothing was tried, because a limit was reached.
pub(crate) const THROTTLED: Metric = Metric::count("Throttled", &[&[], &["Rule"]]);
/// A mail to an address that is new was counted.
pub(crate) const NEW_ADDRESS_MAILS: Metric = Metric::count("NewAddressMails", &[&[]]);
/// A client has tried to refresh a session.
pub(crate) const REFRESHES: Metric = Metric::count("Refreshes", &[&[], &["Outcome"]]);
/// A client used a refresh token again after the grace period, so its session has ended.
pub(crate) const REUSE_DETECTED: Metric = Metric::count("ReuseDetected", &[&[]]);
/// A mail that was due was dealt with.
pub(crate) const MAILS: Metric = Metric::count("Mails", &[&["Outcome"], &["Kind", "Outcome"]]);
/// How long it took from the decision on a mail until SES had it.
pub(crate) const MAIL_DELAY: Metric =
    Metric { name: "MailDelay", unit: "Milliseconds", dimensions: &[&[], &["Kind"]] };
/// The clean-up has dealt with items.
pub(crate) const SWEPT: Metric = Metric::count("Swept", &[&[], &["Kind"]]);

/// Something that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    name: &'static str,
    unit: &'static str,
    /// Each set of dimensions makes a metric of its own. The empty set makes the metric of the total.
    dimensions: &'static [&'static [&'static str]],
}

impl Metric {
    const fn count(name: &'static str, dimensions: &'static [&'static [&'static str]]) -> Self {
        Self { name, unit: "Count", dimensions }
    }

    /// Measures it, with a value for each of its dimensions.
    pub(crate) fn add(
        self,
        value: i64,
        dimensions: &[(&'static str, &'static str)],
        now: Timestamp,
    ) {
        let line = self.line(value, dimensions, now);
        tracing::info!(target: TARGET, line);
    }

    fn line(
        self,
        value: i64,
        dimensions: &[(&'static str, &'static str)],
        now: Timestamp,
    ) -> String {
        let Self { name, unit, dimensions: sets } = self;
        let metrics = [json!({ "Name": name, "Unit": unit })];
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics });
        let about = json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive] });
        let mut members = Map::from_iter([("_aws".to_owned(), about)]);
        members.extend(dimensions.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        members.insert(name.to_owned(), value.into());
        Value::Object(members).to_string()
    }
}

/// The layer that writes metrics in that namespace of `CloudWatch`, independent of the log level.
pub fn to<S, W>(namespace: &str, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let is_metric = |metadata: &Metadata<'_>| metadata.target() == TARGET;
    let filter = filter_fn(is_metric).with_max_level_hint(LevelFilter::INFO);
    Metrics { namespace: namespace.to_owned(), writer }.with_filter(filter)
}

struct Metrics<W> {
    namespace: String,
    writer: W,
}

impl<S: Subscriber, W: for<'a> MakeWriter<'a> + 'static> Layer<S> for Metrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        write(&self.writer, event, line.0.replacen(NAMESPACE, &self.namespace, 1));
    }
}

/// The one field of such an event.
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, _: &Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_asks_for() {
        let now = "2026-03-01T12:00:00.250Z".parse().unwrap();
        let line = MAILS.line(1, &[("Kind", "activation"), ("Outcome", "sent")], now);
        let line: Value = serde_json::from_str(&line).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_772_366_400_250_i64,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Outcome"], ["Kind", "Outcome"]],
                    "Metrics": [{ "Name": "Mails", "Unit": "Count" }],
                }],
            },
            "Kind": "activation",
            "Outcome": "sent",
            "Mails": 1,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn what_has_no_dimensions_has_the_empty_set() {
        let line: Value =
            serde_json::from_str(&SIGN_UPS.line(1, &[], Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert_eq!(line["SignUps"], 1);
    }
}
