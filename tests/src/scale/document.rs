//! `docs/scale.md`.

use std::fmt::Write as _;

use super::arrival::Arrival;
use super::day::{Happening, assumptions};
use super::place::{Place, READ_LIMIT, Spread, WRITE_LIMIT};
use super::prose::{GROWTH, INTRODUCTION, REGIONS, THROTTLED};
use super::settings;
use super::simulate::{FEED_MOST, Kind, Outcome, PARTS, Peak, SIZES, Study};

/// All of the document.
pub fn write(study: &Study) -> String {
    let mut text = INTRODUCTION.to_owned();
    let _ = write!(text, "\n## The simulated day\n\n{}", assumptions());
    units(&mut text, study);
    first(&mut text, study);
    for day in &study.days {
        busiest(&mut text, day);
    }
    many(&mut text, study);
    feed(&mut text, study);
    import(&mut text, study);
    settings::write(&mut text, study);
    text.push_str(THROTTLED);
    text.push_str(GROWTH);
    more_parts(&mut text, study);
    text.push_str(REGIONS);
    text
}

/// The units of each operation on the keys that all users share.
fn units(text: &mut String, study: &Study) {
    text.push_str(
        "\n## Units on shared keys\n\n\
         This table has the units of each operation on keys that all users share. Keys of one user, one address, one \
         network or one mail are [below](#keys-of-one-user-or-network).\n\n\
         | operation | key | read units | write units |\n|---|---|---:|---:|\n",
    );
    for (arrival, places) in &study.measured {
        for (place, units) in places.iter().filter(|(place, _)| place.spread() != Spread::Many) {
            let (reads, writes) = (short(units.reads), short(units.writes));
            let _ = writeln!(text, "| {} | {place} | {reads} | {writes} |", arrival.name());
        }
    }
}

/// The peaks of a day, the closest to its limit first.
fn ranked(day: &Outcome) -> Vec<(&Place, Kind, Peak, f64)> {
    let peaks = day.peaks.iter();
    let mut ranked: Vec<_> = peaks
        .map(|((place, kind), peak)| (place, *kind, *peak, peak.most / kind.limit()))
        .collect();
    ranked.sort_by(|one, other| other.3.total_cmp(&one.3));
    ranked
}

fn first(text: &mut String, study: &Study) {
    let Some(largest) = study.days.last() else { return };
    let _ = write!(
        text,
        "\n## Which key gets hot first\n\n\
         This table is for indexes with {} parts, the default of [`IndexShards`](#more-parts-without-a-migration). The second column is the number of monthly users at which the \
         busiest second of the simulated day reaches the limit of a partition. It is derived from the day of {} users. \
         If both the users and the attack load a key, the key can be full at fewer users: see the days below. The load of \
         the attack does not depend on the number of users. So for the keys whose load comes mostly from the attack, the table has \
         the share of the limit that they reach.\n\n\
         | key | full at monthly users | in |\n|---|---:|---|\n",
        PARTS[0],
        grouped(largest.users),
    );
    for (place, kind, peak, share) in ranked(largest) {
        if share < 0.02 {
            continue;
        }
        let users = match peak.when {
            Happening::Attack => format!("{} % in each size", short(share * 100.0)),
            Happening::Everyday | Happening::Rush | Happening::Campaign => {
                grouped(rounded(largest.users / share))
            }
        };
        let _ = writeln!(text, "| {place}, {} | {users} | {} |", kind.name(), peak.when.name());
    }
}

fn busiest(text: &mut String, day: &Outcome) {
    let _ = write!(
        text,
        "\n## A day of {} monthly users\n\n\
         | key | busiest second | of the limit | average a second in the busiest five minutes | in |\n|---|---:|---:|---:|---|\n",
        grouped(day.users),
    );
    for (place, kind, peak, share) in ranked(day) {
        if share < 0.005 {
            continue;
        }
        let hot = if share > 1.0 { " **HOT**" } else { "" };
        let _ = writeln!(
            text,
            "| {place}, {} | {} | {} %{hot} | {} | {} |",
            kind.name(),
            grouped(rounded(peak.most)),
            short(share * 100.0),
            short(peak.sustained),
            peak.when.name(),
        );
    }
    let table = |kind| day.table.get(&kind).map_or(0.0, |peak| rounded(peak.most));
    let _ = write!(
        text,
        "\nThe whole site, in the busiest seconds, with the attack: {} reads and {} writes of the table, and {} functions \
         at the same time. Without the attack: {} requests a second, {} mails a second, {} sign-ups in an hour.\n",
        grouped(table(Kind::Reads)),
        grouped(table(Kind::Writes)),
        grouped(rounded(day.processes)),
        grouped(rounded(day.requests.most)),
        grouped(rounded(day.mails)),
        grouped(rounded(day.sign_ups)),
    );
}

