//! JSON bodies of the REST APIs. All of them have the same limits and the same errors, each in its own form.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};

use crate::codes::Code;
use crate::header_text;

/// The most bytes that the body of a request without a file may have.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The fields of a body. They are validated one by one, so that one answer names all faults.
pub(crate) type Fields = Map<String, Value>;

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Another content type than JSON.
    UnsupportedType,
    /// More than [`MAX_BODY`] bytes.
    TooLarge,
    /// It broke off, is not UTF-8, not JSON, or not an object.
    NotAnObject,
    /// It broke off, or is not a form of the kind that its content type names.
    NotAForm,
}

impl BodyError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotAnObject | Self::NotAForm => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn code(self) -> Code {
        match self {
            Self::UnsupportedType => Code::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => Code::TOO_LARGE,
            Self::NotAnObject | Self::NotAForm => Code::PARSE_ERROR,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::UnsupportedType => "The Content-Type must be application/json.",
            Self::TooLarge => "The body is too large.",
            Self::NotAnObject => "The body is not a JSON object.",
            Self::NotAForm => "The body is not a form.",
        }
    }
}

/// The fields of a request's body, and the rest of the request.
pub(crate) async fn read(request: Request) -> Result<(Parts, Fields), BodyError> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return Err(BodyError::UnsupportedType);
    }
    let fields = read_object(body).await?;
    Ok((parts, fields))
}

/// Only JSON: a form that another site's page sends by itself is not a request.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/json")
}

/// Whether the body is of that media type, with any parameters.
pub(crate) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    content_type(headers).eq_ignore_ascii_case(wanted)
}

/// The content type, without its parameters; empty if there is none.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let given = header_text::of(headers, CONTENT_TYPE).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().to_owned()
}

async fn read_object(body: Body) -> Result<Fields, BodyError> {
    let bytes = read_bytes(body, MAX_BODY).await?;
    serde_json::from_slice(&bytes).map_err(|_| BodyError::NotAnObject)
}

/// All bytes of a body. A body of more than `limit` bytes is an error.
pub(crate) async fn read_bytes(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::NotAnObject),
    }
}
