//! The validation of tokens (RFC 8725, 7515, 7519), with tokens from another encoder.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

mod algorithms;
mod altered;
mod claims;
#[path = "../../../tests/src/forge.rs"]
pub mod forge;
mod headers;
mod keys;
mod kinds;
mod verifier;
