//! A `BatchGetItem` that DynamoDB answers in part.

use hyper::body::Bytes;
use serde_json::{Value as Json, json};

/// The request for the first of its keys, and the request for the others; `None` if it has one key. All keys are of
/// one table.
pub(crate) fn split(body: &[u8]) -> Option<(Bytes, Json)> {
    let mut first: Json = serde_json::from_slice(body).ok()?;
    let mut rest = first["RequestItems"].clone();
    let (_, wanted) = first["RequestItems"].as_object_mut()?.iter_mut().next()?;
    let (_, left) = rest.as_object_mut()?.iter_mut().next()?;
    wanted["Keys"].as_array_mut()?.truncate(1);
    let left = left["Keys"].as_array_mut()?;
    if left.len() < 2 {
        return None;
    }
    left.remove(0);
    Some((first.to_string().into(), rest))
}

/// The answer, with these keys unprocessed.
pub(crate) fn with_unprocessed(answer: &[u8], left: Json) -> Json {
    let mut answer: Json = serde_json::from_slice(answer).unwrap_or_default();
    answer["UnprocessedKeys"] = left;
    answer
}

/// The answer with all keys of the request unprocessed.
pub(crate) fn all_unprocessed(body: &[u8]) -> Json {
    let request: Json = serde_json::from_slice(body).unwrap_or_default();
    json!({ "Responses": {}, "UnprocessedKeys": request["RequestItems"] })
}
