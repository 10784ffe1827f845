//! Journeys across the functions: the API, the stream, the mails, the clean-up.

#![allow(missing_docs, reason = "the tests' names are sentences")]

mod bad_input;
mod cleanup;
mod introspection;
mod mail;
mod races;
mod recordings;
mod refresh;
mod register;
mod sessions;
mod smoke;
mod verify;
mod odd_values;
mod bad_days;
