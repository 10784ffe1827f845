//! A function in a process of its own, with or without Callgrind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use super::runtime::Runtime;
use crate::emulator::Environment;

/// How long a process may take to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause before the next check.
const PAUSE: Duration = Duration::from_millis(5);

/// A function and its runtime API.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    runtime: Runtime,
    folder: TempDir,
}

/// Fails if `valgrind` is not installed.
pub(super) fn is_there() -> Result<(), String> {
    let version = Command::new("valgrind").arg("--version").output();
    version.map(drop).map_err(|error| format!("valgrind cannot be run: {error}"))
}

impl Process {
    /// Starts a function with only this environment.
    pub(super) async fn start(
        functions: &Path,
        name: &str,
        environment: &Environment,
    ) -> Result<Self, String> {
        let program = bootstrap(functions, name)?;
        Self::spawn(Command::new(program), environment, tempfile::tempdir()).await
    }

    /// The same, under Callgrind.
    pub(super) async fn start_counted(
        functions: &Path,
        name: &str,
        environment: &Environment,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", written_in(folder.path()).display()));
        command.arg(bootstrap(functions, name)?);
        Self::spawn(command, environment, Ok(folder)).await
    }

    async fn spawn(
        mut command: Command,
        environment: &Environment,
        folder: std::io::Result<TempDir>,
    ) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let folder = folder.map_err(text)?;
        let runtime = Runtime::start().await?;
        let variables = environment.clone().with("AWS_LAMBDA_RUNTIME_API", runtime.address());
        let child = command
            .env_clear()
            .envs(variables.into_variables())
            .envs([
                ("AWS_LAMBDA_FUNCTION_NAME", "latchkey"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "latchkey"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "latchkey"),
            ])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(Self { child: child.map_err(text)?, runtime, folder })
    }

    /// The answer to an event.
    pub(super) async fn invoke(&mut self, event: &str) -> Result<Value, String> {
        self.runtime.invoke(event).await
    }

    /// Ends the process, and waits until it has ended: Callgrind writes its file at the end.
    pub(super) async fn stop(&mut self) -> Result<(), String> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process(id, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err("the function does not end".to_owned())
    }

    /// The processor time of all threads so far, as the scheduler counts it (`/proc/<pid>/task/*/schedstat`). A thread
    /// that has ended does not count.
    pub(super) fn processor_time(&self) -> Result<Duration, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut total = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).map_err(text)? {
            let path = thread.map_err(text)?.path().join("schedstat");
            let counted = std::fs::read_to_string(path).map_err(text)?;
            let nanoseconds =
                counted.split_whitespace().next().and_then(|first| first.parse().ok());
            total += nanoseconds.map(Duration::from_nanos).ok_or("schedstat has no time")?;
        }
        Ok(total)
    }

    /// The instructions of the whole process, after its end.
    pub(super) fn instructions(&self) -> Result<u64, String> {
        let path = written_in(self.folder.path());
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let totals = totals.and_then(|totals| totals.trim().parse().ok());
        totals.ok_or_else(|| "Callgrind has counted nothing".to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bootstrap(functions: &Path, name: &str) -> Result<PathBuf, String> {
    let path = functions.join(name).join("bootstrap");
    let is_there = path.is_file();
    is_there.then_some(path).ok_or_else(|| format!("LAMBDA_BIN has no {name}/bootstrap"))
}

fn written_in(folder: &Path) -> PathBuf {
    folder.join("callgrind.out")
}
