use crate::keys::{KeyUnits, PendingCall};
use crate::lock;
use dynoxide::Database;
use hyper::body::Bytes;
use serde_json::Value as Json;
use std::sync::{Arc, Mutex};

/// Counts the calls that reach the endpoint, and the capacity that they consume. Off until
/// [`start`](Self::start). Clones share one count.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    calls: Arc<Mutex<Option<Vec<Call>>>>,
}

/// One call that reached the endpoint. Each retry of the SDK is a separate call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The operation's name, for example `GetItem` or `SendEmail`.
    pub operation: String,
    /// Read units, of table and indexes together. 0 for a call that was refused.
    pub read_units: f64,
    /// Write units, of table and indexes together. 0 for a refused call. `DynamoDB` charges for a failed condition, but
    /// its answer does not contain the units.
    pub write_units: f64,
    /// The same units, by partition key. Empty for a call that consumed nothing.
    pub keys: Vec<KeyUnits>,
}

impl Tally {
    /// Starts to count, from zero.
    pub fn start(&self) {
        *lock(&self.calls) = Some(Vec::new());
    }

    /// Stops counting, and clears the counts.
    pub fn stop(&self) {
        *lock(&self.calls) = None;
    }

    /// The calls since [`start`](Self::start) or the last `take`, oldest first; counting goes on.
    pub fn take(&self) -> Vec<Call> {
        lock(&self.calls).as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn is_counting(&self) -> bool {
        lock(&self.calls).is_some()
    }

    pub(crate) fn record(&self, call: Call) {
        if let Some(calls) = lock(&self.calls).as_mut() {
            calls.push(call);
        }
    }
}

impl Call {
    /// A call that consumed nothing.
    pub(crate) fn free(operation: &str) -> Self {
        let operation = operation.to_owned();
        Self { operation, read_units: 0.0, write_units: 0.0, keys: Vec::new() }
    }

    /// A call to `DynamoDB` with the answer `answer`. `pending` has its keys.
    pub(crate) fn from_answer(
        operation: &str,
        answer: &[u8],
        pending: Option<&PendingCall>,
        database: &Database,
    ) -> Self {
        let mut call = Self::free(operation);
        let answer: Json = serde_json::from_slice(answer).unwrap_or_default();
        let consumed = &answer["ConsumedCapacity"];
        let tables = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
        for table in tables {
            call.add(table);
            let units = (call.read_units, call.write_units);
            if let Some(pending) = pending.filter(|_| units.0 + units.1 > 0.0) {
                call.keys = pending.units(database, units, table);
            }
        }
        call
    }

    /// Adds the consumed capacity of one table. If the answer has only a sum, the operation determines whether the
    /// units are read or write units.
    fn add(&mut self, consumed: &Json) {
        let units = |name: &str| consumed[name].as_f64();
        match (units("ReadCapacityUnits"), units("WriteCapacityUnits"), units("CapacityUnits")) {
            (None, None, sum) if is_read(&self.operation) => self.read_units += sum.unwrap_or(0.0),
            (None, None, sum) => self.write_units += sum.unwrap_or(0.0),
            (read, write, _) => {
                self.read_units += read.unwrap_or(0.0);
                self.write_units += write.unwrap_or(0.0);
            }
        }
    }
}

/// The request with `ReturnConsumedCapacity`, if the operation supports it.
pub(crate) fn request_capacity(operation: &str, body: Bytes) -> Bytes {
    if !is_read(operation) && !is_write(operation) {
        return body;
    }
    let Ok(Json::Object(mut request)) = serde_json::from_slice(&body) else { return body };
    request.insert("ReturnConsumedCapacity".to_owned(), "INDEXES".into());
    Json::Object(request).to_string().into()
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems")
}

pub(crate) fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems"
    )
}
