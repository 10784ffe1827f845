//! The dialect of a small graphene and graphql-jwt schema: `createUser`, `whoami`, `updateUser`; a failure
//! is a GraphQL error.

mod gender;
mod mutation;
mod query;
mod refusal;
mod types;

pub(crate) use gender::read_in_any_case;
pub use mutation::PlainMutation;
pub use query::PlainQuery;

/// The fields of the schema that are this dialect's.
pub(crate) const FIELDS: &[&str] = &["createUser", "refreshAccessToken", "updateUser", "whoami"];

/// The fields that cost a password hash or a mail.
pub(crate) const COSTLY: &[&str] = &["createUser", "updateUser"];
