//! Keys, tokens, one-time codes, password hashes.

mod blind;
mod challenge;
mod device;
pub mod hasher;
mod imported;
mod jwt;
mod keys;
mod log_in;
pub mod otp;
mod page;
mod proof;
#[cfg(test)]
mod properties;
mod seal;
mod shared_secret;
mod token;
pub mod totp;
mod vault;
mod verified;
pub mod work;

pub use blind::Blinds;
pub use challenge::{ChallengeClaims, Challenges, EnrolmentClaims, FirstStep, SetupClaims};
pub use device::{DeviceClaims, Devices};
pub use hasher::{Hasher, Verdict};
pub use jwt::{Issuer, TokenError};
pub use keys::{MIN_SECRET_BYTES, Secret, SecretError, Signing};
pub use log_in::LogIns;
pub use page::{PageClaims, PageTokens};
pub use proof::{LinkClaims, Proofs};
pub use seal::Seal;
pub use shared_secret::SharedSecret;
pub use token::{AccessClaims, HasuraClaims, RefreshClaims, Tokens};
pub use vault::{Opened, Vault};
pub use work::Work;
