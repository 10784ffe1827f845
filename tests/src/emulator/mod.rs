//! The functions as they are deployed, under Lambda's runtime interface emulator.

mod environment;
mod ports;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use accounts::config::Settings;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tokio::net::TcpStream;

pub use environment::{API_URL, EMAIL_FROM, Environment};

/// Where an event is posted to.
const INVOCATIONS: &str = "2015-03-31/functions/function/invocations";
/// How long the emulator may take until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(2);
/// The number of attempts: another process may take a port before the emulator does.
const ATTEMPTS: usize = 5;

/// Where the emulator and the functions are.
#[derive(Clone, Debug)]
pub struct Emulator {
    program: PathBuf,
    functions: PathBuf,
}

/// One function, in an execution environment of its own, which ends when this is dropped. The
/// function's process starts with its first event, as in Lambda.
#[derive(Debug)]
pub struct Function {
    name: String,
    process: Child,
    port: u16,
    client: Client<HttpConnector, Body>,
}

impl Emulator {
    /// `LAMBDA_RIE` is the emulator, `LAMBDA_BIN` the folder that `cargo lambda build` writes. The error names the
    /// missing one.
    pub fn from_environment() -> Result<Self, String> {
        let settings = Settings::from_environment();
        let path = |name, what: &str| {
            let path = settings.given(name).map(PathBuf::from);
            let path = path.ok_or_else(|| format!("{name} must be set: {what}"))?;
            // The function's folder becomes the working directory.
            std::path::absolute(&path).map_err(|error| format!("{name}: {error}"))
        };
        let program = path("LAMBDA_RIE", "the program aws-lambda-rie")?;
        let functions = path("LAMBDA_BIN", "the folder with graphql/bootstrap and the others")?;
        if !program.is_file() {
            return Err(format!("LAMBDA_RIE: there is no file {}", program.display()));
        }
        Ok(Self { program, functions })
    }

    /// The program that is deployed as that function.
    pub fn bootstrap(&self, function: &str) -> Result<PathBuf, String> {
        let path = self.functions.join(function).join("bootstrap");
        let is_there = path.is_file();
        is_there.then_some(path).ok_or_else(|| format!("LAMBDA_BIN has no {function}/bootstrap"))
    }

    /// Starts the emulator for a function with that environment and no other, and waits until it
    /// listens.
    pub async fn start(&self, function: &str, environment: &Environment) -> Function {
        let bootstrap = self.bootstrap(function).expect("the function is built");
        self.start_program(function, &bootstrap, environment, None).await
    }

    /// The same for any program that is a function. What it logs goes to `log`.
    pub async fn start_program(
        &self,
        name: &str,
        bootstrap: &Path,
        environment: &Environment,
        log: Option<&File>,
    ) -> Function {
        let log = || {
            let log = log.map(|log| log.try_clone().expect("a file"));
            log.map_or_else(Stdio::null, Stdio::from)
        };
        for _ in 0..ATTEMPTS {
            let [port, runtime_port] = ports::free();
            let process = Command::new(&self.program)
                .args(["--runtime-interface-emulator-address", &address(port)])
                .args(["--runtime-api-address", &address(runtime_port)])
                .args(["--log-level", "error"])
                .arg(bootstrap)
                .current_dir(bootstrap.parent().unwrap_or(Path::new(".")))
                .env_clear()
                .envs(environment.variables())
                .stdin(Stdio::null())
                .stdout(log())
                .stderr(log())
                .spawn()
                .expect("the emulator starts");
            let client = Client::builder(TokioExecutor::new()).build_http();
            let mut function = Function { name: name.to_owned(), process, port, client };
            if function.is_listening().await {
                return function;
            }
        }
        panic!("the emulator does not start for {name}");
    }

    /// Starts a function with that environment and no other, and without the emulator, and waits until
    /// it ends.
    pub async fn start_alone(&self, function: &str, environment: &Environment) -> Starting {
        let bootstrap = self.bootstrap(function).expect("the function is built");
        let mut command = Command::new(bootstrap);
        command.env_clear().envs(environment.variables()).stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await;
        let ended = ended.expect("it is waited for").expect("the function starts");
        let log = String::from_utf8_lossy(&ended.stdout).into_owned();
        Starting { is_success: ended.status.success(), log }
    }
}

/// The result of a start without the emulator.
#[derive(Clone, Debug)]
pub struct Starting {
    /// Whether it ended as it should.
    pub is_success: bool,
    /// The log.
    pub log: String,
}

impl Function {
    /// The answer of the function to an event. For an error of the function it is Lambda's error: `errorType` and
    /// `errorMessage`.
    pub async fn invoke(&self, event: impl Into<String>) -> Value {
        self.invoke_timed(event).await.0
    }

    /// The same, and how long it took.
    pub async fn invoke_timed(&self, event: impl Into<String>) -> (Value, Duration) {
        let event = Bytes::from(event.into());
        for _ in 0..ATTEMPTS {
            let start = Instant::now();
            let (status, body) = self.post(event.clone()).await;
            // Once in a few hundred starts, the emulator starts the function before it listens for
            // it. The function ends without having seen the event, and the next try starts it anew.
            if status == StatusCode::BAD_GATEWAY && body.is_empty() {
                continue;
            }
            let answer = serde_json::from_slice(&body);
            let text = || String::from_utf8_lossy(&body);
            let answer = answer.unwrap_or_else(|_| panic!("{} answered {}", self.name, text()));
            return (answer, start.elapsed());
        }
        panic!("{} ends before it takes an event", self.name);
    }

    async fn post(&self, event: Bytes) -> (StatusCode, Bytes) {
        let uri = format!("http://{}/{INVOCATIONS}", address(self.port));
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri.parse::<Uri>().expect("a URI"))
            .body(Body::from(event))
            .expect("a request");
        let answer = self.client.request(request).await.expect("the emulator answers");
        let status = answer.status();
        (status, answer.into_body().collect().await.expect("the whole answer").to_bytes())
    }

    /// The log in that file, once it has the wanted text: the emulator writes it with a delay.
    pub async fn log(&self, file: &Path, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let log = std::fs::read_to_string(file).expect("a log");
            if log.contains(wanted) || start.elapsed() > PATIENCE {
                return log;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The memory that the function's process has now, and the most that it had, in bytes.
    /// `None` before its first event.
    pub fn memory(&self) -> Option<Memory> {
        let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        let mut statuses = processes
            .filter_map(|process| std::fs::read_to_string(process.path().join("status")).ok());
        let parent = u64::from(self.process.id());
        let status = statuses.find(|status| number(status, "PPid:") == Some(parent))?;
        let bytes = |name| Some(number(&status, name)? * 1024);
        Some(Memory { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// Whether the emulator listens before it ends or time is up.
    async fn is_listening(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(self.process.try_wait(), Ok(None)) {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        false
    }

    /// Asks the emulator to end, which ends the function, and waits for it.
    fn stop(&mut self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| matches!(self.process.try_wait(), Ok(None))) {
            let _ = rustix::process::kill_process(id, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(PAUSE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The resident memory now.
    pub resident: u64,
    /// The most that was.
    pub peak: u64,
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The number that follows `name` in a file of `/proc`.
fn number(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
