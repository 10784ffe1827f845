//! `gender` in upper or lower case. Clients of the original schema write `"Female"` for `FEMALE`, which a GraphQL
//! engine refuses. So this code corrects the value before the engine reads it, in `updateUser`'s input alone.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Value as Constant, Variables};
use async_graphql_value::Value;

const VALUES: [&str; 3] = ["MALE", "FEMALE", "OTHER"];

/// Puts every `gender` that is given to `updateUser` into the schema's spelling, in the document and in
/// the variables that it is given by.
pub(crate) fn read_in_any_case(document: &mut ExecutableDocument, variables: &mut Variables) {
    let fragments =
        document.fragments.values_mut().map(|fragment| &mut fragment.node.selection_set);
    for set in fragments {
        in_set(&mut set.node, variables);
    }
    match &mut document.operations {
        async_graphql::parser::types::DocumentOperations::Single(operation) => {
            in_set(&mut operation.node.selection_set.node, variables);
        }
        async_graphql::parser::types::DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                in_set(&mut operation.node.selection_set.node, variables);
            }
        }
    }
}

fn in_set(set: &mut SelectionSet, variables: &mut Variables) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "updateUser" => {
                in_field(&mut field.node, variables);
            }
            Selection::InlineFragment(inline) => {
                in_set(&mut inline.node.selection_set.node, variables);
            }
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
}

fn in_field(field: &mut Field, variables: &mut Variables) {
    for (name, value) in &mut field.arguments {
        if name.node != "input" {
            continue;
        }
        if let Value::Variable(variable) = &value.node {
            if let Some(Constant::Object(input)) = variables.get_mut(variable) {
                input.get_mut("gender").into_iter().for_each(spell_constant);
            }
        } else if let Value::Object(input) = &mut value.node {
            match input.get_mut("gender") {
                Some(Value::Variable(variable)) => {
                    variables.get_mut(variable).into_iter().for_each(spell_constant);
                }
                Some(gender) => spell(gender),
                None => {}
            }
        }
    }
}

fn spell(gender: &mut Value) {
    if let Value::Enum(_) | Value::String(_) = gender
        && let Some(known) = known(&gender.to_string())
    {
        *gender = Value::Enum(Name::new(known));
    }
}

fn spell_constant(gender: &mut Constant) {
    if let Constant::Enum(_) | Constant::String(_) = gender
        && let Some(known) = known(&gender.to_string())
    {
        *gender = Constant::Enum(Name::new(known));
    }
}

/// `written` is as GraphQL writes it: text is in quotes.
fn known(written: &str) -> Option<&'static str> {
    let given = written.trim_matches('"').trim();
    VALUES.into_iter().find(|known| known.eq_ignore_ascii_case(given))
}
