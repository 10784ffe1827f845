//! The scalars of the schema.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;
use serde::Serialize;

/// Any JSON: the claims of a token, the tokens of a new account, or the personal data of a user.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GenericScalar(pub(crate) Value);

#[Scalar]
impl ScalarType for GenericScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// ISO 8601 with microseconds and `+00:00`, as Django writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateTime(pub(crate) Timestamp);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        if let Value::String(text) = &value {
            Ok(Self(text.parse()?))
        } else {
            Err(InputValueError::expected_type(value))
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string())
    }
}
