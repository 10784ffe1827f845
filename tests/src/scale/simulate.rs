//! The day, second by second.

use std::collections::BTreeMap;

use accounts::store::Shards;

use super::arrival::{Arrival, MeasuredUnits, measure};
use super::day::{Day, Happening, Rates, seconds};
use super::place::{Place, READ_LIMIT, Spread, Units, WRITE_LIMIT};
use super::sample::Sample;
use crate::costs::request_seconds;

/// The sizes, in monthly users.
pub(super) const SIZES: [f64; 3] = [1e6, 1e7, 1e8];
/// The numbers of parts that a setting allows.
pub(super) const PARTS: [u8; 4] = [8, 16, 32, 64];
/// How much of a limit may be used, so that a busier day than this one still fits.
pub(super) const ROOM: f64 = 0.5;
/// How many deletes of the clean-up run at the same time: two in each of eight parts. With more parts, one in each.
const SWEEPS: f64 = 16.0;
/// Deletes a second, one after the other: 5 ms each.
const SWEEP_RATE: f64 = 200.0;
/// Seconds for which a process answers with the same feed.
const FEED_AGE: f64 = 5.0;
/// Seconds for which an end is in the feed: the lifetime of an access token, and two minutes.
const FEED_SPAN: usize = 1_020;
/// Ends that the feed has at most.
pub(super) const FEED_MOST: f64 = 3_000.0;
/// The seconds of five minutes.
const MINUTES: usize = 300;

/// The busiest moment of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    /// Units in the busiest second, on the busiest key.
    pub(super) most: f64,
    /// Units a second in the busiest five minutes.
    pub(super) sustained: f64,
    pub(super) when: Happening,
}

/// Reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Reads,
    Writes,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }

    pub(super) fn limit(self) -> f64 {
        match self {
            Self::Reads => READ_LIMIT,
            Self::Writes => WRITE_LIMIT,
        }
    }

    fn of(self, units: Units) -> f64 {
        match self {
            Self::Reads => units.reads,
            Self::Writes => units.writes,
        }
    }
}

/// The result of a day.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) users: f64,
    pub(super) parts: u8,
    /// The keys that all users share.
    pub(super) peaks: BTreeMap<(Place, Kind), Peak>,
    /// The whole table, without its indexes.
    pub(super) table: BTreeMap<Kind, Peak>,
    /// Requests in the busiest second.
    pub(super) requests: Peak,
    /// Functions that run at the same time.
    pub(super) processes: f64,
    /// Mails in the busiest second.
    pub(super) mails: f64,
    /// Sign-ups in the busiest hour.
    pub(super) sign_ups: f64,
    /// Log-outs in the lifetime of the feed's ends, at most.
    pub(super) ends: f64,
}

/// The measured units and the simulated days.
#[derive(Debug)]
pub struct Study {
    pub(super) measured: MeasuredUnits,
    /// Each size with eight parts.
    pub(super) days: Vec<Outcome>,
    /// The largest size with more parts.
    pub(super) more_parts: Vec<Outcome>,
}

impl Study {
    /// Measures and simulates. Takes some seconds.
    pub async fn make() -> Self {
        let measured = measure().await;
        let days: Vec<_> = SIZES.map(|users| simulate(&measured, users, PARTS[0])).into();
        let largest = SIZES[SIZES.len() - 1];
        let more_parts = PARTS[1..].iter().map(|parts| simulate(&measured, largest, *parts));
        let more_parts = more_parts.collect();
        Self { measured, days, more_parts }
    }
}

/// A series of seconds, of which the busiest are of interest.
#[derive(Default)]
struct Series {
    most: (f64, u32),
    recent: Vec<f64>,
    sum: f64,
    sustained: f64,
    last: f64,
}

