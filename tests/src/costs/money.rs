//! From units to money.

use super::{Cost, Operation};

/// US dollars for a million read request units: list price on demand, us-east-1, 2026.
pub(super) const READ_PRICE: f64 = 0.125;
/// US dollars for a million write request units: list price on demand, us-east-1, 2026.
pub(super) const WRITE_PRICE: f64 = 0.625;

/// How many users the example has.
pub(super) const USERS: u32 = 10_000;

/// What happens in the example's month: a tenth of the users are new, each logs in and
/// out four times, refreshes 40 times (ten hours of access tokens) and asks for something 200 times.
pub(super) const MONTH: [(Operation, u32); 8] = [
    (Operation::RegisterWithTokens, USERS / 10),
    (Operation::SendMail, USERS / 10),
    (Operation::VerifyByLink, USERS / 10),
    (Operation::LogInByEmail, USERS * 4),
    (Operation::AuthenticatedQuery, USERS * 200),
    (Operation::Refresh, USERS * 40),
    (Operation::LogOut, USERS * 4),
    // Every five minutes.
    (Operation::IdleCleanUp, 12 * 24 * 30),
];

/// US dollars for that many of them.
pub(super) fn dollars(cost: &Cost, times: u32) -> f64 {
    let one = cost.read_units * READ_PRICE + cost.write_units * WRITE_PRICE;
    one * f64::from(times) / 1e6
}
