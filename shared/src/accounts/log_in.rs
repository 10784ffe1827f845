//! Log in.

use super::{Accounts, Caller, TokenPair};
use crate::crypto::Verdict;
use crate::error::AuthError;
use crate::model::{Client, Email, PlainPassword, User, Username};
use crate::store::Subject;
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};

/// The name that a user logs in with, as typed.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// By address.
    Email(String),
    /// By name.
    Username(String),
}

/// A user who has logged in.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The user, in the new session.
    pub caller: Caller,
    /// The tokens of the new session.
    pub tokens: TokenPair,
    /// Whether the log-in took the account out of the archive.
    pub unarchived: bool,
}

impl Accounts {
    /// Opens a session for a user who knows the password.
    ///
    /// The answer and the work are the same for an unknown user, a user without a password, a banned user and a wrong
    /// password; only the log has the reason. The answer reveals that an account is not verified only after the right
    /// password, and never where accounts are concealed.
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`], [`AuthError::NotVerified`], [`AuthError::Unavailable`].
    pub async fn log_in(
        &self,
        credentials: Credentials,
        password: PlainPassword,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let result = operation!(self.clock, "log_in", async {
            if password.is_absurd() {
                note("reason", "password_too_long");
                return Err(AuthError::InvalidCredentials);
            }
            let user = self.find(credentials).await?;
            if let Some(user) = &user {
                note("user", user.id);
            }
            let hash = user.as_ref().and_then(|user| user.password.clone());
            let verdict = self.hasher.verify(password.clone(), hash).await;
            let verdict = verdict.map_err(AuthError::Unavailable)?;
            let mut user = user.ok_or_else(|| refused("unknown_user"))?;
            if verdict == Verdict::Wrong {
                let has_password = user.password.is_some();
                return Err(refused(if has_password { "wrong_password" } else { "no_password" }));
            }
            if !user.is_active {
                return Err(refused("inactive"));
            }
            if !self.policy.may_log_in(&user) {
                note("reason", "not_verified");
                return Err(self.not_verified());
            }
            let session = self.new_session(&user, client);
            let rehashed = match verdict {
                Verdict::Outdated => Some(self.hash(password).await?),
                Verdict::Right | Verdict::Wrong => None,
            };
            self.open_session(&user, &session, rehashed.as_ref()).await?;
            let unarchived = std::mem::take(&mut user.is_archived);
            note("session", session.id);
            let tokens = self.token_pair(&user, &session);
            Ok(LoggedIn { caller: Caller { user, session }, tokens, unarchived })
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Where accounts are concealed, a sign-up with the address of another user chooses a password that opens
    /// nothing. This answer must not distinguish that from an account that is not verified yet.
    fn not_verified(&self) -> AuthError {
        if self.policy.conceal_accounts {
            AuthError::InvalidCredentials
        } else {
            AuthError::NotVerified
        }
    }

    /// Asks the table twice whether or not the first answer leads anywhere, so that an unknown user
    /// takes as long as a known one.
    async fn find(&self, credentials: Credentials) -> Result<Option<User>, AuthError> {
        let subject = match credentials {
            Credentials::Email(typed) => Email::parse(&typed).ok().map(Subject::Email),
            Credentials::Username(typed) => Username::parse(&typed).ok().map(Subject::Username),
        };
        let Some(subject) = subject else { return Ok(None) };
        let found = self.store.find_user(&subject).await?;
        let user = self.store.user(found.unwrap_or_else(|| self.nobody())).await?;
        Ok(user.filter(|user| match &subject {
            Subject::Username(name) => user.username_key == name.key(),
            Subject::Email(email) if user.email_key == email.key() => true,
            Subject::Email(email) => {
                self.policy.allow_login_with_secondary_email && user.has_email(email.key())
            }
        }))
    }
}

/// The one answer to a failed log-in. Only the log has the reason.
fn refused(reason: &str) -> AuthError {
    note("reason", reason);
    AuthError::InvalidCredentials
}