impl Series {
    fn add(&mut self, second: u32, units: f64) {
        if units > self.most.0 {
            self.most = (units, second);
        }
        self.last = units;
        let at = second as usize % MINUTES;
        if self.recent.len() < MINUTES {
            self.recent.push(units);
        } else {
            self.sum -= self.recent[at];
            self.recent[at] = units;
        }
        self.sum += units;
        if self.recent.len() == MINUTES {
            self.sustained = self.sustained.max(self.sum / count(MINUTES));
        }
    }

    /// The units of the last second.
    fn last(&self) -> f64 {
        self.last
    }

    fn peak(&self) -> Peak {
        let when = Happening::at(self.most.1);
        Peak { most: self.most.0, sustained: self.sustained, when }
    }
}

/// Keys that all users share.
struct SharedKeys {
    place: Place,
    kind: Kind,
    /// The units of each arrival there.
    units: BTreeMap<Arrival, f64>,
    /// One for each key.
    series: Vec<Series>,
}

impl SharedKeys {
    fn add(&mut self, second: u32, rates: &Rates, whole: &Whole, sample: &mut Sample) {
        let mut mean = expected(rates, &self.units) / count(self.series.len());
        if self.place.form == "REVOCATIONS" && self.kind == Kind::Reads {
            mean *= whole.processes() / FEED_AGE * whole.ends().min(FEED_MOST);
        }
        for one in &mut self.series {
            one.add(second, sample.arrivals(mean));
        }
    }

    /// Once a minute, the clean-up deletes what has expired since.
    fn sweep(&mut self, second: u32, rates: &Rates, sample: &mut Sample) {
        if !self.place.form.starts_with("SWEEP") || self.kind != Kind::Writes {
            return;
        }
        let expired = rates.get(&Arrival::Sweep).copied().unwrap_or_default() * 60.0;
        let keys = count(self.series.len());
        let most = (SWEEPS / keys).max(1.0) * SWEEP_RATE;
        for one in &mut self.series {
            // The other operations write in that second, too.
            let deleted = sample.arrivals(expired / keys).min(most) + one.last();
            if deleted > one.most.0 {
                one.most = (deleted, second);
            }
        }
    }

    /// The peak of the busiest key.
    fn peak(&self) -> Option<Peak> {
        let peaks = self.series.iter().map(Series::peak);
        peaks.reduce(|one, other| if other.most > one.most { other } else { one })
    }
}

fn simulate(measured: &MeasuredUnits, users: f64, parts: u8) -> Outcome {
    let day = Day { users };
    let mut sample = Sample::seeded(1);
    let mut shared = shared(measured, parts);
    let mut whole = Whole::default();
    for second in seconds() {
        let rates = day.rates(second);
        whole.add(second, &rates, measured, &mut sample);
        for one in &mut shared {
            one.add(second, &rates, &whole, &mut sample);
            if second.is_multiple_of(60) {
                one.sweep(second, &rates, &mut sample);
            }
        }
    }
    let peaks =
        shared.into_iter().filter_map(|one| Some(((one.place.clone(), one.kind), one.peak()?)));
    let peaks = peaks.collect();
    whole.outcome(users, parts, peaks)
}

/// The keys that all users share. The deletes of the clean-up do not come one by one: [`SharedKeys::sweep`].
fn shared(measured: &MeasuredUnits, parts: u8) -> Vec<SharedKeys> {
    let mut shared: BTreeMap<(Place, Kind), BTreeMap<Arrival, f64>> = BTreeMap::new();
    let of_users = measured.iter().filter(|(arrival, _)| !arrival.is_of_operator());
    for (arrival, places) in of_users {
        for (place, units) in places.iter().filter(|(place, _)| place.spread() != Spread::Many) {
            for kind in [Kind::Reads, Kind::Writes] {
                if kind.of(*units) > 0.0 {
                    let key = (place.clone(), kind);
                    shared.entry(key).or_default().insert(*arrival, kind.of(*units));
                }
            }
        }
    }
    let shared = shared.into_iter().map(|((place, kind), units)| {
        let series = (0..keys(&place, parts)).map(|_| Series::default()).collect();
        SharedKeys { place, kind, units, series }
    });
    shared.collect()
}

