//! The table: the only code that names the DynamoDB SDK.
//!
//! Every method is a whole verb and atomic. An expected outcome is a value; an error means that the
//! table did not answer. Every read treats what is past its `expires_at` as absent: DynamoDB deletes
//! such items days later.

mod code;
mod item;
mod mail;
mod outcome;
mod session;
mod sweep;
mod user;

use aws_sdk_dynamodb::Client;

use crate::random::Random;

pub use code::Tried;
pub use mail::Claimed;
pub use outcome::StoreError;
pub use session::{Presented, Rotated};
pub use sweep::{Due, SHARDS, Swept};
pub use user::{Created, Proof, Subject, Taken, Verified};

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    random: Random,
}

impl Store {
    /// The table of that name.
    pub fn new(client: Client, table: impl Into<String>, random: Random) -> Self {
        Self { client, table: table.into(), random }
    }
}
