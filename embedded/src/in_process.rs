//! The HTTP client for an SDK in this process, without a socket.

use crate::gateway::Gateway;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Uri};
use http_body_util::BodyExt as _;
use std::fmt;
use std::sync::Arc;

/// A client for the configuration of an SDK. It passes the bytes of each request to the endpoint, like a connection.
/// The same faults and counts apply. A fault that closes the connection is an I/O error of the call.
pub(crate) fn client(gateway: Arc<Gateway>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess { gateway });
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Clone)]
struct InProcess {
    gateway: Arc<Gateway>,
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let gateway = Arc::clone(&self.gateway);
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request =
                as_received(request).map_err(|error| ConnectorError::user(error.into()))?;
            let answer = gateway
                .answer(request)
                .await
                .map_err(|closed| ConnectorError::io(closed.into()))?;
            let (mut parts, body) = answer.into_parts();
            let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes);
            parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| body.len().into());
            HttpResponse::try_from(http::Response::from_parts(parts, SdkBody::from(body)))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The request as a server reads it from a connection: the host in a header, and only the path in the URI.
fn as_received(request: Request<SdkBody>) -> Result<Request<SdkBody>, http::Error> {
    let (mut parts, body) = request.into_parts();
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str())?;
        parts.headers.entry(HOST).or_insert(host);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>()?;
    Ok(Request::from_parts(parts, body))
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}
