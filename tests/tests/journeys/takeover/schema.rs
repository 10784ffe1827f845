//! The operations of the schema, with the inputs of an attacker.

use serde_json::{Map, Value};

use super::stolen::Stolen;

/// `NonNull` and lists included, as a document names it.
pub(super) fn type_name(of: &Value) -> String {
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", type_name(&of["ofType"])),
        Some("LIST") => format!("[{}]", type_name(&of["ofType"])),
        _ => of["name"].as_str().unwrap().to_owned(),
    }
}

fn bare(of: &Value) -> &Value {
    if of["ofType"].is_null() { of } else { bare(&of["ofType"]) }
}

pub(super) const TYPES: &str = "{ __schema {
    queryType { name } mutationType { name }
    types { name kind fields { name args { name type { ...T } } type { ...T } }
        inputFields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

pub(super) struct Schema(pub(super) Value);

impl Schema {
    fn of(&self, name: &str) -> &Value {
        let mut types = self.0["types"].as_array().unwrap().iter();
        types.find(|one| one["name"] == name).unwrap()
    }

    /// `query` or `mutation`, and the field, of each operation.
    pub(super) fn operations(&self) -> Vec<(&'static str, &Value)> {
        let of = |kind, root: &str| {
            let root = self.0[root]["name"].as_str().unwrap();
            let fields = self.of(root)["fields"].as_array().unwrap();
            fields.iter().map(move |field| (kind, field))
        };
        of("query", "queryType").chain(of("mutation", "mutationType")).collect()
    }

    pub(super) fn value(&self, stolen: &Stolen, name: &str, of: &Value) -> Option<Value> {
        let kind = bare(of);
        if kind["kind"] == "INPUT_OBJECT" {
            let fields = self.of(kind["name"].as_str().unwrap())["inputFields"].as_array().unwrap();
            let given = fields.iter().filter_map(|field| {
                let name = field["name"].as_str().unwrap();
                Some((name.to_owned(), self.value(stolen, name, &field["type"])?))
            });
            return Some(given.collect::<Map<_, _>>().into());
        }
        let typed = stolen.typed(name);
        assert!(typed.is_some() || of["kind"] != "NON_NULL", "what would a thief give for {name}?");
        typed
    }

    pub(super) fn selection(&self, of: &Value) -> &'static str {
        let kind = bare(of);
        let fields = match kind["kind"].as_str() {
            Some("OBJECT" | "INTERFACE") => {
                self.of(kind["name"].as_str().unwrap())["fields"].clone()
            }
            _ => return "",
        };
        let has = |name| fields.as_array().unwrap().iter().any(|field| field["name"] == name);
        if has("success") { "{ success errors }" } else { "{ __typename }" }
    }
}
