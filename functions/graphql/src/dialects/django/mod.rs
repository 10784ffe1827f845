//! The dialect of django-graphql-auth: camelCase mutations; a failure is data.

mod envelope;
mod forms;
mod mutation;
mod query;
mod registration;
mod types;

pub use mutation::{DjangoMutation, RelayMutation};
pub use query::DjangoQuery;
pub use registration::{DjangoRegistration, RelayRegistration, passwordless};

/// The fields that cost a password hash or a mail.
pub(crate) const COSTLY: &[&str] = &[
    "register",
    "tokenAuth",
    "resendActivationEmail",
    "sendPasswordResetEmail",
    "passwordReset",
    "passwordSet",
    "passwordChange",
    "archiveAccount",
    "deleteAccount",
    "sendSecondaryEmailActivation",
    "swapEmails",
    "removeSecondaryEmail",
];
