//! A server on a laptop, which disconnects slow clients.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// The time for running calls after the server begins to stop.
const GRACE: Duration = Duration::from_secs(3);

/// The time limits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time for the head of a request, and for the next request on an idle connection.
    pub head: Duration,
    /// The time from the head of a request to the head of its answer. It includes the body of the request.
    pub request: Duration,
    /// The time in which the client must read more of its answer.
    pub write: Duration,
}

impl Default for Limits {
    /// The limits of a server that people and their browsers call.
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            request: Duration::from_mins(1),
            write: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop` becomes true or loses its sender. Then the server closes idle connections at once, and the
/// others after their answer, but all of them after some seconds. An error of the handler closes the connection without
/// an answer.
pub async fn serve<H, F, B, E>(
    listener: TcpListener,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    handler: H,
) where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Otherwise an answer may wait 40 ms for the acknowledgement of the previous one.
                    let _ = stream.set_nodelay(true);
                    let connection =
                        connection(stream, peer, limits, stop.clone(), handler.clone());
                    connections.spawn(connection);
                }
                Err(error) => {
                    // For example, there are no file handles left: give other connections the time to close theirs.
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

async fn connection<H, F, B, E>(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    handler: H,
) where
    H: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let stream = pin!(stream);
    let service = service_fn(|request| {
        let answer = handler(request, peer);
        async move {
            match timeout(limits.request, answer).await {
                Ok(answer) => answer.map(|answer| answer.map(Either::Left)),
                Err(_) => Ok(too_slow()),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // An error is a client that went away or was too slow, or a handler that closes the connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The answer to a slow client. It gives the reason, and closes the connection.
fn too_slow<B: Body<Data = Bytes>>() -> Response<Either<B, Full<Bytes>>> {
    let mut response = Response::new(Either::Right(Full::from("The request took too long.\n")));
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Waits until it is time to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A dropped sender means the same as a stop.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::convert::Infallible;

    use http_body_util::BodyExt;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    /// A server that answers with the whole body of a request.
    async fn server() -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let handler = |request: Request<Incoming>, _| async {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        };
        tokio::spawn(serve(listener, Limits::default(), stopped, handler));
        (address, stop)
    }

    /// All that the server answers to these bytes, and the seconds until it closes the connection.
    async fn answer(address: SocketAddr, bytes: &str) -> (String, u64) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        (String::from_utf8(answer).unwrap(), start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_half_a_head_is_cut_off_after_ten_seconds() {
        let (address, _stop) = server().await;
        for bytes in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n"] {
            assert_eq!(answer(address, bytes).await, (String::new(), 10), "{bytes:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_half_a_body_gets_an_answer_after_a_minute() {
        let (address, _stop) = server().await;
        let half = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf";
        let (answer, seconds) = answer(address, half).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.ends_with("The request took too long.\n"), "{answer}");
        assert_eq!(seconds, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        // More than the buffers of both sockets hold.
        let handler = |_, _| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; 64 << 20]))))
        };
        tokio::spawn(serve(listener, Limits::default(), stopped, handler));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        sleep(Duration::from_mins(1)).await;
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await;
        assert!(read.len() < 64 << 20, "{}", read.len());
    }
}
