//! Checks that each variable is only where its type fits (GraphQL specification, 5.8.5), and that each value has the
//! type of its position (5.6.1, 6.1.2). The engine does not call the first rule, and has gaps in the second. Its errors
//! quote the value, which may be a password. Without these checks, the engine would execute a faulty document up to the
//! fault.

use std::collections::HashSet;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, OperationType, Selection, SelectionSet,
    VariableDefinition,
};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Positioned, ServerError, ServerResult, Variables};
use async_graphql_value::{ConstValue, Value};

use crate::multipart::is_mark;

/// Refuses a document with a variable or a value where its type does not fit. `chosen` is the operation that the request
/// names.
pub(crate) fn check(
    registry: &Registry,
    document: &ExecutableDocument,
    variables: &Variables,
    chosen: Option<&str>,
) -> ServerResult<()> {
    // With an unknown name, this function checks the variables of all operations. Otherwise the engine would check
    // those of some operations, and quote their values.
    let chosen = chosen.filter(|chosen| names_one_of(document, chosen));
    for (name, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            OperationType::Mutation => registry.mutation_type.as_deref(),
            OperationType::Subscription => registry.subscription_type.as_deref(),
        };
        let Some(root) = root else { continue };
        let declared = &operation.node.variable_definitions;
        let mut walk = Walk { registry, document, declared, spread: HashSet::new() };
        let is_chosen = chosen.is_none() || name.map(Name::as_str) == chosen;
        walk.variables(is_chosen.then_some(variables))?;
        walk.directives(&operation.node.directives)?;
        walk.selection_set(root, &operation.node.selection_set.node)?;
    }
    Ok(())
}

/// Refuses a value that does not have the type of its variable.
pub(crate) fn check_variables(
    registry: &Registry,
    document: &ExecutableDocument,
    variables: &Variables,
) -> ServerResult<()> {
    document.operations.iter().try_for_each(|(_, operation)| {
        let declared = &operation.node.variable_definitions;
        Walk { registry, document, declared, spread: HashSet::new() }.variables(Some(variables))
    })
}

/// Whether the request executes the only operation of a document, and gives all of its variables, none of them as null.
/// `chosen` is the operation that the request names.
pub(crate) fn are_all_given(
    document: &ExecutableDocument,
    variables: &Variables,
    chosen: Option<&str>,
) -> bool {
    let is_given = |declared: &Positioned<VariableDefinition>| {
        variables.get(&declared.node.name.node).is_some_and(|value| *value != ConstValue::Null)
    };
    let mut operations = document.operations.iter();
    match (operations.next(), operations.next()) {
        (Some((name, operation)), None) => {
            (chosen.is_none() || name.map(Name::as_str) == chosen)
                && operation.node.variable_definitions.iter().all(is_given)
        }
        _ => false,
    }
}

fn names_one_of(document: &ExecutableDocument, chosen: &str) -> bool {
    document.operations.iter().any(|(name, _)| name.is_some_and(|name| name == chosen))
}

