//! Mails: their content, and how they are sent.

mod mailbox;
mod outbox;
mod render;
mod sender;
mod status;
mod templates;

pub use mailbox::{Mailbox, MailboxError};
pub use outbox::{Delivery, Outbox};
pub use sender::{SendError, Sender};
pub use templates::{DEFAULT_LANGUAGE, PAGES_FOLDER, Rendered, TemplateError, Templates};
