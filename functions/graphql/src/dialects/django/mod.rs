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

/// The fields that cost a password hash, a mail or a walk through the users.
pub(crate) const COSTLY: &[&str] = &[
    "users",
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
    "restoreEmail",
];