/// Whether each variable is a scalar or an enum, without a default value. If such a document is valid with some values,
/// it is valid with all others for which [`are_all_given`] and [`check_variables`] hold: no rule but
/// [`check_variables`] depends on the values. The value of an input object or of a list may contain a null, which other
/// rules refuse.
pub(crate) fn has_plain_variables(registry: &Registry, document: &ExecutableDocument) -> bool {
    let is_plain = |declared: &Positioned<VariableDefinition>| {
        let VariableDefinition { var_type, default_value, .. } = &declared.node;
        let BaseType::Named(name) = &var_type.node.base else { return false };
        let of = registry.types.get(name.as_str());
        default_value.is_none()
            && matches!(of, Some(MetaType::Scalar { .. } | MetaType::Enum { .. }))
    };
    let operations = document.operations.iter();
    operations.flat_map(|(_, operation)| &operation.node.variable_definitions).all(is_plain)
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    declared: &'a [Positioned<VariableDefinition>],
    spread: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    /// The variables' default values, and those that came with the request.
    fn variables(&self, given: Option<&Variables>) -> ServerResult<()> {
        for declared in self.declared {
            let VariableDefinition { name, var_type, default_value, .. } = &declared.node;
            let given = given.and_then(|given| given.get(&name.node));
            for value in given.into_iter().chain(default_value.as_ref().map(|value| &value.node)) {
                let wanted = var_type.node.to_string();
                self.value_of(&wanted, true, &value.clone().into_value()).map_err(|message| {
                    let message = format!("Variable \"${}\": {message}", name.node);
                    ServerError::new(message, Some(declared.pos))
                })?;
            }
        }
        Ok(())
    }

    fn selection_set(&mut self, of: &str, set: &'a SelectionSet) -> ServerResult<()> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.directives(&field.directives)?;
                    let of = self.registry.types.get(of);
                    // Validation reports an unknown field.
                    let Some(known) = of.and_then(|of| of.field_by_name(&field.name.node)) else {
                        continue;
                    };
                    for (name, value) in &field.arguments {
                        if let Some(argument) = known.args.get(name.node.as_str()) {
                            self.value(argument, value)?;
                        }
                    }
                    let of = MetaTypeName::concrete_typename(&known.ty);
                    self.selection_set(of, &field.selection_set.node)?;
                }
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    self.directives(&inline.directives)?;
                    let on = inline.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    self.selection_set(on.unwrap_or(of), &inline.selection_set.node)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives)?;
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name);
                    if let Some(fragment) = fragment.filter(|_| self.spread.insert(name)) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.selection_set(on, &fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &'a [Positioned<Directive>]) -> ServerResult<()> {
        for directive in directives {
            let known = self.registry.directives.get(directive.node.name.node.as_str());
            for (name, value) in &directive.node.arguments {
                let argument = known.and_then(|known| known.args.get(name.node.as_str()));
                if let Some(argument) = argument {
                    self.value(argument, value)?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, place: &MetaInputValue, value: &Positioned<Value>) -> ServerResult<()> {
        let has_default = place.default_value.is_some();
        self.value_of(&place.ty, has_default, &value.node)
            .map_err(|message| ServerError::new(message, Some(value.pos)))
    }

    fn value_of(&self, wanted: &str, has_default: bool, value: &Value) -> Result<(), String> {
        if let Value::Variable(name) = value {
            let declared = self.declared.iter().find(|declared| declared.node.name.node == *name);
            let Some(declared) = declared else { return Ok(()) };
            let given = declared.node.var_type.node.to_string();
            let default = declared.node.default_value.as_ref().map(|default| &default.node);
            let is_filled = has_default || default.is_some_and(|value| *value != ConstValue::Null);
            let needed =
                if is_filled { wanted.strip_suffix('!').unwrap_or(wanted) } else { wanted };
            return if fits(&given, needed) {
                Ok(())
            } else {
                Err(format!(
                    "Variable \"${name}\" of type \"{given}\" used in position expecting type \
                     \"{wanted}\"."
                ))
            };
        }
        let inner = wanted.strip_suffix('!').unwrap_or(wanted);
        let element = inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        if let (Value::List(values), Some(element)) = (value, element) {
            return values.iter().try_for_each(|value| self.value_of(element, false, value));
        }
        let element = element.map_or(inner, MetaTypeName::concrete_typename);
        if let (Value::Object(fields), Some(MetaType::InputObject { input_fields, .. })) =
            (value, self.registry.types.get(element))
        {
            for (name, value) in fields {
                if let Some(place) = input_fields.get(name.as_str()) {
                    self.value_of(&place.ty, place.default_value.is_some(), value)?;
                }
            }
            return Ok(());
        }
        if self.is_leaf_of(element, value) {
            Ok(())
        } else {
            Err(format!("Expected a value of type \"{wanted}\"."))
        }
    }

    /// Whether a single value can have the type. The code calls this for each element of a list and for each field of
    /// an input object. The engine's rules report a null, and an unknown type.
    fn is_leaf_of(&self, wanted: &str, value: &Value) -> bool {
        if *value == Value::Null {
            return true;
        }
        match (self.registry.types.get(wanted), value) {
            (Some(MetaType::Scalar { is_valid, .. }), _) => {
                let value = value.clone().into_const();
                value.is_some_and(|value| {
                    is_valid.as_ref().is_none_or(|is_valid| is_valid(&value))
                        && match (wanted, &value) {
                            ("Int", value) => is_int(value),
                            ("Upload", ConstValue::String(text)) => is_mark(text),
                            _ => true,
                        }
                })
            }
            (Some(MetaType::Enum { enum_values, .. }), Value::Enum(name)) => {
                enum_values.contains_key(name.as_str())
            }
            (Some(MetaType::Enum { enum_values, .. }), Value::String(name)) => {
                enum_values.contains_key(name)
            }
            (Some(MetaType::Enum { .. } | MetaType::InputObject { .. }), _) => false,
            _ => true,
        }
    }
}

/// Whether a number has 32 bits, as the specification has it.
fn is_int(value: &ConstValue) -> bool {
    matches!(value, ConstValue::Number(number)
        if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()))
}

/// Whether a value of type `given` fits a position of type `wanted`.
fn fits(given: &str, wanted: &str) -> bool {
    match (given.strip_suffix('!'), wanted.strip_suffix('!')) {
        (Some(given), Some(wanted)) => fits(given, wanted),
        (Some(given), None) => fits(given, wanted),
        (None, Some(_)) => false,
        (None, None) => match (element(given), element(wanted)) {
            (Some(given), Some(wanted)) => fits(given, wanted),
            (None, None) => given == wanted,
            _ => false,
        },
    }
}

fn element(list: &str) -> Option<&str> {
    list.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_null_fits_where_null_may_be_and_not_the_other_way_round() {
        assert!(
            fits("String!", "String") && fits("String!", "String!") && fits("String", "String")
        );
        assert!(
            !fits("String", "String!") && !fits("Int", "String") && !fits("String", "[String]")
        );
        assert!(fits("[String!]!", "[String]") && !fits("[String]", "[String!]"));
    }
}
