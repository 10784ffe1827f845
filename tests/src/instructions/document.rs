//! `tests/instructions.json`.

use super::{Counts, Table};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json");
/// The largest difference between a count and the file, in percent. Two runs of one program differ by less than one
/// percent.
const SLACK: u64 = 5;

/// The counts in the file.
pub fn read() -> Result<Table, String> {
    let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))
}

/// Writes the file.
pub fn write(table: &Table) -> Result<(), String> {
    let text = serde_json::to_string_pretty(table).map_err(|error| error.to_string())?;
    std::fs::write(FILE, text + "\n").map_err(|error| format!("{FILE}: {error}"))
}

/// A sentence for each count that differs too much from the expected one. A count that is much lower fails, too: the
/// file must show the present counts, or the next change may waste what this one has saved.
pub fn compare(expected: &Table, counted: &Table) -> Vec<String> {
    let names = expected.keys().chain(counted.keys().filter(|name| !expected.contains_key(*name)));
    let compared = names.flat_map(|name| match (expected.get(name), counted.get(name)) {
        (Some(expected), Some(counted)) => differences(name, *expected, *counted),
        (Some(_), None) => vec![format!("{name}: not counted any more")],
        (None, _) => vec![format!("{name}: not in the file")],
    });
    compared.collect()
}

fn differences(name: &str, expected: Counts, counted: Counts) -> Vec<String> {
    let pairs = [("cold", expected.cold, counted.cold), ("warm", expected.warm, counted.warm)];
    let far = pairs.into_iter().filter(|(_, expected, counted)| is_far(*expected, *counted));
    far.map(|(when, expected, counted)| {
        format!("{name}, {when}: {counted} instructions instead of {expected}")
    })
    .collect()
}

fn is_far(expected: u64, counted: u64) -> bool {
    expected.abs_diff(counted).saturating_mul(100) > expected.saturating_mul(SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, cold: u64, warm: u64) -> Table {
        Table::from([(name.to_owned(), Counts { cold, warm })])
    }

    #[test]
    fn a_count_may_differ_by_five_percent_and_not_by_more() {
        let expected = table("me", 1_000, 2_000);
        for (cold, warm, found) in [
            (1_050, 1_900, vec![]),
            (1_051, 2_000, vec!["me, cold: 1051 instructions instead of 1000"]),
            (1_000, 1_899, vec!["me, warm: 1899 instructions instead of 2000"]),
        ] {
            assert_eq!(compare(&expected, &table("me", cold, warm)), found);
        }
    }

    #[test]
    fn a_request_on_one_side_only_is_a_difference() {
        let found = compare(&table("me", 1, 1), &table("hello", 1, 1));
        assert_eq!(found, ["me: not counted any more", "hello: not in the file"]);
    }
}
