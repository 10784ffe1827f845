//! From units to money.

use super::{Cost, Operation};

/// US dollars for a million read request units: list price on demand, us-east-1, 2026.
pub(super) const READ_PRICE: f64 = 0.125;
/// US dollars for a million write request units: list price on demand, us-east-1, 2026.
pub(super) const WRITE_PRICE: f64 = 0.625;

/// How many users the example has.
pub(super) const USERS: u32 = 10_000;

/// The operations of the example's month: a tenth of the users are new, each logs in and out four times, refreshes 40
/// times (ten hours of access tokens) and asks for something 200 times.
pub(super) const MONTH: [(Operation, u32); 8] = [
    (Operation::RegisterWithTokens, USERS / 10),
    (Operation::SendMail, USERS / 10),
    (Operation::VerifyByLink, USERS / 10),
    (Operation::LogInByEmail, USERS * 4),
    (Operation::AuthenticatedQuery, USERS * 200),
    (Operation::Refresh, USERS * 40),
    (Operation::LogOut, USERS * 4),
    // Every minute, however many users there are.
    (Operation::IdleCleanUp, 60 * 24 * 30),
];

/// US dollars for `times` operations.
pub(super) fn dollars(cost: &Cost, times: u32) -> f64 {
    let one = cost.read_units * READ_PRICE + cost.write_units * WRITE_PRICE;
    one * f64::from(times) / 1e6
}

/// US dollars for a million requests to an HTTP API, and for those beyond the first 300 million.
const API_PRICES: (f64, f64) = (1.0, 0.9);
/// How many millions of requests have the first price.
const API_TIER: f64 = 300.0;
/// US dollars for a million calls of a function.
const CALL_PRICE: f64 = 0.2;
/// US dollars for a million seconds of a function with 1 GiB, on x86.
const SECOND_PRICE: f64 = 16.6667;
/// US dollars for a million mails.
const MAIL_PRICE: f64 = 100.0;
/// US dollars for a million bytes of logs: half a dollar for a gigabyte.
const LOG_PRICE: f64 = 0.0005;
/// US dollars a month for a secret and for fifteen alarms, one of them with two metrics.
pub(super) const FIXED: f64 = 0.4 + 16.0 * 0.1;

/// The memory of a function, in GiB: the template's `MemorySize` of `graphql`.
pub(super) const MEMORY: f64 = 1.0;
/// Milliseconds that a round trip to DynamoDB takes.
pub(super) const ROUND_TRIP: f64 = 5.0;
/// Milliseconds that a request takes without its round trips and password hashes.
pub(super) const OVERHEAD: f64 = 2.0;
/// Milliseconds that a password hash takes with the share of a processor that goes with the memory.
pub(super) const HASH: f64 = 35.0;
/// Bytes that a call leaves in the logs: API Gateway's line, Lambda's three and our own.
pub(super) const LOGGED: f64 = 900.0;

/// Seconds of a function for a request with so many round trips, with a password hash or without.
pub(crate) fn request_seconds(round_trips: u32, has_hash: bool) -> f64 {
    let hash = if has_hash { HASH } else { 0.0 };
    (OVERHEAD + f64::from(round_trips) * ROUND_TRIP + hash) / 1e3
}

/// What many requests together have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Requests that the API took.
    pub requests: u32,
    /// Calls to DynamoDB, one after the other.
    pub round_trips: u32,
    /// Password hashes.
    pub hashes: u32,
    /// Mails that were sent.
    pub mails: u32,
    /// Read units.
    pub read_units: f64,
    /// Write units, on the table and its indexes.
    pub write_units: f64,
}

impl Spent {
    /// US dollars for all services.
    pub fn dollars(&self) -> f64 {
        let [requests, trips, hashes, mails] =
            [self.requests, self.round_trips, self.hashes, self.mails].map(f64::from);
        let seconds = (requests * OVERHEAD + trips * ROUND_TRIP + hashes * HASH) / 1e3;
        let millionths = self.read_units * READ_PRICE
            + self.write_units * WRITE_PRICE
            + requests * (API_PRICES.0 + CALL_PRICE + LOGGED * LOG_PRICE)
            + seconds * MEMORY * SECOND_PRICE
            + mails * MAIL_PRICE;
        millionths / 1e6
    }
}

/// The costs of a month, in US dollars.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bill {
    /// Millions of requests that the API takes.
    pub(super) requests: f64,
    /// Reads and writes.
    pub(super) dynamodb: f64,
    /// HTTP API.
    pub(super) api: f64,
    /// All functions.
    pub(super) lambda: f64,
    /// SES.
    pub(super) mails: f64,
    /// The costs of logs.
    pub(super) logs: f64,
}

impl Bill {
    /// The example's month, for that many users.
    pub(super) fn of(costs: &[(Operation, Cost)], users: u32) -> Self {
        let mut bill = Self::default();
        for (operation, times) in MONTH {
            let Some((_, cost)) = costs.iter().find(|(known, _)| *known == operation) else {
                continue;
            };
            let grows = operation != Operation::IdleCleanUp;
            let factor = if grows { f64::from(users) / f64::from(USERS) } else { 1.0 };
            bill.add(operation, cost, f64::from(times) * factor / 1e6);
        }
        let (first, rest) = (bill.requests.min(API_TIER), (bill.requests - API_TIER).max(0.0));
        bill.api = first * API_PRICES.0 + rest * API_PRICES.1;
        bill
    }

    /// Adds that many millions of an operation.
    fn add(&mut self, operation: Operation, cost: &Cost, millions: f64) {
        let has_hash =
            [Operation::RegisterWithTokens, Operation::LogInByEmail].contains(&operation);
        let hashes = if has_hash { HASH } else { 0.0 };
        let trips = u32::try_from(cost.calls.round_trips).unwrap_or(u32::MAX);
        let seconds = (f64::from(trips) * ROUND_TRIP + OVERHEAD + hashes) / 1e3;
        if operation == Operation::SendMail {
            self.mails += millions * MAIL_PRICE;
        } else if operation != Operation::IdleCleanUp {
            self.requests += millions;
        }
        self.dynamodb += millions * (cost.read_units * READ_PRICE + cost.write_units * WRITE_PRICE);
        self.lambda += millions * (CALL_PRICE + seconds * MEMORY * SECOND_PRICE);
        self.logs += millions * LOGGED * LOG_PRICE;
    }

    /// The sum, with the fixed costs.
    pub(super) fn sum(&self) -> f64 {
        self.dynamodb + self.api + self.lambda + self.mails + self.logs + FIXED
    }
}
