//! Headers as text. A header is not given up for one byte that is not ASCII.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The text of a header's first line, if the request has the header.
pub(crate) fn of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(text)
}

/// The texts of all lines of a header.
pub(crate) fn all(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = String> {
    headers.get_all(name).into_iter().map(text)
}

/// UTF-8, as programs of today write it, or else ISO-8859-1, in which every byte is a character (RFC 9110, 5.5).
fn text(value: &HeaderValue) -> String {
    let latin = || value.as_bytes().iter().copied().map(char::from).collect();
    std::str::from_utf8(value.as_bytes()).map_or_else(|_| latin(), str::to_owned)
}
