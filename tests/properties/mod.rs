//! Properties of what parses input of strangers. Both crates with such parsers include this file in their unit tests.
//!
//! `tests/corpus/<target>/` has inputs that were interesting once. Each of them is tried first, and others are made
//! from them.

mod config;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

pub(crate) use config::config;

/// Tries the inputs of the corpus, then `cases` others: random bytes, random text, and changed inputs of the corpus.
pub(crate) fn holds(target: &str, cases: u32, property: impl Fn(&[u8])) {
    let seeds = corpus(target);
    for seed in &seeds {
        property(seed);
    }
    check(cases, &bytes_like(seeds), |input| property(&input));
}

/// The same for text: invalid UTF-8 is replaced.
pub(crate) fn holds_for_text(target: &str, cases: u32, property: impl Fn(&str)) {
    holds(target, cases, |input| property(&String::from_utf8_lossy(input)));
}

/// Tries values of a strategy; prints the smallest that fails.
pub(crate) fn check<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value)) {
    let mut runner = TestRunner::new(config(cases));
    let result = runner.run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let of_target = |folder: &Path| folder.join("tests/corpus").join(target);
    let folder = folders.map(of_target).find(|folder| folder.is_dir()).unwrap();
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn bytes_like(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(seeds.clone()), vec((change(seeds), any::<Index>()), 1..4));
    let changed = changed.prop_map(|(mut input, changes)| {
        for (change, at) in changes {
            change.apply(&mut input, at);
        }
        input
    });
    prop_oneof![
        1 => vec(any::<u8>(), 0..200),
        2 => any::<String>().prop_map(String::into_bytes),
        7 => changed,
    ]
}

/// A change of an input at some place.
#[derive(Clone, Debug)]
enum Change {
    Replace(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize, usize),
    Cut,
}

impl Change {
    fn apply(self, input: &mut Vec<u8>, at: Index) {
        let at = at.index(input.len() + 1);
        let until = |length: usize| (at + length).min(input.len());
        match self {
            Self::Replace(byte) => input.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            Self::Insert(bytes) => drop(input.splice(at..at, bytes)),
            Self::Remove(length) => drop(input.drain(at..until(length))),
            Self::Repeat(length, times) => {
                let repeated = input[at..until(length)].repeat(times);
                input.splice(at..at, repeated);
            }
            Self::Cut => input.truncate(at),
        }
    }
}

fn change(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u8>().prop_map(Change::Replace),
        (b' '..=b'~').prop_map(Change::Replace),
        any::<char>().prop_map(|c| Change::Insert(c.to_string().into_bytes())),
        select(seeds).prop_map(Change::Insert),
        (1..20_usize).prop_map(Change::Remove),
        (1..20_usize, 1..50_usize).prop_map(|(length, times)| Change::Repeat(length, times)),
        Just(Change::Cut),
    ]
}
