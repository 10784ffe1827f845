//! Sign-ups that have no account yet.

use serde::{Deserialize, Serialize};

use super::User;

/// A sign-up where accounts are concealed: an account that does not exist before its address is proven. Until then,
/// no operation but the proof finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignUp {
    /// The account that the proof creates, without the changes of the proof.
    pub account: User,
    /// When the sign-up ends, in epoch seconds, and with it the reservation of the username.
    #[serde(rename = "expires_at")]
    pub ends_at: i64,
}

impl PendingSignUp {
    /// A sign-up for that account, which ends at that second.
    pub fn new(account: User, ends_at: i64) -> Self {
        // Only the use of its activation mail creates the account, so that mail counts as sent.
        Self {
            account: User { ends_at: Some(ends_at), registration_sent: true, ..account },
            ends_at,
        }
    }

    /// The account that a proof of the address creates. If several sign-ups with the address are pending, strangers may
    /// have made some of them, and the link or the code may be that of a stranger. So the account then gets no password
    /// and no name.
    pub fn proven(&self, is_disputed: bool) -> User {
        let user = User { is_verified: true, ends_at: None, ..self.account.clone() };
        if !is_disputed {
            return user;
        }
        User { password: None, first_name: String::new(), last_name: String::new(), ..user }
    }
}

/// The sign-up of a link or a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// It has an account, verified or not.
    Account(Box<User>),
    /// It is pending.
    Pending(Box<PendingSignUp>),
}

impl SignUp {
    /// The account, or the account that the proof creates.
    pub fn account(&self) -> &User {
        match self {
            Self::Account(user) => user,
            Self::Pending(pending) => &pending.account,
        }
    }
}
