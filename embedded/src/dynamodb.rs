//! A client of the embedded `DynamoDB` server that keeps its connections.

use crate::gateway::Answer;
use crate::keys::PendingCall;
use crate::tally::{Call, Tally, request_capacity};
use dynoxide::Database;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response, Uri, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;

/// The embedded `DynamoDB` behind the gateway.
pub(crate) struct DynamoDb {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    /// Looks up the keys of the calls that the tally counts.
    database: Database,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl DynamoDb {
    pub(crate) fn at(address: SocketAddr, database: Database) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), address, database }
    }

    /// Forwards the request without changes. While the tally counts, the request also asks for its consumed capacity,
    /// and the tally reads it from the answer.
    pub(crate) async fn call(
        &self,
        operation: &str,
        mut parts: request::Parts,
        mut body: Bytes,
        tally: &Tally,
    ) -> Result<Answer, BoxError> {
        let counting = tally.is_counting() && !operation.is_empty();
        if counting {
            body = request_capacity(operation, body);
            parts.headers.remove(CONTENT_LENGTH);
        }
        let pending =
            counting.then(|| PendingCall::new(&self.database, operation, &body)).flatten();
        let answer = self.forward(parts, body).await?;
        if counting {
            let (body, database) = (answer.body(), &self.database);
            tally.record(Call::from_answer(operation, body, pending.as_ref(), database));
        }
        Ok(answer.map(Full::new))
    }

    async fn forward(
        &self,
        mut parts: request::Parts,
        body: Bytes,
    ) -> Result<Response<Bytes>, BoxError> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = Uri::builder()
            .scheme("http")
            .authority(self.address.to_string())
            .path_and_query(path)
            .build()?;
        for of_this_connection in [CONNECTION, TRANSFER_ENCODING] {
            parts.headers.remove(of_this_connection);
        }
        let answer = self.client.request(Request::from_parts(parts, Full::new(body))).await?;
        let (mut parts, body) = answer.into_parts();
        for of_that_connection in [CONNECTION, TRANSFER_ENCODING] {
            parts.headers.remove(of_that_connection);
        }
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }
}
