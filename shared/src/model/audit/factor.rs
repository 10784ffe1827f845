//! The ways to prove who a user is.

use serde::{Deserialize, Serialize};

/// How a user proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// By the password.
    Password,
    /// By a mailed link.
    Link,
    /// By a mailed one-time code.
    Code,
    /// By a code of an authenticator app.
    App,
    /// By a recovery code.
    RecoveryCode,
    /// By a passkey.
    Passkey,
}

impl Factor {
    /// Its name in the APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Code => "code",
            Self::App => "app",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }

    /// Whether it was mailed.
    pub fn is_mail(self) -> bool {
        match self {
            Self::Link | Self::Code => true,
            Self::Password | Self::App | Self::RecoveryCode | Self::Passkey => false,
        }
    }

    /// Its value in the claim `amr` of access tokens: those of RFC 8176, and `email`, which the RFC does not have.
    pub fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Link | Self::Code => "email",
            Self::App | Self::RecoveryCode => "otp",
            Self::Passkey => "pop",
        }
    }
}
