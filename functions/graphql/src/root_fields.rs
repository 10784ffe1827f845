//! Fields of the root that have the same key in the answer are one field, which is executed once (GraphQL
//! specification, 6.3.2). The engine executes each of them, and merges the answers: it would log in twice.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
    Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Merges the fields of the root of the operation that is executed. A field with a directive stays as it is, because
/// it may be skipped. Fields that differ in more than their selections stay, too: validation refuses them. The
/// document has no fragment that spreads itself.
pub(crate) fn merge(document: &mut ExecutableDocument, operation_name: Option<&str>) {
    let Some(operation) = chosen(&mut document.operations, operation_name) else { return };
    let root = &mut operation.node.selection_set.node;
    let mut found = Found::default();
    found.read(root, &document.fragments);
    if found.has_twins {
        let fields = found.fields.into_iter().map(|field| Some(field.into_owned())).collect();
        MergedFields { fields, spread: HashSet::new() }.write(root, &mut document.fragments);
    }
}

fn chosen<'a>(
    operations: &'a mut DocumentOperations,
    name: Option<&str>,
) -> Option<&'a mut Positioned<OperationDefinition>> {
    match (operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(all), Some(name)) => all.get_mut(name),
        // Without a name, a request can execute the only operation. With several operations, it executes none.
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values_mut().next(),
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// The fields of the root, in their order, each with all that is selected of it.
#[derive(Default)]
struct Found<'a> {
    fields: Vec<Cow<'a, Field>>,
    spread: HashSet<&'a Name>,
    has_twins: bool,
}

impl<'a> Found<'a> {
    fn read(&mut self, set: &'a SelectionSet, fragments: &'a Fragments) {
        for selection in set.items.iter().filter(|selection| is_plain(&selection.node)) {
            match &selection.node {
                Selection::Field(field) => self.add(&field.node),
                Selection::InlineFragment(inline) => {
                    self.read(&inline.node.selection_set.node, fragments);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if !self.spread.insert(name) {
                        self.has_twins = true;
                    } else if let Some(fragment) = fragments.get(name) {
                        self.read(&fragment.node.selection_set.node, fragments);
                    }
                }
            }
        }
    }

    fn add(&mut self, field: &'a Field) {
        if let Some(twin) = self.fields.iter_mut().find(|other| are_twins(other, field)) {
            let more = field.selection_set.node.items.iter().cloned();
            twin.to_mut().selection_set.node.items.extend(more);
            self.has_twins = true;
        } else {
            self.fields.push(Cow::Borrowed(field));
        }
    }
}

/// The merged fields. Each one is taken out when it gets its place.
struct MergedFields {
    fields: Vec<Option<Field>>,
    spread: HashSet<Name>,
}

impl MergedFields {
    /// Puts each field at its first place, and removes it at the others.
    fn write(&mut self, set: &mut SelectionSet, fragments: &mut Fragments) {
        set.items.retain_mut(|selection| {
            if !is_plain(&selection.node) {
                return true;
            }
            match &mut selection.node {
                Selection::Field(field) => {
                    let is_it = |merged: &&mut Option<Field>| {
                        merged.as_ref().is_some_and(|merged| are_twins(merged, &field.node))
                    };
                    let merged = self.fields.iter_mut().find(is_it).and_then(Option::take);
                    let is_first = merged.is_some();
                    field.node = merged.unwrap_or_else(|| field.node.clone());
                    is_first
                }
                Selection::InlineFragment(inline) => {
                    self.write(&mut inline.node.selection_set.node, fragments);
                    true
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let is_first = self.spread.insert(name.clone());
                    if !is_first {
                        return false;
                    }
                    if let Some(mut fragment) = fragments.remove(name) {
                        self.write(&mut fragment.node.selection_set.node, fragments);
                        fragments.insert(name.clone(), fragment);
                    }
                    true
                }
            }
        });
    }
}

/// Whether it has no directive.
fn is_plain(selection: &Selection) -> bool {
    match selection {
        Selection::Field(field) => field.node.directives.is_empty(),
        Selection::InlineFragment(inline) => inline.node.directives.is_empty(),
        Selection::FragmentSpread(spread) => spread.node.directives.is_empty(),
    }
}

fn are_twins(one: &Field, other: &Field) -> bool {
    let (of_one, of_other) = (&one.arguments, &other.arguments);
    one.response_key().node == other.response_key().node
        && one.name.node == other.name.node
        && of_one.len() == of_other.len()
        && of_one.iter().all(|argument| of_other.contains(argument))
}
