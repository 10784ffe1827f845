//! The dialects beside each other: none hides a field of another, and none knows another.

use std::collections::BTreeMap;
use std::path::Path;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use async_graphql::{EmptyMutation, EmptySubscription, ObjectType, Schema};
use graphql::dialects::{django, hasura, plain, staff};

use crate::sources;

/// The fields of an object, alone in a schema.
#[expect(clippy::unwrap_used, reason = "a schema that cannot be read fails the test")]
fn fields<T: ObjectType + Default + 'static>() -> Vec<String> {
    let sdl = Schema::build(T::default(), EmptyMutation, EmptySubscription).finish().sdl();
    let name = <T as async_graphql::OutputType>::type_name();
    let definitions = parse_schema(&sdl).unwrap().definitions;
    let root = definitions.into_iter().find_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) if definition.node.name.node == *name => {
            match definition.node.kind {
                TypeKind::Object(object) => Some(object.fields),
                TypeKind::Scalar
                | TypeKind::Interface(_)
                | TypeKind::Union(_)
                | TypeKind::Enum(_)
                | TypeKind::InputObject(_) => None,
            }
        }
        TypeSystemDefinition::Type(_)
        | TypeSystemDefinition::Schema(_)
        | TypeSystemDefinition::Directive(_) => None,
    });
    root.unwrap().into_iter().map(|field| field.node.name.node.to_string()).collect()
}

/// In a merged object, a field of the same name hides the one before, without a word.
#[test]
fn no_dialect_hides_a_root_field_of_another() {
    let queries = [
        ("django", fields::<django::DjangoQuery>()),
        ("hasura", fields::<hasura::HasuraQuery>()),
        ("plain", fields::<plain::PlainQuery>()),
        ("staff", fields::<staff::StaffQuery>()),
    ];
    let mutations = [
        ("django", fields::<django::DjangoMutation>()),
        ("django, registration", fields::<django::DjangoRegistration>()),
        ("hasura", fields::<hasura::HasuraMutation>()),
        ("plain", fields::<plain::PlainMutation>()),
        ("staff", fields::<staff::StaffMutation>()),
    ];
    for roots in [queries.to_vec(), mutations.to_vec()] {
        let mut owners = BTreeMap::new();
        for (dialect, fields) in roots {
            assert!(!fields.is_empty(), "{dialect}");
            for field in fields {
                let other = owners.insert(field.clone(), dialect);
                assert_eq!(other, None, "{field} of {dialect}");
            }
        }
    }
}

#[test]
fn no_dialect_names_another() {
    let dialects = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects");
    let folders: Vec<String> =
        entries(&dialects).into_iter().filter(|name| !name.contains('.')).collect();
    assert!(folders.len() >= 3, "{folders:?}");
    let mut files = 0;
    for dialect in &folders {
        for file in sources(&dialects.join(dialect)) {
            let text = std::fs::read_to_string(&file).unwrap();
            files += 1;
            for other in folders.iter().filter(|other| *other != dialect) {
                for way in ["dialects::", "super::super::"] {
                    let import = format!("{way}{other}");
                    assert!(!text.contains(&import), "{} names {other}", file.display());
                }
            }
        }
    }
    assert!(files > 10, "{files}");
}

#[expect(clippy::unwrap_used, reason = "a folder that cannot be read fails the test")]
fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
