use crate::lock;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

/// Makes calls fail, to test their callers. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// For the next so many calls that match.
    N(u32),
    /// Until [`Faults::clear`].
    Always,
}

/// The effect on a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Refused for coming too fast: `ProvisionedThroughputExceededException`,
    /// `TooManyRequestsException` (429) from SES, `SlowDown` (503) from S3. SDK clients try again.
    Throttled,
    /// Answered with 500. SDK clients try again.
    InternalError,
    /// Refused for good: `MessageRejected` (400) from SES, `AccessDeniedException` (400) from
    /// `DynamoDB`, `AccessDenied` (403) from S3.
    Rejected,
    /// `MessageRejected` (400) from SES, because it does not know yet that the sender may send. As
    /// [`Fault::Rejected`] from the others.
    NotVerified,
    /// Another transaction is at work on the item: `TransactionConflictException`, or
    /// `TransactionCanceledException` with the reason `TransactionConflict` for every item. SES
    /// answers `ConflictException`, S3 `OperationAborted`.
    Conflict,
    /// The connection is closed; nothing was done. SDK clients try again.
    Dropped,
    /// The call is carried out, then the connection is closed without an answer. SDK clients try
    /// again, so the call may be carried out twice.
    AnswerLost,
    /// Of `BatchGetItem`, carried out for the first key, and the others are left unprocessed, which is how
    /// `DynamoDB` throttles a part of a batch; a single key is left, too. The same for the entries of `PutEvents`. As
    /// [`Fault::Throttled`] for all else.
    Unprocessed,
    /// The call waits at the gate, and is carried out once that opens.
    Held(Gate),
    /// Nothing: lets calls through before a later rule strikes, as in "the second one fails".
    Pass,
}

/// Holds calls until it is opened. Clones are the same gate.
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
    /// Lets `fault` happen to calls of `operation`: `"UpdateItem"`, `"SendEmail"`, `"s3:PutObject"`,
    /// `"dynamodb:*"`, `"ses:*"`, or `"*"` for every call. Rules are looked through in the order they were made;
    /// the first that matches and is not used up strikes.
    pub fn fail(&self, operation: &str, times: Times, fault: Fault) {
        lock(&self.rules).push(Rule { pattern: operation.to_owned(), times, fault });
    }

    /// No more faults. Calls that wait at a gate still wait.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// The fault that strikes this call; a rule that counts is used up by one.
    pub(crate) fn strike(&self, service: &str, operation: &str) -> Option<Fault> {
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
    /// A gate that is shut.
    pub fn new() -> Self {
        Self { open: Arc::new(Semaphore::new(0)), arrived: Arc::default() }
    }

    /// Lets all through that wait, and all that come later.
    pub fn open(&self) {
        self.open.close();
    }

    /// Waits until `calls` calls in all have come to the gate.
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
