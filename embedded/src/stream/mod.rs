//! Lambda's event source mapping: calls a function with the records of the table's stream.

mod filter;
mod mapping;
mod reader;

pub use mapping::EventSourceMapping;

use crate::{Aws, Clock};
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use futures::FutureExt as _;
use reader::Reader;
use std::collections::VecDeque;
use std::fmt::{self, Display};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How long [`Stream::run`] waits before it tries a failed batch again, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The template lacks the function's event, or the event has a form that this crate does not understand.
    #[error("the template's function {function}: {reason}")]
    Template {
        /// The function's logical id.
        function: String,
        /// The part that is missing or not understood.
        reason: String,
    },
    /// The table has no stream.
    #[error("the table \"{table}\" has no stream")]
    NoStream {
        /// The table's name.
        table: String,
    },
    /// The database failed.
    #[error("the database: {0}")]
    Database(#[from] dynoxide::DynoxideError),
}

/// Calls one function with the records of the table's stream. It always starts at the oldest record of the last 24
/// hours, so a function gets records again after a restart. It has to be idempotent, as with Lambda.
///
/// The records keep their order, as in a shard: no record overtakes a failed batch.
pub struct Stream {
    reader: Reader,
    mapping: EventSourceMapping,
    clock: Arc<dyn Clock>,
    /// The batches that were read and not yet processed, in order.
    pending: VecDeque<Batch>,
}

/// The result of one pass over the stream.
#[derive(Debug, Default)]
pub struct Delivery {
    /// How many records the function took.
    pub delivered: usize,
    /// How many wait for the next pass: the failed records, and those behind them.
    pub retrying: usize,
    /// The records that failed for good, after the last retry or because of their age. In AWS, they go to the
    /// on-failure destination.
    pub failed: Vec<EventRecord>,
}

struct Batch {
    records: Vec<EventRecord>,
    /// How often it failed. Splitting does not count.
    failures: u32,
}

impl Stream {
    /// The stream of the embedded table. Holds the database open.
    pub fn new(aws: &Aws, mapping: EventSourceMapping) -> Result<Self, StreamError> {
        let clock = Arc::clone(aws.clock());
        let database = aws.database().clone();
        let reader = Reader::open(database, Arc::clone(&clock), aws.table_name(), &mapping)?;
        Ok(Self { reader, mapping, clock, pending: VecDeque::new() })
    }

