//! `cargo run`: starts the product, says where it is, and stops at Ctrl-C. `cargo run -- help` lists its commands.
//! `cargo run -- hasura-jwt-secret`: prints the setting with which a Hasura verifies the access tokens.
//! `cargo run -- breached-passwords build`: makes the filter of a list of breached passwords.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use accounts::clock::Clock;
use accounts::telemetry::Format;
use local::breached::Build;
use local::{Local, LocalSettings, StartError};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: latchkey [COMMAND]      (from the sources: cargo run [-- COMMAND])

Without a command, starts Latchkey on this machine with a database, a mail service
and a file store of its own, and stops at Ctrl-C.

commands:
  hasura-jwt-secret   print the value of HASURA_GRAPHQL_JWT_SECRET for a Hasura
  breached-passwords build [--sha1 [--min-count N] | --words] INPUT OUTPUT
                      make the file for BREACHED_PASSWORDS of a list with a SHA-1 on
                      each line, such as HASH:COUNT (of at least N), or with a word on
                      each line; INPUT may be - for the standard input
  help, --help        print this
  version, --version  print the version

environment variables, with their defaults:
  HOST=127.0.0.1      the address to listen on
  PORT=3000           the port to listen on; 0 takes a free one
  AWS_PORT=4566       the port of the embedded AWS; 0 takes a free one
  DATA_DIR=.latchkey  the folder of the data; `:memory:` keeps nothing
  LOG_LEVEL=info      error, warn, info or debug
The README lists all other settings, such as SITE_NAME and ACCESS_TOKEN_LIFETIME.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done: Result<(), Box<dyn Error>> = match arguments[..] {
        [] => run().await.map_err(Into::into),
        ["hasura-jwt-secret"] => print_hasura_jwt_secret().map_err(Into::into),
        ["breached-passwords", "build", ref arguments @ ..] => build_filter(arguments),
        ["help" | "--help" | "-h"] => {
            print(USAGE);
            Ok(())
        }
        ["version" | "--version" | "-V"] => {
            print(concat!("latchkey ", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        _ => {
            eprintln!("Latchkey has no such command: {}\n\n{USAGE}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let what = if arguments.is_empty() { "start" } else { "do that" };
            eprintln!("Latchkey cannot {what}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a person reads it, and scripts wait for it")]
async fn run() -> Result<(), StartError> {
    let settings = LocalSettings::from_environment()?;
    let format = Format::Text(Clock::System);
    accounts::telemetry::start_as(&settings.functions, format, std::io::stderr)?;

    let local = Local::start(settings).await?;
    let url = local.url();
    println!(
        "Latchkey is ready at {url}  GraphiQL: {url}/graphql  mails: {url}/mailbox  AWS: {}",
        local.aws().endpoint_url()
    );
    until_told_to_stop().await;
    local.stop().await;
    println!("Latchkey has stopped.");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a person asked for it")]
fn print(text: &str) {
    println!("{text}");
}

/// Prints the JSON for Hasura's `HASURA_GRAPHQL_JWT_SECRET`, under the settings that there are.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn print_hasura_jwt_secret() -> Result<(), StartError> {
    println!("{}", LocalSettings::from_environment()?.hasura_jwt_secret()?);
    Ok(())
}

/// Makes a filter of breached passwords, and shows a person how far it is.
fn build_filter(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let order = Build::parse(arguments)?;
    let is_seen = std::io::stderr().is_terminal();
    let built = order.run(|lines| {
        if is_seen {
            eprint!("\r{lines} lines read");
        }
    });
    if is_seen {
        eprint!("\r\x1b[K");
    }
    print(&built?.to_string());
    Ok(())
}

async fn until_told_to_stop() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                terminated.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
