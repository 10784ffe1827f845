//! The embedded AWS, through the real SDK.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests are sentences, and may fail anywhere")]

mod dynamodb;
mod faults;
mod in_process;
mod permissions;
mod s3;
mod secret;
mod ses;
mod stream;
mod support;
mod upkeep;
