//! The OpenAPI document of all APIs but GraphQL. Each dialect has a document; here they become one.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

use crate::dialects::{hasura, rest};

/// Where the document is.
pub(crate) const PATH: &str = "/api/openapi.json";

/// The document, as clients generate code from it.
pub fn document() -> String {
    let whole = of_dialects().into_iter().fold(Document::openapi(), OpenApi::merge_from);
    let text = whole.to_pretty_json();
    // It is made of names and texts only.
    text.map(|text| text + "\n").unwrap_or_default()
}

/// The document of each dialect. Two schemas of one name must be equal: of two that differ, the first would count.
fn of_dialects() -> Vec<OpenApi> {
    vec![rest::openapi(), hasura::openapi()]
}

/// The paths that it has to have: those of the routes.
pub fn paths() -> Vec<&'static str> {
    [PATH].into_iter().chain(rest::paths()).chain(hasura::paths()).collect()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "User accounts. The GraphQL API of the same accounts is at `/graphql`."
    ),
    paths(show),
    modifiers(&Bearer)
)]
struct Document;

/// How a request sends an access token, in every dialect.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access token. The scheme may be called `JWT` too."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

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
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn two_dialects_mean_the_same_by_the_name_of_a_schema() {
        let mut schemas = HashMap::new();
        for components in of_dialects().into_iter().filter_map(|dialect| dialect.components) {
            for (name, schema) in components.schemas {
                let other = schemas.insert(name.clone(), schema.clone());
                assert!(other.is_none_or(|other| other == schema), "{name}");
            }
        }
        assert!(schemas.contains_key("Problem"));
    }

    #[test]
    fn no_two_operations_have_one_id() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap_or_default();
        let items = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
        let operations = items.filter_map(|item| item.as_object()).flat_map(|item| item.values());
        let mut ids = HashSet::new();
        for id in operations.map(|operation| operation["operationId"].as_str()) {
            assert!(id.is_some() && ids.insert(id), "{id:?}");
        }
        assert!(ids.len() >= paths().len());
    }
}