/// How many keys of that form there are, if the indexes have so many parts.
pub(super) fn keys(place: &Place, parts: u8) -> u8 {
    let shards = Shards::new(parts).unwrap_or(Shards::FEWEST);
    match place.spread() {
        Spread::Parts => shards.count(),
        Spread::PartsOfEvents => shards.of_events(),
        Spread::One | Spread::Many => 1,
    }
}

fn expected(rates: &Rates, units: &BTreeMap<Arrival, f64>) -> f64 {
    // A read of the feed counts for each process; the caller multiplies.
    let of = |arrival: &Arrival| {
        let rate = rates.get(arrival).copied().unwrap_or_default();
        if *arrival == Arrival::ReadEnd { 1.0 } else { rate }
    };
    units.iter().map(|(arrival, units)| of(arrival) * units).sum()
}

/// The site as a whole.
#[derive(Default)]
struct Whole {
    table: BTreeMap<Kind, Series>,
    requests: Series,
    mails: Series,
    now: f64,
    processes: f64,
    log_outs: Vec<f64>,
    sign_ups: Vec<f64>,
    most_ends: f64,
    most_sign_ups: f64,
}

impl Whole {
    fn add(&mut self, second: u32, rates: &Rates, measured: &MeasuredUnits, sample: &mut Sample) {
        let mut units = Units::default();
        let (mut requests, mut busy) = (0.0, 0.0);
        for (arrival, rate) in rates {
            let of_table = measured[arrival].iter().filter(|(place, _)| place.index.is_none());
            of_table.for_each(|(_, of_place)| units.add(*of_place, *rate));
            if !matches!(arrival, Arrival::Mail | Arrival::Sweep) {
                requests += rate;
                busy += rate * request_seconds(arrival.round_trips(), arrival.has_hash());
            }
        }
        for kind in [Kind::Reads, Kind::Writes] {
            let arrived = sample.arrivals(kind.of(units));
            self.table.entry(kind).or_default().add(second, arrived);
        }
        // A limit of requests is set for the users, not for an attack.
        if Happening::at(second) != Happening::Attack {
            self.requests.add(second, sample.arrivals(requests));
        }
        let rate = |arrival| rates.get(&arrival).copied().unwrap_or_default();
        self.mails.add(second, sample.arrivals(rate(Arrival::Mail)));
        self.now = busy;
        self.processes = self.processes.max(busy);
        self.log_outs.push(rate(Arrival::LogOut));
        self.sign_ups.push(rate(Arrival::SignUp));
        self.most_ends = self.most_ends.max(self.ends());
        let hour = self.sign_ups.len().saturating_sub(3_600);
        if second.is_multiple_of(60) {
            self.most_sign_ups = self.most_sign_ups.max(self.sign_ups[hour..].iter().sum());
        }
    }

    /// The functions that run in this second.
    fn processes(&self) -> f64 {
        self.now.max(1.0)
    }

    /// The ends that the feed would have now, if it had no maximum.
    fn ends(&self) -> f64 {
        let last = self.log_outs.last().copied().unwrap_or_default();
        last * count(self.log_outs.len().min(FEED_SPAN))
    }

    fn outcome(self, users: f64, parts: u8, peaks: BTreeMap<(Place, Kind), Peak>) -> Outcome {
        Outcome {
            users,
            parts,
            peaks,
            table: self.table.iter().map(|(kind, series)| (*kind, series.peak())).collect(),
            requests: self.requests.peak(),
            processes: self.processes,
            mails: self.mails.peak().most,
            sign_ups: self.most_sign_ups,
            ends: self.most_ends,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of seconds and of keys")]
fn count(number: usize) -> f64 {
    number as f64
}
