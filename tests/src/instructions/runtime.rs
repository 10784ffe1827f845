//! Lambda's runtime API for one process. It returns one event after the other.

use std::sync::Arc;
use std::time::Duration;

use accounts::clock::Clock;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a process may take for a step: Callgrind makes it about 50 times slower.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a function may take for an event.
const DEADLINE: Duration = Duration::from_mins(15);

/// The API. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Runtime {
    address: String,
    events: Sender<String>,
    answers: Receiver<Bytes>,
    /// The number of events that the process has requested.
    requested: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

struct Api {
    events: Mutex<Receiver<String>>,
    answers: Sender<Bytes>,
    requested: watch::Sender<u64>,
}

impl Runtime {
    pub(super) async fn start() -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(text)?;
        let address = listener.local_addr().map_err(text)?.to_string();
        let (events, to_send) = channel(1);
        let (answered, answers) = channel(1);
        let (count_request, requested) = watch::channel(0);
        let api = Api { events: Mutex::new(to_send), answers: answered, requested: count_request };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
            .with_state(Arc::new(api));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, events, answers, requested, task })
    }

    /// `AWS_LAMBDA_RUNTIME_API`
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The answer to an event. Returns after the process has requested the next event, because it has no work left
    /// then.
    pub(super) async fn invoke(&mut self, event: &str) -> Result<Value, String> {
        let late = |_| "the function does not answer".to_owned();
        // A new process may not have requested an event yet.
        let before = *self.requested.borrow();
        self.events.send(event.to_owned()).await.map_err(|_| "the runtime API has ended")?;
        let answer = timeout(PATIENCE, self.answers.recv()).await.map_err(late)?;
        let is_next = self.requested.wait_for(|requested| *requested > before.max(1));
        timeout(PATIENCE, is_next).await.map_err(late)?.map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer.unwrap_or_default()).map_err(|error| error.to_string())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let mut events = api.events.lock().await;
    api.requested.send_modify(|requested| *requested += 1);
    let Some(event) = events.recv().await else { return StatusCode::GONE.into_response() };
    let deadline = Clock::System.now() + DEADLINE;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:latchkey".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

async fn answer(State(api): State<Arc<Api>>, answer: Bytes) -> StatusCode {
    let _ = api.answers.send(answer).await;
    StatusCode::ACCEPTED
}
