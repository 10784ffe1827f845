//! Passkeys, and the ceremonies (WebAuthn) that use them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SessionId, UserId};
use crate::webauthn::{Credential, UserHandle};

/// The name of a passkey whose user gives none, and whose provider is not known.
const UNNAMED: &str = "Passkey";

/// A passkey of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its key, and the state after its last use.
    pub credential: Credential,
    /// The name in the list of its user.
    pub name: String,
    /// When the user added it.
    pub added_at: Timestamp,
    /// When it was used last; `None` if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl Passkey {
    /// A new passkey. Without a name of the user, it has the name of its provider.
    pub fn new(credential: Credential, name: String, now: Timestamp) -> Self {
        let name = match credential.aaguid.name() {
            _ if !name.is_empty() => name,
            Some(provider) => provider.to_owned(),
            None => UNNAMED.to_owned(),
        };
        Self { credential, name, added_at: now, last_used_at: None }
    }
}

/// The purpose of a challenge to an authenticator. A response counts only for that purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum ChallengePurpose {
    /// A new passkey of the user, requested in that session.
    Registration {
        /// The user.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
        /// Names the user to the authenticator.
        handle: UserHandle,
    },
    /// A log-in by the passkey alone. The answer names the user.
    LogIn,
    /// The second step of a log-in.
    SecondStep {
        /// The id of the token of the first step.
        jti: String,
    },
    /// Another proof in that session.
    StepUp {
        /// The session.
        session_id: SessionId,
    },
}
