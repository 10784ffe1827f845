//! Keys, tokens, one-time codes, password hashes.

pub mod code;
mod cursor;
pub mod hasher;
mod imported;
mod jwt;
mod keys;
mod proof;
mod shared_secret;
mod token;

pub use cursor::{Cursor, Cursors};
pub use hasher::{Hasher, Verdict};
pub use jwt::{Issuer, TokenError};
pub use keys::{MIN_SECRET_BYTES, Secret, SecretError, Signing};
pub use proof::{LinkClaims, Proofs};
pub use shared_secret::SharedSecret;
pub use token::{AccessClaims, HasuraClaims, RefreshClaims, Tokens};
