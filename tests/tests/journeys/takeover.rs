//! The power of a stolen access token: every operation of every dialect, by a session whose log-in is a while ago.
//!
//! The operations are those of the schema and of the REST document, so a new one fails these tests until it is in the
//! lists of `effects.rs`, with the effect that it has for an attacker.

mod effects;
mod schema;
mod stolen;

use std::collections::BTreeSet;

use journeys::{HASURA, HasuraApi, Site};
use serde_json::{Map, Value, json};

use effects::{ACTIONS, GRAPHQL, REST};
use schema::{Schema, TYPES, type_name};
use stolen::Stolen;

/// In a word.
fn outcome(answer: &Value) -> String {
    if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
        let fields = answer["errors"][0]["extensions"]["fields"].as_object();
        let field = fields.and_then(|fields| fields.values().next());
        return field.map_or(code, |field| field[0]["code"].as_str().unwrap()).to_owned();
    }
    let it = &answer["data"]["it"];
    let refused = it["errors"].as_object().and_then(|errors| errors.values().next());
    match refused {
        Some(first) => first[0]["code"].as_str().unwrap().to_owned(),
        None if it.is_null() => "nothing".to_owned(),
        None => "done".to_owned(),
    }
}

/// Whether an input replaces the stolen token. `required_factors` has what it opens.
fn is_instead_of_a_token(operation: &str, input: &str) -> bool {
    let adds = ["beginApp", "addApp", "beginPasskey", "addPasskey"].contains(&operation)
        || ["app/begin/", "app/add/", "passkeys/begin/", "passkeys/add/"]
            .iter()
            .any(|path| operation == format!("/api/accounts/{path}"));
    input == "challenge" && adds
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_graphql() {
    let stolen = Stolen::token().await;
    let schema =
        Schema(stolen.site.graphql(TYPES, Value::Null).await.json()["data"]["__schema"].take());
    let mut found = Vec::new();
    for (kind, field) in schema.operations() {
        let name = field["name"].as_str().unwrap();
        let mut given = vec![("", Map::new())];
        for arg in field["args"].as_array().unwrap() {
            let arg_name = arg["name"].as_str().unwrap();
            if is_instead_of_a_token(name, arg_name) {
                continue;
            }
            if let Some(value) = schema.value(&stolen, arg_name, &arg["type"]) {
                given[0].1.insert(arg_name.to_owned(), value);
            }
        }
        // With what needs no proof alone, too.
        if name == "updateUser" {
            let mut less = given[0].1.clone();
            let input = less["input"].as_object_mut().unwrap();
            input.remove("password");
            given.push((" without a password", less.clone()));
            less["input"].as_object_mut().unwrap().remove("email");
            given.push((" without an address", less));
        }
        for (how, given) in given {
            let args = field["args"].as_array().unwrap().iter();
            let args = args.filter(|arg| given.contains_key(arg["name"].as_str().unwrap()));
            let (mut heads, mut calls) = (Vec::new(), Vec::new());
            for arg in args {
                let name = arg["name"].as_str().unwrap();
                heads.push(format!("${name}: {}", type_name(&arg["type"])));
                calls.push(format!("{name}: ${name}"));
            }
            let in_brackets = |parts: Vec<String>| {
                if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
            };
            let document = format!(
                "{kind}{} {{ it: {name}{} {} }}",
                in_brackets(heads),
                in_brackets(calls),
                schema.selection(&field["type"])
            );
            let answer = stolen.site.ask(&stolen.thief, &document, given.into()).await;
            assert!(answer.json()["data"].is_object(), "{document}: {}", answer.text);
            let effect = stolen.effect(&outcome(&answer.json())).await;
            found.push(format!("{name}{how} -> {effect}"));
        }
    }
    assert_eq!(found.join("\n"), GRAPHQL.trim());
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_rest() {
    let stolen = Stolen::token().await;
    let document: Value = serde_json::from_str(&graphql::openapi::document()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
            let inputs = document["components"]["schemas"][name]["properties"].as_object();
            let body: Map<_, _> = inputs
                .into_iter()
                .flatten()
                .filter(|(name, _)| !is_instead_of_a_token(path, name))
                .map(|(name, _)| {
                    let typed = stolen.typed(name);
                    (
                        name.clone(),
                        typed.unwrap_or_else(|| panic!("what would a thief give for {name}?")),
                    )
                })
                .collect();
            let header = format!("Bearer {}", stolen.thief.access);
            let method = method.to_uppercase();
            let answer = stolen.site.send_json(&method, path, Some(&header), &body.into()).await;
            let effect = stolen.effect(&answer.status.as_u16().to_string()).await;
            found.push((path, method.clone(), format!("{method} {path} -> {effect}")));
        }
    }
    // The order of a JSON object depends on the features that serde_json is built with.
    found.sort();
    let found: Vec<_> = found.into_iter().map(|(.., line)| line).collect();
    assert_eq!(found.join("\n"), REST.trim());
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_the_actions_of_hasura() {
    let stolen = Stolen::token().await;
    let schema =
        Schema(stolen.site.graphql(TYPES, Value::Null).await.json()["data"]["__schema"].take());
    let of_hasura = schema.operations().into_iter().filter(|(_, field)| {
        field["args"].as_array().unwrap().iter().any(|arg| arg["name"] == "arg")
    });
    let in_schema: BTreeSet<_> =
        of_hasura.map(|(_, field)| field["name"].as_str().unwrap().to_owned()).collect();
    let walked: BTreeSet<_> = HASURA.iter().map(|operation| operation.name.to_owned()).collect();
    assert_eq!(walked, in_schema);
    let mut found = Vec::new();
    for operation in HASURA {
        let arg: Map<_, _> = operation
            .inputs
            .iter()
            .map(|name| ((*name).to_owned(), stolen.typed(name).unwrap()))
            .collect();
        let access = Some(stolen.thief.access.as_str());
        let done =
            stolen.site.hasura_as(access, HasuraApi::Action, operation.name, arg.into()).await;
        let effect = stolen.effect(&done.status.to_string()).await;
        found.push(format!("{} -> {effect}", operation.name));
    }
    assert_eq!(found.join("\n"), ACTIONS.trim());
}

/// The mutations for Relay are those of the other form, each by the same code.
#[tokio::test]
async fn the_form_for_relay_has_no_operation_of_its_own() {
    let site = Site::start().await;
    let names = |answer: Value| -> BTreeSet<String> {
        let schema = Schema(answer["data"]["__schema"].clone());
        schema.operations().into_iter().map(|(_, field)| field["name"].to_string()).collect()
    };
    let body = json!({ "query": TYPES }).to_string();
    let headers = [("content-type", "application/json")];
    let relay = site.send(axum::http::Method::POST, "/graphql/relay", &headers, body).await;
    let plain = site.graphql(TYPES, Value::Null).await;
    assert!(names(relay.json()).is_subset(&names(plain.json())));
}
