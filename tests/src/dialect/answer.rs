//! The results in an answer, and the codes of the core in it.

use axum::http::StatusCode;
use serde_json::Value;

use super::DialectResult;
use crate::Answer;

/// The result of the field `it`, in the envelope.
pub(super) fn enveloped(answer: &Answer) -> DialectResult<Value> {
    let it = data(answer)?;
    if it["success"] == true {
        assert_eq!(it["errors"], Value::Null, "{it}");
        return Ok(it);
    }
    let first = it["errors"].as_object().and_then(|errors| errors.values().next());
    Err(code(first.map_or(&Value::Null, |list| &list[0]["code"]), answer))
}

/// The result of the field `it`. A failure is a GraphQL error. If an input is at fault, the code is that of the input.
pub(super) fn data(answer: &Answer) -> DialectResult<Value> {
    let json = answer.json();
    let Some(error) = json["errors"].get(0) else {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        return Ok(json["data"]["it"].clone());
    };
    let fields = error["extensions"]["fields"].as_object();
    let at_fault = fields.and_then(|fields| fields.values().next()).map(|list| &list[0]["code"]);
    Err(code(at_fault.unwrap_or(&error["extensions"]["code"]), answer))
}

/// The result of a REST answer.
pub(super) fn rest(answer: &Answer, expected: u16) -> DialectResult<Value> {
    if answer.status == expected {
        return Ok(answer.json());
    }
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text);
    let json = answer.json();
    // SimpleJWT has one code for two of the core.
    if json["code"] == "token_not_valid" {
        let is_access = json["messages"][0]["token_type"] == "access";
        return Err(if is_access { "unauthenticated" } else { "invalid_token" }.to_owned());
    }
    let at_fault = json["errors"].as_object().and_then(|fields| fields.values().next());
    Err(code(at_fault.map_or(&json["code"], |list| &list[0]["code"]), answer))
}

fn code(code: &Value, answer: &Answer) -> String {
    code.as_str().unwrap_or_else(|| panic!("no code: {}", answer.text)).to_owned()
}
