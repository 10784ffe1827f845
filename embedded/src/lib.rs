//! The part of AWS that this product uses, inside this process: `DynamoDB` with its stream, TTL and transactions, S3,
//! SES, the event buses of `EventBridge` and a secret of Secrets Manager. The real AWS SDK calls it, over loopback or
//! inside the process, so the code under test is the code that runs in Lambda.
//!
//! [`Aws::start`] opens the store, creates table and bucket as the deployment's template describes them, and listens:
//! one endpoint for all services. The request itself identifies the service. [`Stream`] replaces Lambda's event source
//! mapping. [`Mailbox`] has the mails that SES accepted, [`Faults`] makes calls fail, [`Tally`] counts their cost,
//! [`Permissions`] denies calls that the template does not allow.

mod aws;
mod batch;
mod dynamodb;
mod error;
mod events;
mod faults;
mod feedback;
mod gateway;
mod hosts;
mod in_process;
mod keys;
mod listen;
mod mailbox;
mod permissions;
mod records;
mod s3;
mod secret;
mod server;
mod ses;
mod stream;
mod table;
mod tally;
mod template;
mod upkeep;

pub use aws::{Aws, Options};
pub use dynoxide;
pub use dynoxide::storage_backend::{Clock, ManualClock, SystemClock};
pub use error::StartError;
pub use events::{EventBus, published};
pub use faults::{Fault, Faults, Gate, Times};
pub use feedback::Feedback;
pub use hosts::Hosts;
pub use keys::KeyUnits;
pub use listen::{Limits, serve};
pub use mailbox::{Mailbox, Message};
pub use permissions::{Action, Permissions};
pub use secret::Secret;
pub use server::Server;
pub use ses::sent;
pub use stream::{Delivery, EventSourceMapping, Stream, StreamError};
pub use tally::{Call, Tally};
pub use upkeep::{Deleted, Upkeep};

/// The Region of the embedded AWS. Configure its clients with it.
pub const REGION: &str = "us-east-1";

/// Locks even after a panic of another holder: each holder leaves a consistent value.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
