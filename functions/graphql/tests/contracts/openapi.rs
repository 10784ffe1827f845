//! The OpenAPI document is what clients generate code from: committed, and never stale.

use accounts::model::password::{MAX_LENGTH, MIN_LENGTH};
use expect_test::expect_file;
use serde_json::Value;

/// `UPDATE_EXPECT=1 cargo test -p graphql` writes the file anew.
#[test]
fn the_committed_document_is_that_of_the_code() {
    expect_file!["../../../../openapi.json"].assert_eq(&graphql::openapi::document());
}

/// Its attributes take numbers only, no constants.
#[test]
fn the_document_has_the_limits_of_new_passwords() {
    fn limits(value: &Value, found: &mut Vec<[u64; 2]>) {
        if value["format"] == "password"
            && let (Some(min), Some(max)) =
                (value["minLength"].as_u64(), value["maxLength"].as_u64())
        {
            found.push([min, max]);
        }
        let all = value.as_object().into_iter().flat_map(|fields| fields.values());
        all.chain(value.as_array().into_iter().flatten()).for_each(|value| limits(value, found));
    }
    let document = serde_json::from_str(&graphql::openapi::document()).unwrap();
    let mut found = Vec::new();
    limits(&document, &mut found);
    assert!(found.len() > 5);
    assert!(found.iter().all(|limits| *limits == [MIN_LENGTH as u64, MAX_LENGTH as u64]));
}

/// A generator of clients makes a function of each id.
#[test]
fn no_two_methods_of_the_document_have_the_same_id() {
    let document: Value = serde_json::from_str(&graphql::openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<_> = operations.map(|it| it["operationId"].as_str().unwrap()).collect();
    assert!(ids.len() > 40);
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}

/// A generator of clients refuses a document with a reference to nothing.
#[test]
fn every_reference_in_the_document_leads_to_a_part_of_it() {
    fn references(value: &Value, found: &mut Vec<String>) {
        found.extend(value["$ref"].as_str().map(str::to_owned));
        let all = value.as_object().into_iter().flat_map(|fields| fields.values());
        all.chain(value.as_array().into_iter().flatten()).for_each(|it| references(it, found));
    }
    let document: Value = serde_json::from_str(&graphql::openapi::document()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    found.retain(|it| document.pointer(it.trim_start_matches('#')).is_none());
    found.dedup();
    assert_eq!(found, [""; 0]);
}
