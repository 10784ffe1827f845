//! Profile pictures, in S3 and in a browser.

use accounts::AuthError;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::{Actor, BUCKET, Site};

/// The answer that a browser got.
#[derive(Debug)]
pub struct Shown {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Site {
    /// Makes these bytes the user's picture.
    pub async fn set_picture(&self, actor: &Actor, bytes: Vec<u8>) -> Result<(), AuthError> {
        self.accounts.set_picture(&self.caller(actor).await, bytes).await
    }

    /// The key of the user's picture.
    pub async fn picture_key(&self, actor: &Actor) -> Option<String> {
        self.caller(actor).await.user.profile_picture
    }

    /// The URL of the user's picture.
    pub async fn picture_url(&self, actor: &Actor) -> Option<String> {
        let user = self.caller(actor).await.user;
        self.accounts.picture_url(&user).await.expect("credentials to sign with")
    }

    /// The user's picture, as a browser gets it.
    pub async fn picture(&self, actor: &Actor) -> Shown {
        show(&self.picture_url(actor).await.expect("a picture")).await
    }

    /// The keys of all objects.
    pub async fn objects(&self) -> Vec<String> {
        let list = self.s3.list_objects_v2().bucket(BUCKET).send().await.expect("a list");
        list.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

/// The answer to a browser that opens a URL.
pub async fn show(url: &str) -> Shown {
    let request = Request::get(url).body(Body::empty()).expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
    Shown { status: parts.status, headers: parts.headers, bytes }
}
