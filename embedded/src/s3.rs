//! S3: each bucket is a folder, and `s3s` serves it.

use crate::StartError;
use crate::gateway::Answer;
use crate::template::{BUCKET, Template};
use axum::extract::Query;
use dynoxide::storage_backend::Clock;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The hash of the body of a request, or the kind of its chunks.
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The token of temporary credentials.
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The end of a credential whose signature is for S3.
const SCOPE: &str = "/s3/aws4_request";

/// The embedded S3 behind the gateway.
pub(crate) struct S3 {
    service: S3Service,
    root: PathBuf,
    /// The drop of this value removes the folder. `None` for a permanent folder.
    _temporary: Option<TempDir>,
}

impl S3 {
    /// Keeps objects in a temporary folder, as long as the gateway exists.
    pub(crate) fn temporary() -> io::Result<Self> {
        let folder = TempDir::with_prefix("latchkey-s3-")?;
        let s3 = Self::in_folder(folder.path())?;
        Ok(Self { _temporary: Some(folder), ..s3 })
    }

    /// Keeps objects in an existing folder.
    pub(crate) fn in_folder(root: &Path) -> io::Result<Self> {
        let files =
            FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let service = S3ServiceBuilder::new(files).build();
        Ok(Self { service, root: root.to_owned(), _temporary: None })
    }

    /// Creates the only bucket of the template under `name`, unless it exists.
    pub(crate) fn ensure_bucket(&self, template: &str, name: &str) -> Result<(), StartError> {
        Template::read(template)
            .and_then(|it| it.only(BUCKET).map(drop))
            .map_err(StartError::Template)?;
        if !s3s::path::check_bucket_name(name) {
            return Err(StartError::BucketName { name: name.to_owned() });
        }
        let path = self.root.join(name);
        std::fs::create_dir_all(&path).map_err(|source| StartError::DataDir { path, source })
    }

    /// Whether the bucket of the object exists. Without this check, `s3s-fs` would create it for a new object.
    fn has_bucket(&self, uri: &Uri) -> bool {
        object(uri).is_none_or(|(bucket, _)| {
            s3s::path::check_bucket_name(bucket) && self.root.join(bucket).is_dir()
        })
    }

