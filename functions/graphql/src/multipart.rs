//! The GraphQL multipart request: a document whose variables are files.

use std::collections::BTreeMap;

use accounts::model::picture::MAX_BYTES as MAX_PICTURE;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Context, Name, Request, Upload, UploadValue, Value};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use multer::{Constraints, Multipart, SizeLimit};

use crate::codes::Code;
use crate::dialects;
use crate::graphql_error::{GraphQlError, HttpError, bad_request};
use crate::request_fields::RequestFields;
use crate::{header_text, json_body};

/// The most bytes of a file: some more than a picture may have, so that the rule for pictures refuses a picture that is
/// too large.
const MAX_FILE: usize = MAX_PICTURE + 64 * 1024;
/// The most bytes that a request's body may have.
pub(crate) const MAX_BODY: usize = MAX_FILE + json_body::MAX_BODY;
/// The parts that are texts, and as short as a body of JSON. All others are files, with or without a file's name.
const TEXTS: [&str; 6] = ["operations", "map", "query", "variables", "operationName", "extensions"];

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

/// The marker that the engine puts into a variable in place of a file.
const MARK: &str = "#__graphql_file__:";

/// Whether a text is the marker of a file.
pub(crate) fn is_mark(text: &str) -> bool {
    text.strip_prefix(MARK).is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Refuses a request with a file in a variable that cannot take one: another input would keep the engine's marker as
/// its text.
pub(crate) fn check(request: &Request, document: &ExecutableDocument) -> Result<(), HttpError> {
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
        Err(bad_request("A file can only be given for an Upload, and the request must contain it."))
    }
}

/// The markers in a value: the number of the file, and whether an upload can be there.
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
        Value::Object(fields) => Box::new(
            fields.iter().flat_map(|(name, value)| files(value, dialects::is_upload(name))),
        ),
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Enum(_) | Value::Binary(_) => {
            Box::new(std::iter::empty())
        }
    }
}

/// The parts of a multipart body.
#[derive(Default)]
struct Parts {
    /// The fields that are no files: `operations`, `map`, or what a plain form has.
    fields: Vec<(String, String)>,
    files: Vec<(String, UploadValue)>,
}

/// The place of each file: the name of its part, and the paths of its variables.
type FileMap = BTreeMap<String, Vec<String>>;

/// Reads a request with files, or a form without any. The fields of the URL count first.
pub(crate) async fn parse(
    url: RequestFields,
    content_type: &str,
    body: Bytes,
) -> Result<Request, HttpError> {
    let Parts { fields, files } = read(content_type, body).await?;
    let field = |name: &str| fields.iter().rfind(|(given, _)| given == name).map(|(_, text)| text);
    let map: FileMap = match field("map") {
        Some(map) => serde_json::from_str(map).map_err(|_| not_multipart())?,
        None => FileMap::new(),
    };
    let fields = match field("operations") {
        Some(operations) => RequestFields::json(operations.as_bytes())?,
        None => RequestFields::fields(fields.into_iter())?,
    };
    let mut request = url.or(fields).request()?;
    place(&mut request, files, &map)?;
    Ok(request)
}

/// The fields of a form of a page, which may have a file.
pub(crate) async fn form(
    content_type: &str,
    body: Bytes,
) -> Result<Vec<(String, Bytes)>, HttpError> {
    let Parts { files, .. } = read(content_type, body).await?;
    Ok(files.into_iter().map(|(name, file)| (name, file.content)).collect())
}

async fn read(content_type: &str, body: Bytes) -> Result<Parts, HttpError> {
    let refused = |error| {
        if let multer::Error::FieldSizeExceeded { limit, .. } = error {
            too_large(limit)
        } else {
            not_multipart()
        }
    };
    let boundary = multer::parse_boundary(content_type).map_err(refused)?;
    let limits = TEXTS.iter().fold(SizeLimit::new().per_field(MAX_FILE as u64), |limits, name| {
        limits.for_field(*name, json_body::MAX_BODY as u64)
    });
    let body = futures::stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let limits = Constraints::new().size_limit(limits);
    let mut multipart = Multipart::with_constraints(body, boundary, limits);
    let mut parts = Parts::default();
    while let Some(field) = multipart.next_field().await.map_err(refused)? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        let filename = field.file_name().unwrap_or_default().to_owned();
        let content_type = field.content_type().map(ToString::to_string);
        let content = field.bytes().await.map_err(refused)?;
        if TEXTS.contains(&name.as_str()) {
            let text = String::from_utf8(content.into()).map_err(|_| not_multipart())?;
            parts.fields.push((name, text));
        } else {
            parts.files.push((name, UploadValue { filename, content_type, content }));
        }
    }
    Ok(parts)
}

/// Puts the files where the map wants them.
fn place(
    request: &mut Request,
    files: Vec<(String, UploadValue)>,
    map: &FileMap,
) -> Result<(), HttpError> {
    for (name, file) in files {
        let Some(paths) = map.get(&name) else {
            // A form field without a meaning here, or a file input that the user left empty.
            if file.filename.is_empty() {
                continue;
            }
            return Err(misplaced());
        };
        for path in paths {
            request.set_upload(path, file.try_clone().map_err(|_| not_multipart())?);
        }
    }
    // A map that leads nowhere would leave null where the file was to be.
    let wanted: usize = map.values().map(Vec::len).sum();
    if request.uploads.len() == wanted && map.values().all(|paths| !paths.is_empty()) {
        Ok(())
    } else {
        Err(misplaced())
    }
}

fn misplaced() -> HttpError {
    bad_request("The map must assign each file to a variable that is null in the operations.")
}

fn too_large(limit: u64) -> HttpError {
    let message = format!("This part of the body may have at most {limit} bytes.");
    HttpError(StatusCode::PAYLOAD_TOO_LARGE, GraphQlError::new(Code::TOO_LARGE, message))
}

fn not_multipart() -> HttpError {
    bad_request("The body is not a GraphQL multipart request.")
}
