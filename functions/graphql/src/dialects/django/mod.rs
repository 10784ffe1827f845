//! The dialect of django-graphql-auth: camelCase mutations; a failure is data.

mod envelope;
mod mutation;
mod query;
mod scalars;
mod types;

pub use mutation::DjangoMutation;
pub use query::DjangoQuery;
