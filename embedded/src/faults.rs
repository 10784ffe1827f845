use crate::lock;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

/// Makes calls fail, to test their callers. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

/// The number of calls that a fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// This number of the next matching calls.
    N(u32),
    /// Until [`Faults::clear`].
    Always,
}

/// The effect on a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Refused because of too many calls: `ProvisionedThroughputExceededException`, `TooManyRequestsException` (429)
    /// from SES, `SlowDown` (503) from S3. SDK clients try again.
    Throttled,
    /// Answered with 500. SDK clients try again.
    InternalError,
    /// Refused for good: `MessageRejected` (400) from SES, `AccessDeniedException` (400) from
    /// `DynamoDB`, `AccessDenied` (403) from S3.
    Rejected,
    /// `MessageRejected` (400) from SES, because the sender is not verified yet. The other services answer as for
    /// [`Fault::Rejected`].
    NotVerified,
    /// Another transaction is changing the item: `TransactionConflictException`, or `TransactionCanceledException` with
    /// the reason `TransactionConflict` for every item. SES answers `ConflictException`, S3 `OperationAborted`.
    Conflict,
    /// The connection is closed, and the call is not executed. SDK clients try again.
    Dropped,
    /// The call is executed. Then the connection is closed without an answer. SDK clients try again, so the call may be
    /// executed twice.
    AnswerLost,
    /// `BatchGetItem` is executed for the first key only, and the other keys are unprocessed. `DynamoDB` throttles a
    /// part of a batch in this way. A single key is unprocessed, too. The same holds for the entries of `PutEvents`.
    /// Other operations answer as for [`Fault::Throttled`].
    Unprocessed,
    /// The call waits until the gate opens. Then it is executed.
    Held(Gate),
    /// No effect. It lets calls succeed before a later rule matches, as in "the second one fails".
    Pass,
}

/// Holds calls until it opens. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    open: Arc<Semaphore>,
    arrived: Arc<watch::Sender<usize>>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    times: Times,
    fault: Fault,
}

impl Faults {
    /// Adds a rule: calls of `operation` have the fault `fault`. An operation is `"UpdateItem"`, `"SendEmail"`,
    /// `"s3:PutObject"`, `"dynamodb:*"`, `"ses:*"`, or `"*"` for every call. Of the rules that match and still have
    /// calls left, the oldest one applies.
    pub fn fail(&self, operation: &str, times: Times, fault: Fault) {
        if !matches!(times, Times::N(0)) {
            lock(&self.rules).push(Rule { pattern: operation.to_owned(), times, fault });
        }
    }

    /// Removes all rules. Calls that wait at a gate still wait.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// The fault of this call. A rule with a number has one call less afterwards.
    pub(crate) fn next_fault(&self, service: &str, operation: &str) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let at = rules.iter().position(|rule| rule.matches(service, operation))?;
        let fault = rules[at].fault.clone();
        match &mut rules[at].times {
            Times::N(left) if *left > 1 => *left -= 1,
            Times::N(_) => drop(rules.remove(at)),
            Times::Always => {}
        }
        Some(fault)
    }
}

impl Rule {
    fn matches(&self, service: &str, operation: &str) -> bool {
        let named = match self.pattern.split_once(':') {
            Some((of_service, named)) if of_service == service => named,
            Some(_) => return false,
            None => &self.pattern,
        };
        self.times != Times::N(0) && (named == "*" || named == operation)
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { open: Arc::new(Semaphore::new(0)), arrived: Arc::default() }
    }

    /// Opens the gate for all waiting calls, and for all later ones.
    pub fn open(&self) {
        self.open.close();
    }

    /// Waits until `calls` calls in total have arrived at the gate.
    pub async fn arrived(&self, calls: usize) {
        // The sender lives in `self`, so this ends only when the number is reached.
        let _ = self.arrived.subscribe().wait_for(|count| *count >= calls).await;
    }

    /// Waits until the gate is open.
    pub(crate) async fn pass(&self) {
        self.arrived.send_modify(|count| *count += 1);
        // It has no permits: the wait ends when the semaphore is closed.
        let _ = self.open.acquire().await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
