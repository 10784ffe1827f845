//! Bodies, field by field, so that everything that is wrong with their form is reported at once.

use accounts::error::Violation;
use axum::extract::Request;
use axum::http::request::Parts;
use serde_json::Value;

use super::api_error::ApiError;
use super::body::{self, BodyKind};
use crate::json_body::Fields;

/// A field's name, and the fault of its value.
pub(super) type FormError = (&'static str, Violation);

/// A body whose fields are taken one by one, and the faults so far.
#[derive(Debug)]
pub(super) struct Form {
    kind: BodyKind,
    fields: Fields,
    refused: Vec<FormError>,
}

impl Form {
    /// A text that must be there, without the space around it.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let text = self.text(name).trim().to_owned();
        self.must_be_given(name, &text);
        text
    }

    /// A password that must be there, as it was typed: it may begin or end with a space, and an old one may have
    /// nothing else. The rules of a new one are in the core.
    pub(super) fn password(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        self.must_be_given(name, &text);
        text
    }

    fn must_be_given(&mut self, name: &'static str, text: &str) {
        if text.is_empty() && !self.refused.iter().any(|(refused, _)| *refused == name) {
            self.refused.push((name, Violation::Required));
        }
    }

    /// A text; empty if it is left out.
    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_default()
    }

    /// A text that may be left out, and in a form be left empty: a browser sends every field.
    pub(super) fn optional_filled(&mut self, name: &'static str) -> Option<String> {
        let text = self.optional(name)?;
        (self.kind == BodyKind::Json || !text.is_empty()).then_some(text)
    }

    /// True or false, as Django REST framework takes it; false if it is left out.
    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let given = match self.fields.remove(name) {
            None => return false,
            Some(Value::Bool(flag)) => Some(flag),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(_) | None => None,
            },
            Some(Value::String(text)) => match text.trim().to_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
                "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
                "" if self.kind != BodyKind::Json => Some(false),
                _ => None,
            },
            Some(Value::Null | Value::Array(_) | Value::Object(_)) => None,
        };
        if given.is_none() {
            self.refused.push((name, Violation::NotFlag));
        }
        given.unwrap_or_default()
    }

    /// A text that may be left out. A whole number counts as a text, as in Django REST framework; null, and a number
    /// whose digits JSON does not keep, do not.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<String> {
        match self.fields.remove(name)? {
            Value::String(text) => return Some(text),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                return Some(number.to_string());
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
        self.refused.push((name, Violation::NotText));
        None
    }
}

/// A request's head, and what `take` makes of its body. Fields that are not taken are ignored.
pub(super) async fn read<T>(
    request: Request,
    take: impl FnOnce(&mut Form) -> T,
) -> Result<(Parts, T), ApiError> {
    let (parts, kind, fields) = body::read(request).await?;
    let mut form = Form { kind, fields, refused: Vec::new() };
    let taken = take(&mut form);
    if form.refused.is_empty() { Ok((parts, taken)) } else { Err(ApiError::Form(form.refused)) }
}
