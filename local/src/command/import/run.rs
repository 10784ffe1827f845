//! The run: entry by entry, in the order of the input, several at the same time.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use accounts::AuthError;
use accounts::operations::{self, Judged, Prepared, Rejected};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesOrdered;
use tokio::time::Instant;

use super::folder::{Counts, Folder};
use super::pace::{Pace, patiently};
use super::progress::Progress;
use super::{Entry, InputError, Records, Reject};
use crate::command::Failure;

/// How many records are written at the same time.
const AT_ONCE: usize = 16;
/// How often the position is noted.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// The most digests that are kept to find duplicates in the input: 18 MiB.
const MOST_SEEN: usize = 1_800_000;

/// A run.
pub(super) struct Run<'a> {
    pub(super) import: &'a operations::Import,
    pub(super) folder: &'a mut Folder,
    pub(super) pace: &'a Pace,
    pub(super) progress: Progress,
    pub(super) is_dry: bool,
}

/// The result of an entry.
struct EntryResult {
    line: u64,
    digests: RecordDigests,
    /// Whether the input had the same record before.
    is_known: bool,
    result: Result<Outcome, Failure>,
}

enum Outcome {
    New(New),
    Unchanged,
    Rejected { codes: Vec<String>, text: Option<String> },
}

/// What is counted of a new user.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct New {
    has_no_password: bool,
    has_lost_password: bool,
    is_demoted: bool,
    has_second_factor: bool,
    has_lost_factors: bool,
}

/// Digests of a record.
#[derive(Default)]
struct RecordDigests {
    /// Of the record itself.
    record: Option<u64>,
    /// Of its unique keys.
    keys: Vec<u64>,
}

/// The records of the input that became users, or would: their digests, and in a dry run those of their keys.
#[derive(Default)]
struct Seen {
    digests: HashSet<u64>,
    is_full: bool,
}

impl Run<'_> {
    /// Runs to the end of the input, and returns the counts, and whether all duplicates in the input were found.
    pub(super) async fn run(mut self, records: Records) -> Result<(Counts, bool), Failure> {
        let (skipped, mut counts) = (self.folder.position().done, self.folder.position().counts);
        let mut seen = Seen::default();
        let mut running: FuturesOrdered<LocalBoxFuture<'_, EntryResult>> = FuturesOrdered::new();
        let mut busy: HashSet<u64> = HashSet::new();
        let (mut done, mut noted) = (skipped, Instant::now());
        let (import, pace, is_dry) = (self.import, self.pace, self.is_dry);
        for (n, entry) in (0_u64..).zip(records) {
            let Entry { line, record, has_lost_factors } = entry?;
            let prepared = record.map(|record| import.prepare(&record));
            if n < skipped {
                if let Ok(Ok(prepared)) = &prepared {
                    seen.add(&RecordDigests::of(prepared), is_dry);
                }
                continue;
            }
            let digests = match &prepared {
                Ok(Ok(prepared)) => RecordDigests::of(prepared),
                Ok(Err(_)) | Err(_) => RecordDigests::default(),
            };
            // Of two entries with the same key, the first one gets it. So the second one waits until the first has
            // ended.
            while running.len() >= AT_ONCE || digests.keys.iter().any(|key| busy.contains(key)) {
                let Some(ended) = running.next().await else { break };
                self.end(ended, &mut busy, &mut seen, &mut counts)?;
                done += 1;
            }
            if noted.elapsed() >= NOTE_EVERY {
                self.folder.note(done, counts, false)?;
                noted = Instant::now();
            }
            busy.extend(&digests.keys);
            let is_known = seen.has(&digests);
            let duplicate = match &prepared {
                Ok(Ok(prepared)) if is_dry => seen.in_input(prepared, &digests),
                Ok(_) | Err(_) => None,
            };
            if let (Ok(Ok(prepared)), false) = (&prepared, is_dry) {
                self.folder.note_user(prepared.id())?;
            }
            running.push_back(Box::pin(async move {
                let result = match (prepared, duplicate) {
                    (Err(Reject { code, text }), _) => {
                        Ok(Outcome::Rejected { codes: vec![code.to_owned()], text: Some(text) })
                    }
                    (Ok(Err(rejected)), _) => Ok(refused(&rejected)),
                    (Ok(Ok(_)), Some(ended)) => Ok(ended),
                    (Ok(Ok(prepared)), None) if is_dry => {
                        let judged = patiently(|| import.judge(&prepared)).await;
                        judged.map(|judged| outcome(judged, &prepared)).map_err(Failure::from)
                    }
                    (Ok(Ok(prepared)), None) => write(import, pace, &prepared).await,
                };
                let result = result.map(|ended| ended.with_lost_factors(has_lost_factors));
                EntryResult { line, digests, is_known, result }
            }));
        }
        while let Some(ended) = running.next().await {
            self.end(ended, &mut busy, &mut seen, &mut counts)?;
            done += 1;
        }
        self.folder.note(done, counts, true)?;
        self.progress.end();
        Ok((counts, !seen.is_full))
    }

    /// Counts an entry that has ended.
    fn end(
        &mut self,
        ended: EntryResult,
        busy: &mut HashSet<u64>,
        seen: &mut Seen,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        for key in &ended.digests.keys {
            busy.remove(key);
        }
        let result = ended.result?;
        if !matches!(result, Outcome::Rejected { .. }) {
            seen.add(&ended.digests, self.is_dry);
        }
        match result {
            // The table has the user, because the input had the same record before.
            Outcome::New(_) if ended.is_known => counts.unchanged += 1,
            Outcome::New(new) => {
                counts.new += 1;
                counts.without_password += u64::from(new.has_no_password);
                counts.unknown_hashes += u64::from(new.has_lost_password);
                counts.demoted += u64::from(new.is_demoted);
                counts.with_second_factor += u64::from(new.has_second_factor);
                counts.lost_factors += u64::from(new.has_lost_factors);
            }
            Outcome::Unchanged => counts.unchanged += 1,
            Outcome::Rejected { codes, text } => {
                counts.rejected += 1;
                self.folder.reject(ended.line, &codes, text.as_deref())?;
            }
        }
        self.progress.step();
        Ok(())
    }
}

