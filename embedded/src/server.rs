//! Listens, and hands every request to the gateway.

use crate::Hosts;
use crate::gateway::{Answer, Gateway, error};
use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a call that runs when the server is told to stop may still take.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until it is told to stop. Then idle connections are closed at once, others when their call is
/// answered, all of them after [`GRACE`].
pub(crate) async fn serve(listener: TcpListener, server: Server) {
    let (mut stop, mut connections) = (server.stop.clone(), JoinSet::new());
    loop {
        tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Without it an answer may wait 40 ms for the acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(server.clone().serve(stream));
                }
                Err(error) => {
                    // Out of file handles, for example: give others the time to close theirs.
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, all_done).await.is_err() {
        connections.shutdown().await;
    }
}

/// What answers on a connection.
#[derive(Clone)]
pub struct Server {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) hosts: Hosts,
    /// Turns true, or loses its sender, when there is no more to serve.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Server {
    /// Answers on one connection, which somebody else accepted: with TLS, for example. Ends with it, or when
    /// the AWS stops.
    pub async fn serve(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Self { gateway, hosts, stop } = &mut self;
        let service = service_fn(|request| {
            let is_allowed = hosts.allow(request.uri(), request.headers());
            let gateway = &*gateway;
            async move { if is_allowed { gateway.answer(request).await } else { Ok(misdirected()) } }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        // An error is a client that went away, or a fault that closes the connection.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = told(stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
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

async fn told(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone says the same as one that says so.
    let _ = stop.wait_for(|stop| *stop).await;
}
