//! Keys, tokens, one-time codes, password hashes.

pub mod code;
pub mod hasher;
pub mod keys;
pub mod token;

pub use hasher::Hasher;
pub use keys::{Keys, Secret, SecretError};
pub use token::{AccessClaims, LinkClaims, RefreshClaims, TokenError};
