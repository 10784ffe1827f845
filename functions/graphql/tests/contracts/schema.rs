//! The schemas are what clients generate code from: committed, and never stale.

use expect_test::expect_file;
use graphql::schema::{MutationStyle, RegisterArguments, Shape, sdl};

/// `UPDATE_EXPECT=1 cargo test -p graphql` writes the file anew.
#[test]
fn the_committed_schema_is_that_of_the_code() {
    expect_file!["../../../../schema.graphql"].assert_eq(&sdl(shape(MutationStyle::Arguments)));
}

#[test]
fn the_committed_relay_schema_is_that_of_the_code() {
    expect_file!["../../../../schema.relay.graphql"].assert_eq(&sdl(shape(MutationStyle::Input)));
}

fn shape(style: MutationStyle) -> Shape {
    Shape { style, registration: RegisterArguments::WithPassword }
}
