//! The core of Latchkey: every rule, once.
//!
//! [`Accounts`] has one method per operation, in one file for each flow under [`operations`]. [`Outbox`](mail::Outbox)
//! sends the mails that those operations wrote. Neither knows HTTP, GraphQL or Lambda: the fronts translate.

pub mod aws;
pub mod breached;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod error;
pub mod mail;
pub mod model;
pub mod operations;
pub mod pictures;
pub mod policy;
pub mod random;
pub mod secrets;
pub mod store;
pub mod telemetry;
pub mod webauthn;

pub use error::{AuthError, Field, Violation, Violations};
pub use operations::Accounts;

#[cfg(test)]
#[path = "../../tests/properties/mod.rs"]
mod properties;
