//! Failures, as GraphQL errors that name the inputs at fault.

use accounts::error::{AuthError, Field, Violations};
use async_graphql::{Name, Value, value};

use crate::graphql_error::GraphQlError;

/// The error, with `extensions.fields` where inputs are at fault.
pub(super) fn graphql_error(error: AuthError) -> GraphQlError {
    let at_fault =
        if let AuthError::Invalid(violations) = &error { Some(fields(violations)) } else { None };
    let error = GraphQlError::from(error);
    match at_fault {
        Some(fields) => error.with("fields", fields),
        None => error,
    }
}

/// Field to a list of `{message, code}`.
fn fields(violations: &Violations) -> Value {
    let mut fields = async_graphql::indexmap::IndexMap::<Name, Value>::new();
    for (field, violation) in violations.iter() {
        let list = fields.entry(Name::new(name(field))).or_insert_with(|| Value::List(Vec::new()));
        if let Value::List(list) = list {
            list.push(value!({ "message": violation.to_string(), "code": violation.code() }));
        }
    }
    Value::Object(fields)
}

/// The input's name. A password is given once here.
fn name(field: Field) -> &'static str {
    if field.is_password() { Field::Password.camel() } else { field.camel() }
}
