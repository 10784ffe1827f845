//! The OpenAPI document is what clients generate code from: committed, and never stale.

use expect_test::expect_file;

/// `UPDATE_EXPECT=1 cargo test -p graphql` writes the file anew.
#[test]
fn the_committed_document_is_that_of_the_code() {
    expect_file!["../../../openapi.json"].assert_eq(&graphql::openapi::document());
}
