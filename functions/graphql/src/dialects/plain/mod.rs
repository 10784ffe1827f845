//! The dialect of a small graphene and graphql-jwt schema: `createUser`, `whoami`, `updateUser`; a failure
//! is a GraphQL error.

mod gender;
mod mutation;
mod query;
mod types;

use super::{Dialect, RootField};

pub use mutation::PlainMutation;
pub use query::PlainQuery;

pub(crate) static DIALECT: Dialect = Dialect {
    name: "plain",
    fields: &[
        RootField::costly("createUser"),
        RootField::cheap("refreshAccessToken"),
        RootField::costly("updateUser"),
        RootField::cheap("whoami"),
    ],
    uploads: &["profilePicture"],
    rewrite: gender::read_in_any_case,
};
