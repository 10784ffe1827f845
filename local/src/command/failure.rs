//! The reasons why a command fails, and their exit codes for scripts.

use accounts::config::ConfigError;
use accounts::error::Report;
use accounts::secrets::Unreadable;
use accounts::{AuthError, Violations};

use crate::StartError;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The users cannot be reached, or a service failed.
    #[error("Latchkey cannot do that: {0}")]
    Failed(String),
    /// The command cannot run with these arguments, settings or files.
    #[error("{0}")]
    Usage(String),
    /// There is no such user.
    #[error("There is no {0}.")]
    NotFound(String),
    /// The core refused the command with this code.
    #[error("Refused ({code}): {text}")]
    Refused {
        /// The code, as in docs/api.md.
        code: &'static str,
        /// The reason.
        text: String,
    },
}

impl Failure {
    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Refused { .. } => 4,
        }
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let code = error.code();
        match &error {
            AuthError::Unavailable(_) => Self::Failed(Report(&error).to_string()),
            AuthError::NotFound => Self::NotFound("such user".to_owned()),
            AuthError::Invalid(violations) => Self::Refused { code, text: list(violations) },
            AuthError::InvalidCredentials
            | AuthError::Unauthenticated
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::SecondFactorRequired { .. }
            | AuthError::SecondFactorSetupRequired { .. }
            | AuthError::StepUpRequired
            | AuthError::Refused(_)
            | AuthError::PermissionDenied
            | AuthError::NotVerified
            | AuthError::InvalidToken
            | AuthError::ExpiredToken
            | AuthError::Throttled { .. }
            | AuthError::BadPage(_) => Self::Refused { code, text: error.to_string() },
        }
    }
}

fn list(violations: &Violations) -> String {
    let each = violations
        .iter()
        .map(|(field, violation)| format!("{}: {violation} ({})", field.snake(), violation.code()));
    each.collect::<Vec<_>>().join(" ")
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        Self::Failed(error.to_string())
    }
}
