//! The inputs of operations: texts, which are checked together, so that one answer names all that are wrong.

use std::borrow::Cow;

use accounts::model::PlainPassword;
use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::action_error::{ActionError, Faults, FieldError};

/// A text as the client sent it, or the fault of what it sent instead. Reading it never fails: [`Inputs`] reports
/// the fault. In the schema it is a nullable `String`.
#[derive(Clone, Debug)]
pub(super) struct Text(Result<String, FieldError>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer) {
            Ok(Value::String(text)) => Ok(text),
            Ok(Value::Null) => Err(FieldError::NULL),
            Ok(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(FieldError::NOT_TEXT)
            }
            // Serde reads a member that is not there from a deserializer that always fails.
            Err(_) => Err(FieldError::MISSING),
        }))
    }
}

impl InputType for Text {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        String::type_name()
    }

    fn qualified_type_name() -> String {
        Option::<String>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Option::<String>::create_type_info(registry)
    }

    /// A `null` counts as missing, as it does where these operations come from.
    fn parse(value: Option<async_graphql::Value>) -> InputValueResult<Self> {
        let text = Option::<String>::parse(value).map_err(InputValueError::propagate)?;
        Ok(Self(text.ok_or(FieldError::MISSING)))
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.clone().map_or(async_graphql::Value::Null, Into::into)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// True or false as the client sent it, or the fault of what it sent instead; false if it is left out. In the schema it is a
/// nullable `Boolean`.
#[derive(Clone, Debug)]
pub(super) struct Flag(Result<bool, FieldError>);

impl Default for Flag {
    fn default() -> Self {
        Self(Ok(false))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Ok(flag),
            Value::Null => Ok(false),
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err(FieldError::NOT_FLAG)
            }
        }))
    }
}

impl InputType for Flag {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        bool::type_name()
    }

    fn qualified_type_name() -> String {
        Option::<bool>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Option::<bool>::create_type_info(registry)
    }

    fn parse(value: Option<async_graphql::Value>) -> InputValueResult<Self> {
        let flag = Option::<bool>::parse(value).map_err(InputValueError::propagate)?;
        Ok(Self(Ok(flag.unwrap_or_default())))
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.clone().map_or(async_graphql::Value::Null, Into::into)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Takes the inputs of an operation, one by one, and collects their faults.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    faults: Faults,
}

impl Inputs {
    /// A text that must not be blank; empty if it is wrong.
    pub(super) fn text(&mut self, name: &'static str, given: Text) -> String {
        self.take(name, given, |text| text.trim().is_empty())
    }

    /// A password that must not be empty. Whether white space can be a password is the core's rule, and only for
    /// a new one.
    pub(super) fn password(&mut self, name: &'static str, given: Text) -> PlainPassword {
        PlainPassword::new(self.take(name, given, str::is_empty))
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &'static str, given: Flag) -> bool {
        given.0.unwrap_or_else(|fault| {
            self.faults.entry(name).or_default().push(fault);
            false
        })
    }

    /// Stops the operation if an input was wrong.
    pub(super) fn check(self) -> Result<(), ActionError> {
        if self.faults.is_empty() { Ok(()) } else { Err(ActionError::of_inputs(self.faults)) }
    }

    fn take(&mut self, name: &'static str, given: Text, is_blank: fn(&str) -> bool) -> String {
        let text = given
            .0
            .and_then(|text| if is_blank(&text) { Err(FieldError::BLANK) } else { Ok(text) });
        text.unwrap_or_else(|fault| {
            self.faults.entry(name).or_default().push(fault);
            String::new()
        })
    }
}
