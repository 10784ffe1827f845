//! Listens, and hands every request to the gateway.

use crate::gateway::Gateway;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a call that runs when the server is told to stop may still take.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until `stop` turns true or its sender is gone. Then idle connections are closed at once,
/// others when their call is answered, all of them after [`GRACE`].
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_one(stream, Arc::clone(&gateway), stop.clone()));
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

async fn serve_one(stream: TcpStream, gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    // Without it an answer may wait 40 ms for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let gateway = Arc::clone(&gateway);
        async move { gateway.answer(request).await }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error is a client that went away, or a fault that closes the connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = told(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone says the same as one that says so.
    let _ = stop.wait_for(|stop| *stop).await;
}
