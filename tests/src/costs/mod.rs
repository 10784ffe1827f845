//! The costs of the operations, as counts, and the measured needs of the functions: for `docs/costs.md`, and for the
//! tests that compare the counts with the design.

mod attacks;
mod document;
mod log_in_by_mail;
mod money;
mod operation;
mod passkey;
mod second_factor;
mod speed;
mod tls;

pub use attacks::{Attack, Found, table};
pub use document::{verdicts, write};
pub use money::Spent;
pub(crate) use money::request_seconds;
pub(crate) use operation::metered;
pub use operation::{Cost, Operation};
pub use speed::Speed;
pub use tls::Tls;
