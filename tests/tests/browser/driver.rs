//! A driver of Chromium, and the protocol that it speaks: W3C WebDriver, JSON over plain HTTP.
//!
//! It is spoken here rather than by a crate: of the two that there are, one brings a licence that
//! `deny.toml` does not know, the other changes the order in which the whole workspace writes JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use accounts::config::Settings;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the driver itself waits for an element, and for a page.
const PATIENCE: Duration = Duration::from_secs(20);
/// Flags that keep the browser from all requests but those to the product.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
];

/// Where the browser, its driver and axe-core are.
#[derive(Debug)]
struct Tools {
    driver: PathBuf,
    browser: PathBuf,
    axe: PathBuf,
}

impl Tools {
    /// The error names the missing one.
    fn from_environment() -> Result<Self, String> {
        let settings = Settings::from_environment();
        let path = |name, what: &str| {
            let path = settings.given(name).map(PathBuf::from);
            let path = path.ok_or_else(|| format!("{name} must be set: {what}"))?;
            let is_file = path.is_file();
            is_file.then_some(path.clone()).ok_or(format!("{name}: no file {}", path.display()))
        };
        Ok(Self {
            driver: path("CHROMEDRIVER", "the program chromedriver")?,
            browser: path("CHROMIUM", "the program chromium")?,
            axe: path("AXE_CORE", "the file axe.min.js of the package axe-core")?,
        })
    }
}

/// A session of a browser with a profile of its own. Both end when this is dropped.
#[derive(Debug)]
pub(crate) struct DriverSession {
    driver: Child,
    port: u16,
    id: String,
    client: Client<HttpConnector, Body>,
    _profile: TempDir,
    /// The source of axe-core.
    pub(crate) axe: String,
}

impl DriverSession {
    pub(crate) async fn start() -> Self {
        let tools = Tools::from_environment().unwrap_or_else(|missing| panic!("{missing}"));
        let profile = TempDir::new().expect("a folder");
        let (driver, port) = start_driver(&tools.driver);
        let mut arguments = FLAGS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let axe = std::fs::read_to_string(&tools.axe).expect("axe-core");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut session = Self { driver, port, id: String::new(), client, _profile: profile, axe };
        let wait = PATIENCE.as_millis();
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "implicit": wait, "pageLoad": wait, "script": wait },
            "goog:chromeOptions": { "binary": tools.browser, "args": arguments },
        } } });
        let answer = session.send(Method::POST, "/session".to_owned(), Some(capabilities)).await;
        answer["sessionId"].as_str().expect("a session").clone_into(&mut session.id);
        session
    }

    /// The session's answer to a command with those parameters.
    pub(crate) async fn post(&self, command: &str, parameters: Value) -> Value {
        self.send(Method::POST, format!("/session/{}/{command}", self.id), Some(parameters)).await
    }

    /// The session's answer to a question.
    pub(crate) async fn get(&self, question: &str) -> Value {
        self.send(Method::GET, format!("/session/{}/{question}", self.id), None).await
    }

    /// The same about an element: `element/{id}/{action}`. A command has parameters, a question has none. `None` if the
    /// element's page has gone since the element was found.
    pub(crate) async fn send_to_element(
        &self,
        id: &str,
        action: &str,
        parameters: Option<Value>,
    ) -> Option<Value> {
        let method = if parameters.is_some() { Method::POST } else { Method::GET };
        let path = format!("/session/{}/element/{id}/{action}", self.id);
        match self.try_to_send(method, path, parameters).await {
            Ok(answer) => Some(answer),
            Err(error) if is_stale(&error) => None,
            Err(error) => panic!("{action}: {error}"),
        }
    }

    async fn send(&self, method: Method, path: String, body: Option<Value>) -> Value {
        let answer = self.try_to_send(method, path.clone(), body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {} {}", error["error"], error["message"]))
    }

    async fn try_to_send(
        &self,
        method: Method,
        path: String,
        body: Option<Value>,
    ) -> Result<Value, Value> {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(self.url(&path)).body(body);
        let answer = self.client.request(request.expect("a request")).await.expect("an answer");
        let is_done = answer.status().is_success();
        let body = answer.into_body().collect().await.expect("the whole answer").to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
        if is_done { Ok(answer["value"].take()) } else { Err(answer["value"].take()) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends the browser. It needs no runtime, because a failed test may have dropped it.
    fn close(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            self.id
        );
        stream.write_all(head.as_bytes())?;
        stream.read(&mut [0; 16]).map(drop)
    }
}

impl Drop for DriverSession {
    fn drop(&mut self) {
        let _ = self.close();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Whether the page of an element was replaced. Chromium's driver has a code for this error, but sends another code if
/// the browser replaces the page while the driver asks it: <https://github.com/SeleniumHQ/selenium/issues/15401>.
fn is_stale(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default();
    error["error"] == "stale element reference"
        || message.contains("Node with given id does not belong to the document")
}

/// The driver and its port. It takes a free port of IPv4, and then the same port of IPv6, and ends if another process
/// has that one: so it is started again, a few times.
fn start_driver(program: &Path) -> (Child, u16) {
    for _ in 0..5 {
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the driver starts");
        if let Some(port) = port(&mut driver) {
            return (driver, port);
        }
        let _ = driver.wait();
    }
    panic!("the driver says where it listens");
}

/// The port that the driver says it listens on; `None` if it ends without one.
fn port(driver: &mut Child) -> Option<u16> {
    let output = BufReader::new(driver.stdout.take().expect("its output"));
    let mut lines = output.lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("started successfully on port"))?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    Some(digits.parse().expect("a port"))
}
