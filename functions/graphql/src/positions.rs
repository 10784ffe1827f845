//! Variables only where their types fit (GraphQL specification, 5.8.5): the engine has that rule, and does not
//! call it. Without it, a document that can go wrong is executed up to where it does.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery};
use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationType, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Positioned, ServerError, ServerResult, Variables};
use async_graphql_value::{ConstValue, Value};

/// Refuses documents with a variable where its type does not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positions;

impl ExtensionFactory for Positions {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Positions {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        check(&ctx.schema_env.registry, &document)?;
        Ok(document)
    }
}

fn check(registry: &Registry, document: &ExecutableDocument) -> ServerResult<()> {
    for (_, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            OperationType::Mutation => registry.mutation_type.as_deref(),
            OperationType::Subscription => registry.subscription_type.as_deref(),
        };
        let Some(root) = root else { continue };
        let declared = &operation.node.variable_definitions;
        let mut walk = Walk { registry, document, declared, spread: HashSet::new() };
        walk.directives(&operation.node.directives)?;
        walk.selection_set(root, &operation.node.selection_set.node)?;
    }
    Ok(())
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    declared: &'a [Positioned<VariableDefinition>],
    spread: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn selection_set(&mut self, of: &str, set: &'a SelectionSet) -> ServerResult<()> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.directives(&field.directives)?;
                    let of = self.registry.types.get(of);
                    // What is not there is told by the rules that are called.
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
        if let Value::List(values) = value {
            let element = element.unwrap_or(inner);
            return values.iter().try_for_each(|value| self.value_of(element, false, value));
        }
        if let (Value::Object(fields), Some(MetaType::InputObject { input_fields, .. })) =
            (value, self.registry.types.get(inner))
        {
            for (name, value) in fields {
                if let Some(place) = input_fields.get(name.as_str()) {
                    self.value_of(&place.ty, place.default_value.is_some(), value)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a value of type `given` can stand where `wanted` is due.
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
