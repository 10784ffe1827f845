//! Keys, tokens, one-time codes, password hashes.

pub mod code;
pub mod hasher;
mod imported;
mod jwt;
mod keys;
mod proof;
mod seal;
mod shared_secret;
mod token;

pub use hasher::{Hasher, Verdict};
pub use jwt::{Issuer, TokenError};
pub use keys::{MIN_SECRET_BYTES, Secret, SecretError, Signing};
pub use proof::{LinkClaims, Proofs};
pub use seal::Seal;
pub use shared_secret::SharedSecret;
pub use token::{AccessClaims, HasuraClaims, RefreshClaims, Tokens};
