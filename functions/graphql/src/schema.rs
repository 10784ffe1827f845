//! The one schema, merged from the dialects.

use accounts::Accounts;
use async_graphql::{EmptySubscription, MergedObject};

use crate::dialects::django::{DjangoMutation, DjangoQuery};

/// All queries.
#[derive(Debug, Default, MergedObject)]
pub struct Query(DjangoQuery);

/// All mutations.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(DjangoMutation);

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema in the schema definition language, as clients generate code from it.
pub fn sdl() -> String {
    Schema::new(Query::default(), Mutation::default(), EmptySubscription).sdl()
}

/// Builds the schema. Without `introspection`, it tells nobody what it has.
pub fn build(accounts: Accounts, introspection: bool) -> Schema {
    let schema = Schema::build(Query::default(), Mutation::default(), EmptySubscription);
    let schema = schema.data(accounts).disable_suggestions();
    if introspection { schema.finish() } else { schema.disable_introspection().finish() }
}
