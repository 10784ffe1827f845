//! The program that `cargo run` starts, as a process of its own, and a plain client for it.

use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Only a program that hangs takes longer.
const LONG: Duration = Duration::from_mins(1);

/// The program, ready.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// Its line when it was ready.
    pub(crate) ready: String,
    /// Where a browser finds it.
    pub(crate) url: String,
    /// Where its AWS is.
    pub(crate) aws: String,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// The program with those settings and no others, on any free ports unless they say otherwise. It is
/// killed when the test drops it.
fn program(data_dir: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().env("PORT", "0").env("AWS_PORT", "0").env("DATA_DIR", data_dir);
    command.env("THROTTLE", "off");
    command.envs(settings.iter().copied()).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Lets a program run that cannot start.
pub(crate) async fn fail_to_start(data_dir: &Path, settings: &[(&str, &str)]) -> Output {
    run(data_dir, &[], settings).await
}

/// Lets a program run that ends by itself.
pub(crate) async fn run(data_dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut program = program(data_dir, settings);
    let output = program.args(arguments).stderr(Stdio::piped()).output();
    timeout(LONG, output).await.expect("it ends by itself").expect("it can be run")
}

/// Starts a program with those arguments, whose output is not read.
pub(crate) fn start(data_dir: &Path, arguments: &[&str]) -> Child {
    let mut program = program(data_dir, &[]);
    program.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Lets a program run that reads `input` from its standard input.
pub(crate) async fn run_with_input(
    data_dir: &Path,
    arguments: &[&str],
    settings: &[(&str, &str)],
    input: &str,
) -> Output {
    let mut program = program(data_dir, settings);
    program.args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut process = program.spawn().expect("it can be run");
    let mut stdin = process.stdin.take().expect("it is piped");
    // A program that ends early reads nothing.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    timeout(LONG, process.wait_with_output()).await.expect("it ends by itself").unwrap()
}

impl Server {
    pub(crate) async fn start(data_dir: &Path) -> Self {
        Self::with(data_dir, &[]).await
    }

    pub(crate) async fn with(data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        Self::logging_to(Stdio::null(), data_dir, settings).await
    }

    pub(crate) async fn logging_to(log: Stdio, data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        let mut process = program(data_dir, settings).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(LONG, output.next_line()).await.expect("it says something");
        let ready = line.unwrap().expect("it has not ended");
        let after = |label: &str| {
            let (_, rest) = ready.split_once(label).expect("the line tells all");
            rest.split_whitespace().next().unwrap_or_default().to_owned()
        };
        let (url, aws) = (after("ready at "), after("AWS: "));
        Self { process, output, ready, url, aws }
    }

    /// Sends the signal, and returns the last line of the program and its exit status.
    pub(crate) async fn stop(mut self, signal: &str) -> (String, ExitStatus) {
        let id = self.process.id().expect("it runs").to_string();
        let kill = ["-c", "kill -s \"$0\" \"$1\"", signal, &id];
        assert!(Command::new("sh").args(kill).status().await.unwrap().success());
        let status = timeout(LONG, self.process.wait()).await.expect("it stops").unwrap();
        let mut last = String::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            last = line;
        }
        (last, status)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(Method::GET, &format!("{}{path}", self.url), &[("accept", "text/html")], "").await
    }

    pub(crate) async fn graphql(&self, document: &str) -> Value {
        self.graphql_as("", document).await
    }

    /// The same, with that access token.
    pub(crate) async fn graphql_as(&self, token: &str, document: &str) -> Value {
        let body = json!({ "query": document }).to_string();
        let authorization = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", &authorization)];
        let headers = if token.is_empty() { &headers[..1] } else { &headers };
        send(Method::POST, &format!("{}/graphql", self.url), headers, &body).await.json()
    }

    /// The mails so far, as soon as there is one. The server reads the stream by itself.
    pub(crate) async fn mails(&self) -> Value {
        let asked = async {
            loop {
                let sent = self.get("/_aws/ses").await.json();
                if sent["messages"].as_array().is_some_and(|messages| !messages.is_empty()) {
                    return sent["messages"].clone();
                }
            }
        };
        timeout(LONG, asked).await.expect("a mail arrives")
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = timeout(LONG, client.request(request)).await.expect("it answers").unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // A compressed file is no text.
    let text = String::from_utf8_lossy(&body).into_owned();
    let content_type = parts.headers.get("content-type").map(|value| value.to_str().unwrap());
    Answer { status: parts.status, content_type: content_type.unwrap_or_default().to_owned(), text }
}
