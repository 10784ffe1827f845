//! The APIs that clients already speak. A dialect owns its names, its envelope, and the inputs that
//! exist only on its wire; it has no rule of its own, and does not know the others.

pub mod django;
pub mod hasura;
pub mod plain;
mod problems;
pub(crate) mod rest;
pub mod staff;

use async_graphql::Variables;
use async_graphql::parser::types::ExecutableDocument;

/// A dialect of the schema, as the endpoint, its limits and the log need it.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Its name in the log.
    pub(crate) name: &'static str,
    /// Its fields of the root.
    pub(crate) fields: &'static [RootField],
    /// The members of input objects that take a file.
    pub(crate) uploads: &'static [&'static str],
    /// Rewrites what its clients send and the engine would refuse.
    pub(crate) rewrite: fn(&mut ExecutableDocument, &mut Variables),
}

/// A field of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RootField {
    pub(crate) name: &'static str,
    /// Whether it costs a password hash, a mail or a walk through the users.
    pub(crate) is_costly: bool,
    /// Whether it is a query that wants a `POST`: its input is a secret, or its answer must not be cached.
    pub(crate) is_by_post: bool,
    /// Whether it answers with many rows.
    pub(crate) is_list: bool,
}

impl RootField {
    /// A field that costs a few calls of the table at most.
    const fn cheap(name: &'static str) -> Self {
        Self { name, is_costly: false, is_by_post: false, is_list: false }
    }

    /// A field that costs a password hash, a mail or a walk through the users.
    const fn costly(name: &'static str) -> Self {
        Self { is_costly: true, ..Self::cheap(name) }
    }

    const fn by_post(self) -> Self {
        Self { is_by_post: true, ..self }
    }

    const fn list(self) -> Self {
        Self { is_list: true, ..self }
    }
}

/// The dialects of the schema. That of REST has paths, and no fields.
static ALL: [&Dialect; 4] = [&django::DIALECT, &hasura::DIALECT, &plain::DIALECT, &staff::DIALECT];

fn fields() -> impl Iterator<Item = &'static RootField> {
    ALL.into_iter().flat_map(|dialect| dialect.fields)
}

/// The names of the fields that cost a password hash, a mail or a walk through the users.
pub fn costly() -> impl Iterator<Item = &'static str> {
    fields().filter(|field| field.is_costly).map(|field| field.name)
}

/// The field of the root of that name.
pub(crate) fn field(name: &str) -> Option<&'static RootField> {
    fields().find(|field| field.name == name)
}

/// The name, in the log, of the dialect with that field. The fields of the engine belong to the first one.
pub(crate) fn of(name: &str) -> &'static str {
    let has = |dialect: &&&Dialect| dialect.fields.iter().any(|field| field.name == name);
    ALL.iter().find(has).map_or(django::DIALECT.name, |dialect| dialect.name)
}

/// Whether an input of that name takes a file.
pub(crate) fn is_upload(name: &str) -> bool {
    ALL.iter().any(|dialect| dialect.uploads.contains(&name))
}

/// Rewrites what clients of any dialect send and the engine would refuse.
pub(crate) fn rewrite(document: &mut ExecutableDocument, variables: &mut Variables) {
    for dialect in ALL {
        (dialect.rewrite)(document, variables);
    }
}

/// Rewrites nothing.
fn as_sent(_: &mut ExecutableDocument, _: &mut Variables) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql::ObjectType;
    use async_graphql::registry::Registry;

    use super::*;

    fn root_fields<Q: ObjectType, M: ObjectType>() -> BTreeSet<String> {
        let mut registry = Registry::default();
        let roots = [Q::create_type_info(&mut registry), M::create_type_info(&mut registry)];
        let types = roots.iter().filter_map(|root| registry.types.get(root.trim_end_matches('!')));
        types.filter_map(|root| root.fields()).flat_map(|fields| fields.keys().cloned()).collect()
    }

    #[test]
    fn a_dialect_lists_the_fields_that_it_has_in_the_schema() {
        use django::{DjangoFactors, DjangoMailLogIn, DjangoMutation, DjangoPasskeys, DjangoQuery};
        use django::{DjangoRegistration, PasskeyQuery};
        use hasura::{HasuraMutation, HasuraQuery};
        use plain::{PlainMutation, PlainQuery};
        use staff::{StaffMutation, StaffQuery};
        let mut of_django = root_fields::<DjangoQuery, DjangoMutation>();
        of_django.extend(root_fields::<DjangoQuery, DjangoRegistration>());
        of_django.extend(root_fields::<DjangoQuery, DjangoFactors>());
        of_django.extend(root_fields::<DjangoQuery, DjangoMailLogIn>());
        of_django.extend(root_fields::<PasskeyQuery, DjangoPasskeys>());
        for (dialect, found) in [
            (&django::DIALECT, of_django),
            (&hasura::DIALECT, root_fields::<HasuraQuery, HasuraMutation>()),
            (&plain::DIALECT, root_fields::<PlainQuery, PlainMutation>()),
            (&staff::DIALECT, root_fields::<StaffQuery, StaffMutation>()),
        ] {
            let listed: Vec<_> = dialect.fields.iter().map(|field| field.name.to_owned()).collect();
            assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), found);
            assert_eq!(listed.len(), found.len(), "a field is listed twice");
        }
    }
}
