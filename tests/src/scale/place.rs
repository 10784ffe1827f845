//! Partition keys, without the ids in them.

use std::collections::BTreeMap;
use std::fmt;

use embedded::KeyUnits;

/// Units that a partition takes in a second.
pub(super) const READ_LIMIT: f64 = 3_000.0;
/// The same for writes.
pub(super) const WRITE_LIMIT: f64 = 1_000.0;

/// The partition keys of one form, in the table or in an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `None` for the table.
    pub(super) index: Option<String>,
    /// The form of the key: `USER#<id>`.
    pub(super) form: String,
}

/// How many keys of a form there are at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// One for the whole site.
    One,
    /// As many as the indexes have parts.
    Parts,
    /// One key with the fewest parts. With more parts, as many keys as parts.
    PartsOfEvents,
    /// As many as there are users, addresses, networks, mails.
    Many,
}

/// Read and write units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Units {
    pub(super) reads: f64,
    pub(super) writes: f64,
}

impl Units {
    pub(super) fn add(&mut self, other: Self, times: f64) {
        self.reads += other.reads * times;
        self.writes += other.writes * times;
    }
}

impl Place {
    fn of(units: &KeyUnits) -> Self {
        let sort = units.sort.as_deref().unwrap_or_default();
        let parts: Vec<&str> = units.partition.split('#').collect();
        let form = match parts.as_slice() {
            ["GUESSES", _] => format!("GUESSES#<digest>, {sort}"),
            ["AUDIT", "BY", _] => "AUDIT#BY#<actor>".to_owned(),
            ["AUDIT", "SITE"] | ["REVOCATIONS"] => units.partition.clone(),
            ["AUDIT", _] => "AUDIT#<user>".to_owned(),
            ["NEW_ADDRESSES", _] => "NEW_ADDRESSES#<hour>".to_owned(),
            ["EVENTS", _, kind, ..] => format!("EVENTS#<day>#{kind}"),
            ["USERS" | "SWEEP", _] => format!("{}#<part>", parts[0]),
            ["EMAIL", _] => "EMAIL#<address>".to_owned(),
            ["USERNAME", _] => "USERNAME#<name>".to_owned(),
            [kind, ..] => format!("{kind}#<id>"),
            [] => String::new(),
        };
        Self { index: units.index.clone(), form }
    }

    pub(super) fn spread(&self) -> Spread {
        let kind = self.form.split('#').next().unwrap_or_default();
        match (kind, self.form.as_str()) {
            ("USERS" | "SWEEP", _) => Spread::Parts,
            ("EVENTS", _) => Spread::PartsOfEvents,
            (_, "AUDIT#SITE" | "AUDIT#BY#<actor>" | "REVOCATIONS" | "NEW_ADDRESSES#<hour>") => {
                Spread::One
            }
            _ => Spread::Many,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.index {
            Some(index) => write!(f, "`{}` in index `{index}`", self.form),
            None if self.form == "REVOCATIONS" => f.write_str("`REVOCATIONS` (only with the feed)"),
            None => write!(f, "`{}`", self.form),
        }
    }
}

/// The units of an operation by place.
pub(super) fn by_place(keys: &[KeyUnits]) -> BTreeMap<Place, Units> {
    let mut places: BTreeMap<Place, Units> = BTreeMap::new();
    for key in keys {
        let units = Units { reads: key.read_units, writes: key.write_units };
        places.entry(Place::of(key)).or_default().add(units, 1.0);
    }
    places
}
