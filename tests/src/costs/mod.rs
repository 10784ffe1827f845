//! What the operations cost, counted, and what the functions need, measured: for `docs/costs.md` and
//! for the tests that hold the counts to the design.

mod document;
mod money;
mod operation;
mod speed;
mod tls;

pub use document::{verdicts, write};
pub use operation::{Cost, Operation};
pub use speed::Speed;
pub use tls::Tls;