/// How often an operation may come to one key of its own.
fn many(text: &mut String, study: &Study) {
    text.push_str(
        "\n## Keys of one user or network\n\n\
         There is one such key for each user, address or network, so a larger number of users does not make them hot. \
         But one client that never stops, or an attack on one account, can. This table has the rate at which one \
         operation alone fills one key.\n\n\
         | operation | key | full at, a second |\n|---|---|---:|\n",
    );
    let wanted = [
        Arrival::Query,
        Arrival::Refresh,
        Arrival::LogIn,
        Arrival::LockedGuess,
        Arrival::LockedSignUp,
    ];
    for arrival in wanted {
        let Some(places) = study.measured.get(&arrival) else { continue };
        for (place, units) in places.iter().filter(|(place, _)| place.spread() == Spread::Many) {
            let [reads, writes] = [READ_LIMIT / units.reads, WRITE_LIMIT / units.writes];
            let rate = grouped(rounded(reads.min(writes)));
            let _ = writeln!(text, "| {} | {place} | {rate} |", arrival.name());
        }
    }
    text.push_str(
        "\n`ACCOUNT` is the digest of one address or username. `IP` and `REQUESTS` are digests of one network. \
         `ACCOUNT_AND_IP` is the digest of an account and a network. An attack on one account that exceeds these rates \
         makes the log-ins of its owner fail, on known devices, too. Sessions and refreshes go on, because they use \
         other keys. `ApiRate` is the defence: by default, the whole API takes 200 requests a second.\n",
    );
}

fn feed(text: &mut String, study: &Study) {
    let ends = study.days.first().map_or(0.0, |day| day.ends / day.users);
    let users = grouped(rounded(FEED_MOST / ends));
    let _ = write!(
        text,
        "\n## The revocation feed\n\n\
         The [feed](tokens.md#revocation-feed) is off by default. All ends of sessions have one partition key, and \
         each process that serves the feed reads it every five seconds. But another limit comes first: the feed lists \
         at most {} ends. On the simulated day, it is `truncated` from **{users} monthly users** on. Then services \
         must call `verifyToken`. A shorter `AccessTokenLifetime` raises this number: the feed keeps an end for this \
         time and two minutes.\n",
        grouped(FEED_MOST),
    );
}

fn import(text: &mut String, study: &Study) {
    let Some(places) = study.measured.get(&Arrival::Import) else { return };
    text.push_str(
        "\n## An import\n\n\
         An import writes as fast as `--wcu` allows. This table has the number of users a second at which it fills \
         each shared key:\n\n\
         | key | write units for a user | full at users a second |\n|---|---:|---:|\n",
    );
    let mut slowest = f64::MAX;
    for (place, units) in places.iter().filter(|(place, _)| place.spread() != Spread::Many) {
        let keys = if place.spread() == Spread::Parts { f64::from(PARTS[0]) } else { 1.0 };
        let rate = WRITE_LIMIT * keys / units.writes;
        slowest = slowest.min(rate);
        let (writes, rate) = (short(units.writes), grouped(rounded(rate)));
        let _ = writeln!(text, "| {place} | {writes} | {rate} |");
    }
    let all: f64 = places.values().map(|units| units.writes).sum();
    let _ = write!(
        text,
        "\nA user takes {} write units in total. A higher value than `--wcu {}` does not help, because the partition \
         of the operator's trail is full. `--wcu 1000`, the default, is far below. At the highest speed, 100 million \
         users take {} hours.\n",
        short(all),
        grouped(rounded(slowest * all)).replace(',', ""),
        short(SIZES[2] / slowest / 3_600.0),
    );
}

fn more_parts(text: &mut String, study: &Study) {
    let _ = write!(
        text,
        "\nThe day of {} users with each number of parts, writes in the busiest second:\n\n\
         | parts | busiest part of `sweep` | busiest part of the log-ins of the day |\n|---:|---:|---:|\n",
        grouped(SIZES[2]),
    );
    for day in study.days.last().into_iter().chain(&study.more_parts) {
        let of = |form: &str| {
            let found = day.peaks.iter().find(|((place, kind), _)| {
                place.form.starts_with(form) && place.index.is_some() && *kind == Kind::Writes
            });
            found.map_or(0.0, |(_, peak)| rounded(peak.most))
        };
        let (sweep, log_ins) = (of("SWEEP#"), of("EVENTS#<day>#logged_in"));
        let _ = writeln!(text, "| {} | {} | {} |", day.parts, grouped(sweep), grouped(log_ins));
    }
}

/// Two significant digits.
pub(super) fn rounded(number: f64) -> f64 {
    if number < 10.0 {
        return (number * 10.0).round() / 10.0;
    }
    let mut unit = 1.0;
    while number / unit >= 100.0 {
        unit *= 10.0;
    }
    (number / unit).round() * unit
}

/// A number with a digit after the point only if it is below 10.
fn short(number: f64) -> String {
    let number = rounded(number);
    if number < 10.0 && number.fract() > 0.0 { format!("{number:.1}") } else { grouped(number) }
}

/// A number with commas: `10,000`.
pub(super) fn grouped(number: f64) -> String {
    if number < 10.0 && number.fract() > 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_two_digits_that_count() {
        let all =
            [0.0, 0.04, 1.26, 9.96, 12.4, 123.0, 98_765.0, 1e6].map(|it| grouped(rounded(it)));
        assert_eq!(all, ["0", "0", "1.3", "10", "12", "120", "99,000", "1,000,000"]);
    }
}
