//! The functions as they are deployed, under Lambda's runtime interface emulator: every event of
//! `events/` against the embedded AWS.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "what fails here fails its test")]

mod account_event;
mod api;
mod deployment;
mod events;
mod mail;
mod panics;
mod schedule;
mod secret;
mod warnings;
