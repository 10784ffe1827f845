//! Journeys across the functions: the API, the stream, the mails, the clean-up.

#![allow(missing_docs, reason = "the tests' names are sentences")]

mod races;
mod recordings;
mod register;
mod smoke;
mod verify;
mod sessions;
mod refresh;