    /// Answers a request. It accepts all credentials, so it verifies no signature. For a signed URL, it checks only the
    /// age.
    pub(crate) async fn call(
        &self,
        mut parts: request::Parts,
        body: Bytes,
        clock: &dyn Clock,
    ) -> Result<Answer, String> {
        if PresignedUrl::of(&parts.uri).is_some_and(|presigned| presigned.has_expired(clock)) {
            return Ok(error(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"));
        }
        if !self.has_bucket(&parts.uri) {
            let reason = "The specified bucket does not exist";
            return Ok(error(StatusCode::NOT_FOUND, "NoSuchBucket", reason));
        }
        let sha256 = parts.headers.remove(CONTENT_SHA256);
        if sha256.is_some_and(|sha256| sha256.as_bytes().starts_with(b"STREAMING-")) {
            let reason = "A body that is signed chunk by chunk is not taken here.";
            return Ok(error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", reason));
        }
        for secret in [AUTHORIZATION, SECURITY_TOKEN] {
            parts.headers.remove(secret);
        }
        parts.uri = unsigned(&parts.uri).map_err(|error| error.to_string())?;
        // The body is a stream, because `s3s` logs its requests with all other kinds of bodies.
        let request = http::Request::from_parts(parts, s3s::Body::http_body(Full::new(body)));
        let answer = self.service.call(request).await.map_err(|error| format!("{error:?}"))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
    }
}

/// Whether the request has a signature for S3, in its header or in its URL.
pub(crate) fn is_signed(uri: &Uri, headers: &HeaderMap) -> bool {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    header.is_some_and(|header| header.contains(SCOPE))
        || PresignedUrl::of(uri).is_some_and(|presigned| presigned.credential.ends_with(SCOPE))
}

/// The credential that a URL is signed with.
pub(crate) fn credential(uri: &Uri) -> Option<String> {
    PresignedUrl::of(uri).map(|presigned| presigned.credential)
}

/// The key of the object that a request is about; otherwise empty.
pub(crate) fn key(uri: &Uri) -> &str {
    object(uri).map_or("", |(_, key)| key)
}

/// The name of the operation, if faults or the tally need it; otherwise empty.
pub(crate) fn operation(method: &Method, uri: &Uri) -> &'static str {
    match (method, object(uri).is_some()) {
        (&Method::GET, true) => "GetObject",
        (&Method::HEAD, true) => "HeadObject",
        (&Method::PUT, true) => "PutObject",
        (&Method::DELETE, true) => "DeleteObject",
        _ => "",
    }
}

/// Bucket and key, of a URL that has both.
fn object(uri: &Uri) -> Option<(&str, &str)> {
    let path = uri.path().strip_prefix('/')?;
    path.split_once('/').filter(|(_, key)| !key.is_empty())
}

/// An error in the form of S3.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// The parts of a presigned URL that the check needs.
#[derive(Deserialize)]
struct PresignedUrl {
    #[serde(rename = "X-Amz-Credential")]
    credential: String,
    #[serde(rename = "X-Amz-Date")]
    date: String,
    #[serde(rename = "X-Amz-Expires")]
    expires: u32,
}

impl PresignedUrl {
    fn of(uri: &Uri) -> Option<Self> {
        Query::try_from_uri(uri).ok().map(|Query(presigned)| presigned)
    }

    /// Whether it has expired. A URL with a malformed time has expired.
    fn has_expired(&self, clock: &dyn Clock) -> bool {
        let signed_at = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date)
            .and_then(|date| date.to_zoned(TimeZone::UTC))
            .ok()
            .and_then(|date| u64::try_from(date.timestamp().as_second()).ok());
        signed_at.is_none_or(|at| clock.now_unix_secs() > at + u64::from(self.expires))
    }
}

/// The URL without its signature. Otherwise `s3s` would verify the signature.
fn unsigned(uri: &Uri) -> Result<Uri, http::Error> {
    let of_signature = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        name.len() > 6 && name[..6].eq_ignore_ascii_case("x-amz-")
    };
    let query = uri.query().unwrap_or_default().split('&').filter(|it| !of_signature(it));
    let query: Vec<&str> = query.filter(|parameter| !parameter.is_empty()).collect();
    let path = if query.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), query.join("&"))
    };
    Uri::builder().path_and_query(path).build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that fails a test")]

    use super::*;

    #[test]
    fn a_temporary_folder_goes_with_its_s3() {
        let s3 = S3::temporary().unwrap();
        let root = s3.root.clone();
        std::fs::write(root.join("object"), "").unwrap();
        drop(s3);
        assert!(!root.exists());
    }

    #[test]
    fn only_what_is_signed_for_s3_is_for_s3() {
        let signed = |scope: &str| {
            let credential = format!(
                "AWS4-HMAC-SHA256 Credential=any/20260301/us-east-1/{scope}/aws4_request, SignedHeaders=host, Signature=0"
            );
            let headers = HeaderMap::from_iter([(AUTHORIZATION, credential.parse().unwrap())]);
            let url = format!(
                "/b/k?X-Amz-Credential=any%2F20260301%2Fus-east-1%2F{scope}%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=60"
            );
            let in_header = is_signed(&Uri::from_static("/"), &headers);
            (in_header, is_signed(&url.parse().unwrap(), &HeaderMap::new()))
        };
        assert_eq!(signed("s3"), (true, true));
        assert_eq!(signed("dynamodb"), (false, false));
        assert!(!is_signed(&Uri::from_static("/b/k"), &HeaderMap::new()));
    }

    #[test]
    fn a_url_loses_its_signature_and_nothing_else() {
        let url = |url: &str| unsigned(&url.parse().unwrap()).unwrap().to_string();
        assert_eq!(
            url("/b/a%20b?x-id=GetObject&X-Amz-Date=1&X-Amz-Signature=2"),
            "/b/a%20b?x-id=GetObject"
        );
        assert_eq!(url("http://aws/b/k?X-Amz-Date=1"), "/b/k");
        assert_eq!(url("/b?list-type=2&prefix=a%2Fb"), "/b?list-type=2&prefix=a%2Fb");
    }
}
