//! Bodies, as in Django REST framework: JSON, and the two kinds of forms of HTML. These paths ignore cookies, so a
//! form of a page of another site has no authenticated user.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use futures::stream;
use multer::Multipart;
use serde_json::Value;

use crate::json_body::{self, BodyError, Fields, MAX_BODY, content_type, read_bytes};

/// The kinds of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    Json,
    UrlEncoded,
    Multipart,
}

impl BodyKind {
    /// All of them, the first one first in the OpenAPI document.
    pub(super) const ALL: [Self; 3] = [Self::Json, Self::UrlEncoded, Self::Multipart];

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::UrlEncoded => "application/x-www-form-urlencoded",
            Self::Multipart => "multipart/form-data",
        }
    }

    fn of(headers: &HeaderMap) -> Option<Self> {
        let given = content_type(headers);
        Self::ALL.into_iter().find(|kind| kind.content_type().eq_ignore_ascii_case(&given))
    }
}

/// The fields of a request's body, its kind, and the rest of the request. If a field is there more than once, its
/// last value counts, as in Django.
pub(super) async fn read(request: Request) -> Result<(Parts, BodyKind, Fields), BodyError> {
    let kind = BodyKind::of(request.headers()).ok_or(BodyError::UnsupportedType)?;
    if kind == BodyKind::Json {
        let (parts, fields) = json_body::read(request).await?;
        return Ok((parts, kind, fields));
    }
    let (parts, body) = request.into_parts();
    let bytes = read_bytes(body, MAX_BODY).await?;
    let fields = if kind == BodyKind::UrlEncoded {
        form_urlencoded::parse(&bytes)
            .map(|(name, value)| (name.into_owned(), text(value.into_owned())))
            .collect()
    } else {
        multipart(&parts.headers, bytes).await.ok_or(BodyError::NotAForm)?
    };
    Ok((parts, kind, fields))
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Option<Fields> {
    let boundary = multer::parse_boundary(headers.get(CONTENT_TYPE)?.to_str().ok()?).ok()?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut parts = Multipart::new(whole, boundary);
    let mut fields = Fields::new();
    while let Some(part) = parts.next_field().await.ok()? {
        // Django, too, ignores a part without a name.
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.ok()?;
        let value =
            if is_file { Value::Null } else { text(String::from_utf8_lossy(&bytes).into()) };
        fields.insert(name, value);
    }
    Some(fields)
}

/// A value of a form; null if it was not UTF-8. Otherwise, two different passwords could become the same text.
fn text(value: String) -> Value {
    if value.contains(char::REPLACEMENT_CHARACTER) { Value::Null } else { Value::String(value) }
}
