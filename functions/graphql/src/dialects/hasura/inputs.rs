//! The inputs of operations, which are checked together, so that one answer names all that are wrong.

use std::borrow::Cow;

use accounts::model::PlainPassword;
use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::action_error::{ActionError, BLANK, Faults, MISSING, NOT_FLAG, NOT_TEXT, NULL};
use crate::dialects::problems::FieldError;

/// A value as the client sent it, or the fault of what it sent instead. Reading it never fails: [`Inputs`] reports the
/// fault. In the schema it is nullable.
#[derive(Clone, Debug)]
pub(super) struct Given<T>(Result<T, FieldError>);

/// A text.
pub(super) type Text = Given<String>;

/// True or false; false if it is left out.
pub(super) type Flag = Given<bool>;

/// The type of an input.
pub(super) trait InputKind: InputType + DeserializeOwned {
    /// The value of an input that is null or left out. Without this default, the client must give the input.
    const DEFAULT: Option<Self>;
    /// The fault of a value of another type.
    const WRONG_TYPE: FieldError;
}

impl InputKind for String {
    const DEFAULT: Option<Self> = None;
    const WRONG_TYPE: FieldError = NOT_TEXT;
}

impl InputKind for bool {
    const DEFAULT: Option<Self> = Some(false);
    const WRONG_TYPE: FieldError = NOT_FLAG;
}

impl<'de, T: InputKind> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer) {
            Ok(Value::Null) => T::DEFAULT.ok_or(NULL),
            Ok(value) => serde_json::from_value(value).map_err(|_| T::WRONG_TYPE),
            // Serde reads a member that is not there from a deserializer that always fails.
            Err(_) => T::DEFAULT.ok_or(MISSING),
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
        // Null counts as left out, as in the Django application that Latchkey replaces.
        Ok(Self(value.or(T::DEFAULT).ok_or(MISSING)))
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
pub(super) struct Inputs(Faults);

impl Inputs {
    /// Takes the inputs of an operation. If one is wrong, the operation stops, and the error names all that are wrong.
    pub(super) fn read<T>(take: impl FnOnce(&mut Self) -> T) -> Result<T, ActionError> {
        let mut inputs = Self(Faults::new());
        let values = take(&mut inputs);
        if inputs.0.is_empty() { Ok(values) } else { Err(ActionError::of_inputs(inputs.0)) }
    }

    /// Takes a text that must not be blank. Returns an empty text if the input is wrong.
    pub(super) fn text(&mut self, name: &'static str, given: Text) -> String {
        self.value(name, given.not_blank(|text| text.trim().is_empty()))
    }

    /// Takes a password that must not be empty. The core refuses a password of white space, but only as a new
    /// password.
    pub(super) fn password(&mut self, name: &'static str, given: Text) -> PlainPassword {
        PlainPassword::new(self.value(name, given.not_blank(str::is_empty)))
    }

    /// Takes true or false. Returns false if the input is wrong.
    pub(super) fn flag(&mut self, name: &'static str, given: Flag) -> bool {
        self.value(name, given)
    }

    fn value<T: Default>(&mut self, name: &'static str, given: Given<T>) -> T {
        given.0.unwrap_or_else(|fault| {
            self.0.entry(name).or_default().push(fault);
            T::default()
        })
    }
}

/// Reads inputs: in `read!(self, email: text, token: text)`, the method [`Inputs::text`] takes the fields `email` and
/// `token`. Returns a `Result` with the value of the only input, or with a tuple of the values.
macro_rules! read {
    ($input:expr, $($name:ident: $take:ident),+) => {
        $crate::dialects::hasura::inputs::Inputs::read(|inputs| {
            ($(inputs.$take(stringify!($name), $input.$name)),+)
        })
    };
}
pub(super) use read;

impl Text {
    fn not_blank(self, is_blank: fn(&str) -> bool) -> Self {
        Self(self.0.and_then(|text| if is_blank(&text) { Err(BLANK) } else { Ok(text) }))
    }
}
