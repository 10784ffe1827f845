//! The schema contains the library's: a client that was generated for the library finds all its fields. The schema
//! may have more.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Positioned, parser::types::ServiceDocument};
use graphql::schema::{MutationStyle, RegisterArguments, Shape, sdl};

/// As the library's server prints it.
const LIBRARY: &str = include_str!("../../../../tests/recordings/django.graphql");
/// As it prints it with the mutations of `graphql_auth.relay`.
const LIBRARY_RELAY: &str = include_str!("../../../../tests/recordings/django.relay.graphql");

/// As it prints both for a site that registers without a password.
const PASSWORDLESS: &str = include_str!("../../../../tests/recordings/django.passwordless.graphql");
const PASSWORDLESS_RELAY: &str =
    include_str!("../../../../tests/recordings/django.passwordless.relay.graphql");

/// Fields of Latchkey that differ from the library's: keys are opaque.
const DIFFERENT: &[(&str, &str)] = &[("UserNode.pk: Int", "UserNode.pk: ID")];

#[test]
fn the_library_s_schema_is_in_ours() {
    assert_contains(MutationStyle::Arguments, RegisterArguments::WithPassword, LIBRARY);
}

#[test]
fn the_library_s_relay_schema_is_in_ours() {
    assert_contains(MutationStyle::Input, RegisterArguments::WithPassword, LIBRARY_RELAY);
}

#[test]
fn the_library_s_schema_without_passwords_is_in_ours() {
    assert_contains(MutationStyle::Arguments, RegisterArguments::Passwordless, PASSWORDLESS);
    assert_contains(MutationStyle::Input, RegisterArguments::Passwordless, PASSWORDLESS_RELAY);
}

#[test]
fn registration_asks_for_a_password_or_does_not_know_one() {
    for style in [MutationStyle::Arguments, MutationStyle::Input] {
        for (registration, asked) in
            [(RegisterArguments::WithPassword, 2), (RegisterArguments::Passwordless, 0)]
        {
            let schema = sdl(Shape { style, registration });
            let of_register = |line: &&String| {
                line.starts_with("Mutation.register(") || line.starts_with("RegisterInput(")
            };
            let lines = lines(&schema);
            let passwords =
                lines.iter().filter(of_register).filter(|line| line.contains("password"));
            assert_eq!(passwords.count(), asked, "{style:?} {registration:?}");
        }
    }
}

#[test]
fn a_field_an_argument_or_a_nullability_that_is_missing_is_found() {
    let ours = |from: &str, to: &str| LIBRARY.replacen(from, to, 1);
    for changed in [
        ours("lastLogin: DateTime\n", "\n"),
        ours("email: String!, username: String!", "email: String!"),
        ours("edges: [UserNodeEdge]!", "edges: [UserNodeEdge!]!"),
        ours("type UserNode implements Node", "type UserNode"),
        ours("scalar GenericScalar", ""),
        ours("first: Int,", "first: Int!,"),
    ] {
        assert_ne!(changed, LIBRARY);
        assert_ne!(missing(&changed, LIBRARY), Vec::<String>::new());
    }
}

fn assert_contains(style: MutationStyle, registration: RegisterArguments, theirs: &str) {
    let ours = &sdl(Shape { style, registration });
    let different = DIFFERENT.iter().map(|(theirs, _)| (*theirs).to_owned());
    assert_eq!(missing(ours, theirs), different.collect::<Vec<_>>());
    let ours = lines(ours);
    for (_, instead) in DIFFERENT {
        assert!(ours.contains(*instead), "{instead}");
    }
}

/// The lines of `theirs` that are not in `ours`.
fn missing(ours: &str, theirs: &str) -> Vec<String> {
    let ours = lines(ours);
    lines(theirs).into_iter().filter(|line| !ours.contains(line)).collect()
}

/// Each type, field, argument, input field and interface as a line of its own, with its nullability
/// and its default.
#[expect(clippy::unwrap_used, reason = "a schema that cannot be read fails the test")]
fn lines(schema: &str) -> BTreeSet<String> {
    let schema: ServiceDocument = parse_schema(schema).unwrap();
    let mut lines = Vec::new();
    for definition in schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node;
        match definition.node.kind {
            TypeKind::Scalar => lines.push(format!("scalar {name}")),
            TypeKind::Object(object) => {
                lines.push(format!("type {name}"));
                let interfaces = object.implements.iter();
                lines.extend(interfaces.map(|i| format!("{name} implements {}", i.node)));
                lines.extend(object.fields.iter().flat_map(|field| field_lines(&name, field)));
            }
            TypeKind::Interface(interface) => {
                lines.push(format!("interface {name}"));
                lines.extend(interface.fields.iter().flat_map(|field| field_lines(&name, field)));
            }
            TypeKind::InputObject(input) => {
                lines.push(format!("input {name}"));
                lines.extend(input.fields.iter().map(|field| argument_line(&name, field)));
            }
            TypeKind::Enum(values) => lines.extend(
                values.values.iter().map(|value| format!("enum {name}.{}", value.node.value)),
            ),
            TypeKind::Union(union) => {
                lines.extend(union.members.iter().map(|m| format!("union {name} = {}", m.node)));
            }
        }
    }
    lines.into_iter().collect()
}

fn field_lines(of: &str, field: &Positioned<FieldDefinition>) -> Vec<String> {
    let field = &field.node;
    let name = format!("{of}.{}", field.name.node);
    let mut lines = vec![format!("{name}: {}", field.ty.node)];
    lines.extend(field.arguments.iter().map(|argument| argument_line(&name, argument)));
    lines
}

fn argument_line(of: &str, argument: &Positioned<InputValueDefinition>) -> String {
    let argument = &argument.node;
    let default = argument.default_value.as_ref().map(|value| format!(" = {}", value.node));
    let default = default.unwrap_or_default();
    format!("{of}({}: {}{default})", argument.name.node, argument.ty.node)
}
