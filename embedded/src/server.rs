//! Listens, and passes every request to the gateway.

use crate::Hosts;
use crate::gateway::{Answer, Gateway, NoAnswer, error};
use crate::listen::{self, Limits, stopped};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The time for which a connection may be idle. It is longer than SDKs keep a connection, so that no SDK uses a closed
/// one.
const IDLE: Duration = Duration::from_mins(2);

/// Serves until the stop signal.
pub(crate) async fn serve(listener: TcpListener, server: Server) {
    let limits = Limits { head: IDLE, ..Limits::default() };
    let stop = server.stop.clone();
    let handler = move |request, _| {
        let server = server.clone();
        async move { server.answer(request).await }
    };
    listen::serve(listener, limits, stop, handler).await;
}

/// A server of single connections.
#[derive(Clone)]
pub struct Server {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) hosts: Hosts,
    /// Becomes true, or loses its sender, when the server stops.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Server {
    /// Answers on one connection that the caller accepted, for example with TLS. Ends with the connection, or when
    /// the AWS stops.
    pub async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stop = self.stop.clone();
        let service = service_fn(|request| self.answer(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        // An error means that the client has disconnected, or that a fault closes the connection.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, NoAnswer> {
        if self.hosts.allow(request.uri(), request.headers()) {
            self.gateway.answer(request).await
        } else {
            Ok(misdirected())
        }
    }
}

fn misdirected() -> Answer {
    let reason = "the embedded AWS answers for localhost and the host of BASE_URL only: set HOST to let it \
                  answer for any host";
    error(StatusCode::MISDIRECTED_REQUEST, "MisdirectedRequest", reason)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}
