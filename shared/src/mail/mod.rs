//! Mails: what they say, and how they get out.

mod outbox;
mod render;
mod sender;
mod status;
mod templates;

pub use outbox::{Delivery, Outbox};
pub use sender::{SendError, Sender};
pub use templates::{DEFAULT_LANGUAGE, Rendered, TemplateError, Templates};
