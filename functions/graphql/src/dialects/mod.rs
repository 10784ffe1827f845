//! The APIs that clients already speak. A dialect owns its names, its envelope, and the inputs that
//! exist only on its wire; it has no rule of its own, and does not know the others.

pub mod django;
pub mod hasura;
pub mod plain;
pub(crate) mod rest;

/// The fields that cost a password hash or a mail, in all dialects.
pub(crate) fn costly() -> Vec<&'static str> {
    [django::COSTLY, hasura::COSTLY, plain::COSTLY].concat()
}

/// The queries that want a `POST`, in all dialects.
pub(crate) fn by_post() -> Vec<&'static str> {
    [hasura::BY_POST].concat()
}

/// The dialect of a root field.
pub(crate) fn of(field: &str) -> &'static str {
    match field {
        field if hasura::has(field) => "hasura",
        field if plain::FIELDS.contains(&field) => "plain",
        _ => "django",
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ObjectType;
    use async_graphql::registry::Registry;

    use super::*;

    fn dialects_of<Q: ObjectType, M: ObjectType>() -> Vec<&'static str> {
        let mut registry = Registry::default();
        let roots = [Q::create_type_info(&mut registry), M::create_type_info(&mut registry)];
        let types = roots.iter().filter_map(|root| registry.types.get(root.trim_end_matches('!')));
        let fields = types.filter_map(|root| root.fields()).flat_map(|fields| fields.keys());
        fields.map(|field| of(field)).collect()
    }

    #[test]
    fn every_field_is_known_to_be_its_dialects() {
        use django::{DjangoMutation, DjangoQuery};
        use hasura::{HasuraMutation, HasuraQuery};
        use plain::{PlainMutation, PlainQuery};
        for (dialect, found) in [
            ("django", dialects_of::<DjangoQuery, DjangoMutation>()),
            ("hasura", dialects_of::<HasuraQuery, HasuraMutation>()),
            ("plain", dialects_of::<PlainQuery, PlainMutation>()),
        ] {
            assert!(!found.is_empty() && found.iter().all(|of| *of == dialect), "{found:?}");
        }
    }
}
