use axum::http::StatusCode;
use journeys::Site;
use serde_json::Value;

/// The query of GraphiQL: `getIntrospectionQuery()` of graphql-js 16.
const INTROSPECTION_QUERY: &str = "
    query IntrospectionQuery {
      __schema {
        queryType { name }
        mutationType { name }
        subscriptionType { name }
        types { ...FullType }
        directives { name description locations args { ...InputValue } }
      }
    }
    fragment FullType on __Type {
      kind name description
      fields(includeDeprecated: true) {
        name description
        args { ...InputValue }
        type { ...TypeRef }
        isDeprecated deprecationReason
      }
      inputFields { ...InputValue }
      interfaces { ...TypeRef }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef }
    }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type {
      kind name
      ofType { kind name ofType { kind name ofType { kind name ofType { kind name
      ofType { kind name ofType { kind name ofType { kind name ofType { kind name
      ofType { kind name } } } } } } } } }
    }";

#[tokio::test]
async fn graphiql_gets_the_whole_schema() {
    let site = Site::start().await;
    let answer = site.graphql(INTROSPECTION_QUERY, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["errors"], Value::Null);
    let schema = &answer.json()["data"]["__schema"];
    assert_eq!(schema["mutationType"]["name"], "Mutation");
    assert!(schema["types"].as_array().unwrap().len() > 10, "{}", answer.text);
}

#[tokio::test]
async fn a_site_with_introspection_off_hides_its_schema() {
    let site = Site::with(&[("INTROSPECTION", "false")]).await;
    for document in [
        INTROSPECTION_QUERY,
        "{ __schema { types { name } } }",
        "{ __type(name: \"Register\") { fields { name } } }",
    ] {
        let answer = site.graphql(document, Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert_eq!(answer.code().as_deref(), Some("introspection_off"));
        assert!(!answer.text.contains("Register"), "{}", answer.text);
    }
    assert_eq!(site.graphql("{ __typename }", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_misspelt_field_gets_no_suggestion() {
    let site = Site::with(&[("INTROSPECTION", "false")]).await;
    let answer = site.graphql("mutation { verifyAccoun(token: \"x\") { s } }", Value::Null).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.text.contains("verifyAccount"), "{}", answer.text);
}
