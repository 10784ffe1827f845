//! The GraphQL multipart request: a document whose variables are files.

use async_graphql::http::{MultipartOptions, receive_body};
use async_graphql::{Context, ParseRequestError, Request, Upload};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};

use crate::endpoint::{self, Rejection, bad_request};
use crate::refusal::Refusal;

/// The most bytes of a file: some more than a picture may have, so that one that is too large is told
/// so by the rule for pictures.
const MAX_FILE: usize = 2 * 1024 * 1024 + 64 * 1024;
/// The most bytes that a request's body may have.
pub(crate) const MAX_BODY: usize = MAX_FILE + endpoint::MAX_BODY;

/// How many files came with a request.
pub(crate) struct Uploads(pub(crate) usize);

impl Uploads {
    /// The bytes of a file that is named in the document; `None` when the name is made up.
    pub(crate) fn bytes(ctx: &Context<'_>, upload: Upload) -> Option<Vec<u8>> {
        let is_there = upload.0 < ctx.data_unchecked::<Self>().0;
        let file = is_there.then(|| upload.value(ctx).ok()).flatten()?;
        Some(file.content.to_vec())
    }
}

/// The content type of a request with files, which names the boundary between its parts.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data").then(|| given.to_owned())
}

pub(crate) async fn parse(content_type: &str, body: Bytes) -> Result<Request, Rejection> {
    let limits = MultipartOptions::default().max_file_size(MAX_FILE).max_num_files(1);
    let body = futures::io::Cursor::new(body);
    match receive_body(Some(content_type), body, limits).await {
        Ok(request) => Ok(request),
        Err(ParseRequestError::PayloadTooLarge) => Err(Rejection(
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::new("too_large", format!("A file may have {MAX_FILE} bytes.")),
        )),
        Err(_) => Err(bad_request("The body is not a GraphQL multipart request.")),
    }
}
