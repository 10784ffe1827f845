//! The dialect of django-graphql-auth: camelCase mutations; a failure is data.

mod envelope;
mod mutation;
mod query;
mod scalars;
mod types;

pub use mutation::DjangoMutation;
pub use query::DjangoQuery;

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
