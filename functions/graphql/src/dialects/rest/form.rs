//! Bodies, field by field, so that all that is wrong with their form is told at once.

use accounts::error::Violation;
use axum::extract::Request;
use axum::http::request::Parts;
use serde_json::Value;

use super::failure::Failure;
use crate::json_body::{self, Fields};

/// A field's name, and what is wrong with what it holds.
pub(super) type Refused = (&'static str, Violation);

/// A body whose fields are being taken, and what is wrong with those that were.
#[derive(Debug)]
pub(super) struct Form {
    fields: Fields,
    refused: Vec<Refused>,
}

impl Form {
    /// A text without which nothing can be tried.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        let is_refused = self.refused.iter().any(|(refused, _)| *refused == name);
        if text.trim().is_empty() && !is_refused {
            self.refused.push((name, Violation::Required));
        }
        text
    }

    /// A text; empty if there is none.
    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_default()
    }

    /// A text that may be left out, but not be anything else, null included.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<String> {
        if let Value::String(text) = self.fields.remove(name)? {
            return Some(text);
        }
        self.refused.push((name, Violation::NotText));
        None
    }
}

/// A request's head, and what `take` makes of its body. Fields that nobody takes are passed over.
pub(super) async fn read<T>(
    request: Request,
    take: impl FnOnce(&mut Form) -> T,
) -> Result<(Parts, T), Failure> {
    let (parts, fields) = json_body::read(request).await?;
    let mut form = Form { fields, refused: Vec::new() };
    let taken = take(&mut form);
    if form.refused.is_empty() { Ok((parts, taken)) } else { Err(Failure::Form(form.refused)) }
}
