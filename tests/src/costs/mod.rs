//! The costs of the operations, as counts, and the measured needs of the functions: for `docs/costs.md`, and for the
//! tests that compare the counts with the design.

mod attacks;
mod document;
mod log_in;
mod log_in_by_mail;
mod metered;
mod money;
mod operation;
mod passkey;
mod second_factor;
mod session;
mod sign_up;
mod speed;
mod tls;

pub use attacks::{Attack, AttackResult, table};
pub use document::{verdicts, write};
pub use metered::Cost;
pub(crate) use metered::metered;
pub use money::Spent;
pub(crate) use money::request_seconds;
pub use operation::Operation;
pub use speed::Speed;
pub use tls::Tls;
