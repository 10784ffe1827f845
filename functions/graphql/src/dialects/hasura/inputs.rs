//! The inputs of operations: texts, which are checked together, so that one answer names all that are wrong.

use std::borrow::Cow;

use accounts::model::PlainPassword;
use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::operation::Stop;

/// A text as the client sent it. Reading it never fails: [`Inputs`] reports its faults. In the schema it is a
/// nullable `String`.
#[derive(Clone, Debug, Default)]
pub(super) enum Text {
    #[default]
    Missing,
    Null,
    OtherType,
    Given(String),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| match value {
            Value::Null => Self::Null,
            Value::String(text) => Self::Given(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Self::OtherType
            }
        })
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
        Ok(text.map_or(Self::Missing, Self::Given))
    }

    fn to_value(&self) -> async_graphql::Value {
        match self {
            Self::Given(text) => async_graphql::Value::String(text.clone()),
            Self::Missing | Self::Null | Self::OtherType => async_graphql::Value::Null,
        }
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// A fault of an input that is found before the core is called, in the words of Django REST framework.
#[derive(Clone, Copy, Debug)]
pub(super) enum InputError {
    Missing,
    Null,
    Blank,
    NotText,
}

/// Takes the inputs of an operation, one by one, and collects their faults.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    wrong: Vec<(&'static str, InputError)>,
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

    /// Stops the operation if an input was wrong.
    pub(super) fn check(self) -> Result<(), Stop> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Stop::Inputs(self.wrong)) }
    }

    fn take(&mut self, name: &'static str, given: Text, is_blank: fn(&str) -> bool) -> String {
        let wrong = match given {
            Text::Given(text) if !is_blank(&text) => return text,
            Text::Given(_) => InputError::Blank,
            Text::Missing => InputError::Missing,
            Text::Null => InputError::Null,
            Text::OtherType => InputError::NotText,
        };
        self.wrong.push((name, wrong));
        String::new()
    }
}