async fn write(
    import: &operations::Import,
    pace: &Pace,
    prepared: &Prepared,
) -> Result<Outcome, Failure> {
    let written = patiently(|| async {
        pace.turn().await;
        let written = import.write(prepared).await;
        pace.ended(&written);
        written
    });
    match written.await {
        Ok(judged) => Ok(outcome(judged, prepared)),
        Err(AuthError::Unavailable(error)) => Err(Failure::Failed(format!(
            "the table does not answer ({error}). The same command again continues the run."
        ))),
        Err(error) => Err(error.into()),
    }
}

fn outcome(judged: Judged, prepared: &Prepared) -> Outcome {
    match judged {
        Judged::New(_) => Outcome::New(New {
            has_no_password: prepared.has_no_password(),
            has_lost_password: prepared.has_lost_password,
            is_demoted: prepared.is_demoted,
            has_second_factor: prepared.has_second_factor(),
            has_lost_factors: false,
        }),
        Judged::Unchanged(_) => Outcome::Unchanged,
        Judged::Rejected(rejected) => refused(&rejected),
    }
}

impl Outcome {
    fn with_lost_factors(self, has_lost_factors: bool) -> Self {
        match self {
            Self::New(new) => Self::New(New { has_lost_factors, ..new }),
            Self::Unchanged | Self::Rejected { .. } => self,
        }
    }
}

fn refused(rejected: &Rejected) -> Outcome {
    Outcome::Rejected { codes: rejected.codes().collect(), text: None }
}

impl RecordDigests {
    fn of(prepared: &Prepared) -> Self {
        let keys = prepared.keys().iter().map(|key| digest(&key.text)).collect();
        Self { record: Some(digest(prepared.record())), keys }
    }
}

impl Seen {
    fn has(&self, digests: &RecordDigests) -> bool {
        digests.record.is_some_and(|record| self.digests.contains(&record))
    }

    fn add(&mut self, digests: &RecordDigests, is_dry: bool) {
        let keys = digests.keys.iter().filter(|_| is_dry).chain(&digests.record);
        self.is_full |= self.digests.len() + digests.keys.len() >= MOST_SEEN;
        if !self.is_full {
            self.digests.extend(keys);
        }
    }

    /// A dry run writes nothing. So it looks in the input for an earlier record that is the same, or has one of the
    /// keys.
    fn in_input(&self, prepared: &Prepared, digests: &RecordDigests) -> Option<Outcome> {
        if self.has(digests) {
            return Some(Outcome::Unchanged);
        }
        let keys = prepared.keys().into_iter().zip(&digests.keys);
        let taken = keys.filter(|(_, digest)| self.digests.contains(digest));
        let codes: Vec<String> = taken.map(|(key, _)| format!("{}: unique", key.field)).collect();
        (!codes.is_empty()).then_some(Outcome::Rejected { codes, text: None })
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl From<InputError> for Failure {
    fn from(broken: InputError) -> Self {
        Self::Failed(broken.to_string())
    }
}
