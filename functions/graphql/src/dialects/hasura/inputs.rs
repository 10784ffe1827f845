//! The inputs of operations, which are checked together, so that one answer names all that are wrong.

use std::borrow::Cow;

use accounts::model::PlainPassword;
use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::action_error::{ActionError, Faults, FieldError};

/// A value as the client sent it, or the fault of what it sent instead. Reading it never fails: [`Inputs`] reports the
/// fault. In the schema it is nullable.
#[derive(Clone, Debug)]
pub(super) struct Given<T>(Result<T, FieldError>);

/// A text.
pub(super) type Text = Given<String>;

/// True or false; false if it is left out.
pub(super) type Flag = Given<bool>;

/// The type of an input. Its constants say what Latchkey uses if the client sends no value of this type.
pub(super) trait InputKind: InputType + DeserializeOwned {
    /// For `null` in JSON.
    const NULL: Result<Self, FieldError>;
    /// For a member that is left out, and for `null` in GraphQL, as in the Django application that Latchkey replaces.
    const MISSING: Result<Self, FieldError>;
    /// The fault of a value of another type.
    const WRONG_TYPE: FieldError;
}

impl InputKind for String {
    const NULL: Result<Self, FieldError> = Err(FieldError::NULL);
    const MISSING: Result<Self, FieldError> = Err(FieldError::MISSING);
    const WRONG_TYPE: FieldError = FieldError::NOT_TEXT;
}

impl InputKind for bool {
    const NULL: Result<Self, FieldError> = Ok(false);
    const MISSING: Result<Self, FieldError> = Ok(false);
    const WRONG_TYPE: FieldError = FieldError::NOT_FLAG;
}

impl<'de, T: InputKind> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer) {
            Ok(Value::Null) => T::NULL,
            Ok(value) => serde_json::from_value(value).map_err(|_| T::WRONG_TYPE),
            // Serde reads a member that is not there from a deserializer that always fails.
            Err(_) => T::MISSING,
        }))
    }
}

impl<T: InputKind> InputType for Given<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        Option::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Option::<T>::create_type_info(registry)
    }

    fn parse(value: Option<async_graphql::Value>) -> InputValueResult<Self> {
        let value = Option::<T>::parse(value).map_err(InputValueError::propagate)?;
        Ok(Self(value.map_or(T::MISSING, Ok)))
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.as_ref().map_or(async_graphql::Value::Null, T::to_value)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Takes the inputs of an operation, one by one, and collects their faults.
#[derive(Debug)]
pub(super) struct Inputs {
    faults: Faults,
}

impl Inputs {
    /// Takes the inputs of an operation. If one is wrong, the operation stops, and the error names all that are wrong.
    pub(super) fn read<T>(take: impl FnOnce(&mut Self) -> T) -> Result<T, ActionError> {
        let mut inputs = Self { faults: Faults::new() };
        let values = take(&mut inputs);
        let Self { faults } = inputs;
        if faults.is_empty() { Ok(values) } else { Err(ActionError::of_inputs(faults)) }
    }

    /// Takes a text that must not be blank. Returns an empty text if the input is wrong.
    pub(super) fn text(&mut self, name: &'static str, given: Text) -> String {
        self.take(name, given.not_blank(|text| text.trim().is_empty()))
    }

    /// Takes a password that must not be empty. The core refuses a password of white space, but only as a new
    /// password.
    pub(super) fn password(&mut self, name: &'static str, given: Text) -> PlainPassword {
        PlainPassword::new(self.take(name, given.not_blank(str::is_empty)))
    }

    /// A value; the default of its type if it is wrong.
    pub(super) fn take<T: Default>(&mut self, name: &'static str, given: Given<T>) -> T {
        given.0.unwrap_or_else(|fault| {
            self.faults.entry(name).or_default().push(fault);
            T::default()
        })
    }
}

impl Text {
    fn not_blank(self, is_blank: fn(&str) -> bool) -> Self {
        Self(
            self.0.and_then(|text| if is_blank(&text) { Err(FieldError::BLANK) } else { Ok(text) }),
        )
    }
}
