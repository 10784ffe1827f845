//! `cargo run`: starts the product, says where it is, and stops at Ctrl-C. `cargo run -- help` lists its commands.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use accounts::clock::Clock;
use accounts::telemetry::Format;
use clap::Parser;
use local::breached::Build;
use local::command::{self, BreachedPasswords, Cli, Command, Done, Failure};
use local::{Local, LocalSettings, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(Cli { command }) => command,
        Err(error) => return explain(&error),
    };
    match command {
        None => ended("start", run().await.map(|()| String::new()).map_err(Into::into)),
        Some(Command::HasuraJwtSecret) => ended("do that", hasura_jwt_secret().map_err(Into::into)),
        Some(Command::BreachedPasswords(BreachedPasswords::Build(order))) => {
            ended("do that", build_filter(&order))
        }
        Some(Command::Version) => {
            ended("do that", Ok(concat!("latchkey ", env!("CARGO_PKG_VERSION"), "\n").to_owned()))
        }
        Some(Command::CreateSuperuser(it)) => report(Box::pin(command::create_superuser(it)).await),
        Some(Command::Users(it)) => report(Box::pin(command::users(it)).await),
        Some(Command::Import(it)) => report(Box::pin(command::import::import(it)).await),
        Some(Command::Export(it)) => report(Box::pin(command::export::export(it)).await),
        Some(Command::Networks(it)) => report(Box::pin(command::networks(it)).await),
    }
}

/// Prints the help, the version, or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    let text = error.to_string().replacen("Usage: ", "usage: ", 1);
    if error.use_stderr() {
        eprint!("{text}");
        return ExitCode::from(2);
    }
    print(&text);
    ExitCode::SUCCESS
}

fn ended(what: &str, done: Result<String, Box<dyn Error>>) -> ExitCode {
    match done {
        Ok(output) => {
            print(&output);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Latchkey cannot {what}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(done: Result<Done, Failure>) -> ExitCode {
    match done {
        Ok(Done { output, note, code }) => {
            print(&output);
            if let Some(note) = note {
                eprintln!("{note}");
            }
            ExitCode::from(code)
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

#[expect(clippy::print_stdout, reason = "a person reads it, and scripts wait for it")]
async fn run() -> Result<(), StartError> {
    let settings = LocalSettings::from_environment()?;
    let format = Format::Text(Clock::System);
    accounts::telemetry::start_as(&settings.functions, format, io::stderr)?;

    let local = Local::start(settings).await?;
    let url = local.url();
    // A script may send a signal as soon as it has read the next line.
    let stop = StopSignals::catch()?;
    println!(
        "Latchkey is ready at {url}  GraphiQL: {url}/graphql  mails: {url}/mailbox  AWS: {}",
        local.aws().endpoint_url()
    );
    stop.next().await;
    local.stop().await;
    println!("Latchkey has stopped.");
    Ok(())
}

/// Prints the result. A pipe that its reader has closed, as `head` does, is no failure.
fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// The JSON for Hasura's `HASURA_GRAPHQL_JWT_SECRET`, under the present settings. A warning goes to the standard error
/// output, so that a script reads the JSON alone.
fn hasura_jwt_secret() -> Result<String, StartError> {
    let settings = LocalSettings::from_environment()?;
    if let Some(warning) = settings.functions.hasura_token_warning()? {
        eprintln!("warning: {warning}");
    }
    Ok(format!("{}\n", settings.hasura_jwt_secret()?))
}

/// Makes a filter of breached passwords, and shows a person how far it is.
fn build_filter(order: &Build) -> Result<String, Box<dyn Error>> {
    let is_seen = io::stderr().is_terminal();
    let built = order.run(|lines| {
        if is_seen {
            eprint!("\r{lines} lines read");
        }
    });
    if is_seen {
        eprint!("\r\x1b[K");
    }
    Ok(format!("{}\n", built?))
}

/// The signals that stop the program.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From now on, these signals no longer kill the process.
    fn catch() -> Result<Self, StartError> {
        let caught = |kind| signal(kind).map_err(StartError::Signals);
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
        })
    }

    async fn next(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
