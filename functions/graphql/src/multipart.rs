//! The GraphQL multipart request: a document whose variables are files.

use async_graphql::http::{MultipartOptions, receive_body};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Context, Name, ParseRequestError, Request, Upload, Value};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};

use crate::endpoint::{self, Rejection, bad_request};
use crate::header_text;
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
    let given = header_text::of(headers, CONTENT_TYPE)?;
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data").then_some(given)
}

/// What the engine puts into a variable in a file's place.
const MARK: &str = "#__graphql_file__:";

/// Refuses a request in whose variables a file stands where none can be: another input would keep the
/// engine's mark as its text.
pub(crate) fn check(request: &Request, document: &ExecutableDocument) -> Result<(), Rejection> {
    let is_upload = |name: &Name| {
        let operations = document.operations.iter();
        let mut declared =
            operations.flat_map(|(_, operation)| &operation.node.variable_definitions);
        declared.any(|declared| {
            let declared = &declared.node;
            declared.name.node == *name
                && declared.var_type.node.to_string().trim_end_matches('!') == "Upload"
        })
    };
    let is_placed = |(name, value): (&Name, &Value)| {
        files(value, is_upload(name)).all(|(number, is_input)| {
            is_input && number.is_some_and(|number| number < request.uploads.len())
        })
    };
    if request.variables.iter().all(is_placed) {
        Ok(())
    } else {
        Err(bad_request("A file can only be given where an Upload is wanted, and must come along."))
    }
}

/// The marks in a value: the number of the file, and whether an upload can be there.
fn files<'a>(
    value: &'a Value,
    is_input: bool,
) -> Box<dyn Iterator<Item = (Option<usize>, bool)> + 'a> {
    match value {
        Value::String(text) => {
            let mark = text.strip_prefix(MARK);
            Box::new(mark.map(|number| (number.parse().ok(), is_input)).into_iter())
        }
        Value::List(values) => Box::new(values.iter().flat_map(|value| files(value, false))),
        Value::Object(fields) => {
            Box::new(fields.iter().flat_map(|(name, value)| files(value, name == "profilePicture")))
        }
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Enum(_) | Value::Binary(_) => {
            Box::new(std::iter::empty())
        }
    }
}

pub(crate) async fn parse(content_type: &str, body: Bytes) -> Result<Request, Rejection> {
    let limits = MultipartOptions::default().max_file_size(MAX_FILE).max_num_files(1);
    let body = futures::io::Cursor::new(body);
    match receive_body(Some(content_type), body, limits).await {
        // A map that leads nowhere would leave null where the file was to be.
        Ok(request) if request.uploads.is_empty() => {
            Err(bad_request("The map must lead a file to a variable that is null."))
        }
        Ok(request) => Ok(request),
        Err(ParseRequestError::PayloadTooLarge) => Err(Rejection(
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::new("too_large", format!("A file may have {MAX_FILE} bytes.")),
        )),
        Err(_) => Err(bad_request("The body is not a GraphQL multipart request.")),
    }
}
