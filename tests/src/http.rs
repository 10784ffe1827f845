//! Requests to the router, as API Gateway or a browser would send them.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::Site;

/// An answer of the router.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The id of the request in the log.
    pub fn request_id(&self) -> &str {
        let id = self.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        id.expect("every answer names its request")
    }

    /// The `extensions.code` of the first error.
    pub fn code(&self) -> Option<String> {
        Some(self.json()["errors"][0]["extensions"]["code"].as_str()?.to_owned())
    }
}

impl Site {
    /// Sends a request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.respond(request.body(body.into()).expect("a request")).await
    }

    /// Sends a request from that address.
    pub async fn send_from(
        &self,
        ip: [u8; 4],
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).expect("a request");
        let address: SocketAddr = (ip, 443).into();
        request.extensions_mut().insert(ConnectInfo(address));
        self.respond(request).await
    }

    /// Sends a form, as a browser does. If the answer redirects (303), returns the page that it leads to.
    pub async fn submit(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let answer = self.send(Method::POST, path, headers, body).await;
        if answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        let page = answer.headers["location"].to_str().expect("a path");
        self.send(Method::GET, page, &[], "").await
    }

    /// Answers a request as it is.
    pub async fn respond(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Posts a document with its variables, as an anonymous caller.
    pub async fn graphql(&self, document: &str, variables: Value) -> Answer {
        self.graphql_as(None, document, variables).await
    }

    /// Posts a document with its variables; `authorization` is the header.
    pub async fn graphql_as(
        &self,
        authorization: Option<&str>,
        document: &str,
        variables: Value,
    ) -> Answer {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.send(Method::POST, "/graphql", &headers, body).await
    }
}
