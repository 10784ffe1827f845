//! What to set for each size, from the peaks of its day.

use std::fmt::Write as _;

use super::document::{grouped, rounded};
use super::place::Spread;
use super::simulate::{Kind, Outcome, PARTS, ROOM, Study, keys};

/// The default of `NEW_ADDRESS_MAILS_PER_HOUR`.
const NEW_ADDRESSES: f64 = 1_000.0;
/// Units a second that a new table serves.
const AT_FIRST: (f64, f64) = (12_000.0, 4_000.0);
/// Units a second that an AWS account may use on a table.
const QUOTA: f64 = 40_000.0;
/// Mails a second of a shard of the stream. `email-event` sends five mails of a batch at the same time. A mail takes
/// six calls to DynamoDB of 5 ms each, and one call to SES of 50 ms.
const MAILS_OF_SHARD: f64 = 60.0;

/// The smallest number of parts with which each part has room. `None` if even the largest number is not enough.
pub(super) fn parts_for(day: &Outcome) -> Option<u8> {
    let fits = |parts: u8| {
        day.peaks.iter().all(|((place, kind), peak)| {
            let of_one = f64::from(keys(place, day.parts)) / f64::from(keys(place, parts));
            let is_in_parts = matches!(place.spread(), Spread::Parts | Spread::PartsOfEvents);
            !is_in_parts || peak.most * of_one <= ROOM * kind.limit()
        })
    };
    PARTS.into_iter().find(|parts| fits(*parts))
}

/// The table of settings.
pub(super) fn write(text: &mut String, study: &Study) {
    let _ = write!(
        text,
        "\n## Settings for each size\n\n\
         Each value leaves room for twice the load of the simulated day. Only the two values \"before the first day\" are the load itself. A dash means that the default is enough.\n\n\
         | | {} | where |\n|---|{}---|\n",
        cells(study, |day| format!("{} users", grouped(day.users))),
        "---:|".repeat(study.days.len()),
    );
    let mut row = |name: &str, of: &dyn Fn(&Outcome) -> String, place: &str| {
        let _ = writeln!(text, "| {name} | {} | {place} |", cells(study, of));
    };
    let table = |day: &Outcome, kind| day.table.get(&kind).map_or(0.0, |peak| peak.most);
    row(
        "`IndexShards`",
        &|day| match parts_for(day) {
            Some(8) => "–".to_owned(),
            Some(parts) => parts.to_string(),
            None => "64 is not enough".to_owned(),
        },
        "the parameter",
    );
    row(
        "`NewAddressMailsPerHour`",
        &|day| above(day.sign_ups * 2.0, NEW_ADDRESSES),
        "the parameter. With the default, Latchkey refuses sign-ups beyond 1,000 an hour",
    );
    row("`ApiRate`, `ApiBurst`", &|day| above(day.requests.most * 2.0, 200.0), "the parameters");
    row(
        "requests a second of the AWS account",
        &|day| above(day.requests.most * 2.0, 10_000.0),
        "Service Quotas, *Throttle rate* of API Gateway",
    );
    row(
        "functions at the same time",
        &|day| above(day.processes * 2.0, 1_000.0),
        "Service Quotas, *Concurrent executions* of Lambda",
    );
    row(
        "reads a second of the table, before the first day",
        &|day| above(table(day, Kind::Reads), AT_FIRST.0),
        "`aws dynamodb update-table --warm-throughput`, once. Later, the table adapts to its peaks",
    );
    row(
        "writes a second of the table, before the first day",
        &|day| above(table(day, Kind::Writes), AT_FIRST.1),
        "the same",
    );
    row(
        "reads a second, as a quota",
        &|day| above(table(day, Kind::Reads) * 2.0, QUOTA),
        "Service Quotas, *Table-level read throughput limit* of DynamoDB",
    );
    row(
        "writes a second, as a quota",
        &|day| above(table(day, Kind::Writes) * 2.0, QUOTA),
        "Service Quotas, *Table-level write throughput limit* of DynamoDB",
    );
    row(
        "mails a second",
        &|day| grouped(rounded(day.mails * 2.0)),
        "Service Quotas of SES. A new account has 1",
    );
    row(
        "shards of the stream that `email-event` needs",
        &|day| grouped((day.mails * 2.0 / MAILS_OF_SHARD).ceil()),
        "no setting: the stream has one shard for each partition of the table. If that is fewer than this number, add `ParallelizationFactor` to the event `Mail` of `EmailEventFunction` in the template",
    );
}

/// The cells of a row.
fn cells(study: &Study, of: impl Fn(&Outcome) -> String) -> String {
    study.days.iter().map(of).collect::<Vec<_>>().join(" | ")
}

/// The value, if the default is not enough.
fn above(value: f64, default: f64) -> String {
    if value > default { grouped(rounded(value)) } else { "–".to_owned() }
}
