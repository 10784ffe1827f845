//! The OpenAPI document of what is not GraphQL: each dialect says what it has, here it becomes one.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::dialects::rest;

/// Where the document is.
pub(crate) const PATH: &str = "/api/openapi.json";

/// The document, as clients generate code from it.
pub fn document() -> String {
    let whole = of_dialects().into_iter().fold(Document::openapi(), OpenApi::merge_from);
    let text = whole.to_pretty_json();
    // It is made of names and texts only.
    text.map(|text| text + "\n").unwrap_or_default()
}

/// What each has. Of two schemas with one name the first would be taken, so names have to differ.
fn of_dialects() -> Vec<OpenApi> {
    vec![rest::openapi()]
}

/// The paths that it has to have: those of the routes.
pub fn paths() -> Vec<&'static str> {
    [PATH].into_iter().chain(rest::paths()).collect()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "User accounts. The GraphQL API of the same accounts is at `/graphql`."
    ),
    paths(show)
)]
struct Document;

/// Show this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "openapi",
    tag = "about",
    responses((status = 200, description = "The document.", body = serde_json::Value))
)]
pub(crate) async fn show() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(document);
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_dialects_have_schemas_of_one_name() {
        let mut names = HashSet::new();
        for components in of_dialects().into_iter().filter_map(|dialect| dialect.components) {
            for name in components.schemas.into_keys().filter(|name| name != "InternalError") {
                assert!(names.insert(name.clone()), "{name}");
            }
        }
    }
}
