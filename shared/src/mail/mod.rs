//! Mails: what they say, and how they get out.

mod outbox;
mod render;
mod sender;

pub use outbox::{Delivery, Outbox};
pub use render::Rendered;
pub use sender::{SendError, Sender};