    /// One pass: calls `handler` with records that failed before and with new ones, a batch at a time, to the end of
    /// the stream or until a batch fails. The next pass tries failed records again, and drops them after as many
    /// retries as the mapping allows. Records of the handler's own writes come in the next pass, too. A panic is a
    /// failure of the whole batch.
    pub async fn deliver<F, R, E>(&mut self, handler: &F) -> Delivery
    where
        F: Fn(Event) -> R,
        R: Future<Output = Result<DynamoDbEventResponse, E>>,
        E: Display,
    {
        let mut delivery = Delivery::default();
        let mut is_more = true;
        loop {
            while let Some(batch) = self.pending.pop_front() {
                let Some(batch) = self.without_aged(batch, &mut delivery) else { continue };
                let mut event = Event::default();
                event.records.clone_from(&batch.records);
                let answer = AssertUnwindSafe(async { handler(event).await }).catch_unwind();
                let first_failed = match answer.await {
                    Ok(Ok(response)) => self.first_failed(&batch, &response),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "the function failed on a batch of the stream");
                        Some(0)
                    }
                    Err(_panic) => {
                        tracing::error!("the function panicked on a batch of the stream");
                        Some(0)
                    }
                };
                let taken = first_failed.unwrap_or(batch.records.len());
                delivery.delivered += taken;
                if self.keep_what_failed(batch, taken, &mut delivery) {
                    delivery.retrying = self.pending.iter().map(|b| b.records.len()).sum();
                    return delivery;
                }
            }
            if !is_more {
                return delivery;
            }
            is_more = self.read_on().await;
        }
    }

    /// Makes a pass, and the next one after `every`, until `shutdown` completes. A running pass ends first. While a
    /// batch fails, the next pass comes after one second, and later after up to 30 seconds.
    pub async fn run<F, R, E>(
        mut self,
        handler: F,
        every: Duration,
        shutdown: impl Future<Output = ()>,
    ) where
        F: Fn(Event) -> R,
        R: Future<Output = Result<DynamoDbEventResponse, E>>,
        E: Display,
    {
        tokio::pin!(shutdown);
        let (first, most) = BACKOFF;
        let (mut wait, mut backoff) = (Duration::ZERO, first);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = sleep(wait) => {}
            }
            let delivery = self.deliver(&handler).await;
            if delivery.retrying == 0 || delivery.delivered > 0 {
                backoff = first;
            }
            if delivery.retrying == 0 {
                wait = every;
            } else {
                wait = backoff;
                backoff = most.min(2 * backoff);
            }
        }
    }

    /// Adds the batches of the next page to the pending ones. Returns false after the last page.
    async fn read_on(&mut self) -> bool {
        let mut reader = self.reader.clone();
        let read = spawn_blocking(move || reader.next_page().map(|page| (page, reader)));
        match read.await {
            Ok(Ok((page, reader))) => {
                self.reader = reader;
                let batches = page.records.chunks(self.mapping.batch_size);
                self.pending.extend(batches.map(|records| Batch::new(records.to_vec(), 0)));
                !page.is_last
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the stream cannot be read");
                false
            }
            Err(_stopped_with_the_runtime) => false,
        }
    }

    /// The batch without the records that are too old now. They count as failed.
    fn without_aged(&self, mut batch: Batch, delivery: &mut Delivery) -> Option<Batch> {
        if let Some(age) = self.mapping.maximum_record_age {
            let oldest = self.clock.now_unix_secs().saturating_sub(age.as_secs());
            let is_aged = |record: &mut EventRecord| {
                let made = record.change.approximate_creation_date_time.timestamp();
                u64::try_from(made).is_ok_and(|made| made < oldest)
            };
            delivery.give_up(batch.records.extract_if(.., is_aged).collect());
        }
        (!batch.records.is_empty()).then_some(batch)
    }

    /// The position of the first failed record: the lowest one that the function reports. A sequence number outside the
    /// batch means that the whole batch failed, as with Lambda.
    fn first_failed(&self, batch: &Batch, response: &DynamoDbEventResponse) -> Option<usize> {
        if !self.mapping.reports_item_failures {
            return None;
        }
        let position = |failed: &Option<String>| {
            let mut records = batch.records.iter();
            records.position(|record| record.change.sequence_number == *failed).unwrap_or(0)
        };
        response.batch_item_failures.iter().map(|failure| position(&failure.item_identifier)).min()
    }

    /// Puts records that the function did not process back in front, or drops them. True if a record must be tried
    /// again.
    fn keep_what_failed(&mut self, batch: Batch, taken: usize, delivery: &mut Delivery) -> bool {
        let Batch { mut records, mut failures } = batch;
        let mut rest = records.split_off(taken);
        if rest.is_empty() {
            return false;
        }
        if taken > 0 {
            failures = 0;
        }
        if self.mapping.bisect && rest.len() > 1 {
            if taken == 0 {
                let second_half = rest.split_off(rest.len() / 2);
                self.pending.push_front(Batch::new(second_half, failures));
            }
        } else {
            failures += 1;
            if self.mapping.maximum_retry_attempts.is_some_and(|most| failures > most) {
                delivery.give_up(rest);
                return false;
            }
        }
        self.pending.push_front(Batch::new(rest, failures));
        true
    }
}

impl Delivery {
    fn give_up(&mut self, records: Vec<EventRecord>) {
        for record in &records {
            let sequence_number = record.change.sequence_number.as_deref();
            tracing::error!(sequence_number, "a stream record was given up");
        }
        self.failed.extend(records);
    }
}

impl Batch {
    fn new(records: Vec<EventRecord>, failures: u32) -> Self {
        Self { records, failures }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("mapping", &self.mapping).finish_non_exhaustive()
    }
}
