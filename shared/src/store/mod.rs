//! The table: the only code that names the DynamoDB SDK.
//!
//! Every method is a whole verb and atomic. An expected outcome is a value; an error means that the table did not
//! answer. An item after its `expires_at` has no effect: the code compares codes, sessions and used token ids with the
//! clock, and a mail has an end of its own. DynamoDB deletes such items days later.

mod account_state;
mod address;
mod conflict;
mod ending;
mod factors;
mod guessing;
mod import;
mod item;
mod list;
mod log_in_by_mail;
mod mail;
mod new_addresses;
mod new_mail;
mod otp;
mod passkeys;
mod password;
mod pending;
mod picture;
mod rate_limit;
mod read;
mod revocation;
mod session;
mod shards;
mod staff;
mod sweep;
mod trail;
mod transaction;
mod unique_key;
mod user;
mod version;
mod warm_up;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_types::SdkConfig;
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::random::{OrderedIds, Random};

pub use address::{NewAddress, Restored, Restoring};
pub use factors::{FactorsChange, FactorsChanged};
pub use guessing::Guesser;
pub use import::{Meter, TakenKeys};
pub use list::{Listing, Order, Place};
pub use log_in_by_mail::{MailedLogIn, MailedSignUp, MailedStep};
pub use mail::{Claimed, Ending, Lease, MailNews};
pub(crate) use new_addresses::end_of_hour;
pub use otp::Tried;
pub use password::{Claim, PasswordSet};
pub use picture::PictureSaved;
pub use rate_limit::QuotaScope;
pub use revocation::MOST_REVOCATIONS;
pub use session::{PresentedToken, Rotated, SecondStep, SessionEnded, TwoStepLogIn};
pub use shards::Shards;
pub use staff::{Authority, ChangedByStaff, StaffChange};
pub use sweep::{Due, Swept};
pub use trail::MOST_EVENTS;
pub(crate) use trail::date;
pub use trail::event_in;
pub use transaction::StoreError;
pub use user::{Created, Profile, Proof, Subject, Taken, Verified};

/// A client's configuration.
pub fn configuration(sdk: &SdkConfig) -> Builder {
    Builder::from(sdk).retry_classifier(conflict::RetryConflicts)
}

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    random: Random,
    clock: Clock,
    audit_lifetime: SignedDuration,
    event_ids: OrderedIds,
    revocations: Option<SignedDuration>,
    shards: Shards,
    meter: Option<Meter>,
}

impl Store {
    /// The table of that name, in the AWS that `sdk` leads to.
    pub fn connect(
        sdk: &SdkConfig,
        table: impl Into<String>,
        random: Random,
        clock: Clock,
    ) -> Self {
        Self::new(Client::from_conf(configuration(sdk).build()), table, random, clock)
    }

    /// The table of that name, through a client that was made elsewhere.
    pub fn new(client: Client, table: impl Into<String>, random: Random, clock: Clock) -> Self {
        let audit_lifetime = trail::AUDIT_LIFETIME;
        let event_ids = OrderedIds::default();
        Self {
            client,
            table: table.into(),
            random,
            clock,
            audit_lifetime,
            event_ids,
            revocations: None,
            shards: Shards::FEWEST,
            meter: None,
        }
    }

    /// The same table, whose indexes have so many parts. The number must not be lower than it was before.
    #[must_use]
    pub fn with_shards(self, shards: Shards) -> Self {
        Self { shards, ..self }
    }

    /// How many parts the indexes have.
    pub fn shards(&self) -> Shards {
        self.shards
    }
}
