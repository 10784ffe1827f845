//! Log in.

use jiff::SignedDuration;

use super::attempt::Attempt;
use super::limits::network;
use super::{Accounts, Caller, TokenPair};
use crate::crypto::Verdict;
use crate::error::AuthError;
use crate::model::{
    Client, Email, Factor, PasswordHash, Permission, PlainPassword, Session, User, Username,
};
use crate::store::Subject;
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};

const DAY: SignedDuration = SignedDuration::from_hours(24);

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
    /// The device token, for the next log-in: see [`Client::device`].
    pub device: String,
}

impl Accounts {
    /// Opens a session for a user who knows the password.
    ///
    /// A user with a second factor, on a device that the user does not trust, gets [`AuthError::SecondFactorRequired`]
    /// in place of a session: [`Accounts::complete_log_in`] opens it. A user who must have a second factor, and has
    /// none, gets [`AuthError::SecondFactorSetupRequired`]: [`Accounts::add_app_to_log_in`] and
    /// [`Accounts::add_passkey_to_log_in`] open the session.
    ///
    /// The answer and the work are the same for an unknown user, a user without a password, a banned user and a wrong
    /// password; only the log has the reason. Only after the right password, the answer reveals that an account is not
    /// verified. Where accounts are concealed, it never does.
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`], [`AuthError::NotVerified`]; [`AuthError::SecondFactorRequired`],
    /// [`AuthError::SecondFactorSetupRequired`]; [`AuthError::Throttled`] for a right password, too,
    /// once a limit of [`LIMITS`](crate::model::guessing::LIMITS) is reached; [`AuthError::Unavailable`].
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
            let (user, mut attempt) = self.find(credentials, client).await?;
            if let Some(user) = &user {
                note("user", user.id);
            }
            self.go_on(&mut attempt, user.as_ref()).await?;
            let verdict = self.compare(&attempt, user.as_ref(), password.clone()).await?;
            let must_add = self.must_add_factor(user.as_ref(), verdict).await?;
            let user = match self.let_in(&attempt, user.as_ref(), verdict, must_add) {
                Ok(user) => user.clone(),
                Err(error @ AuthError::InvalidCredentials) => {
                    let wrong = user.as_ref().filter(|user| is_wrong(user, verdict));
                    let wrong = wrong.filter(|user| Self::may_try(&attempt, user));
                    self.fail(&attempt, wrong, &client.languages).await?;
                    return Err(error);
                }
                Err(error) => {
                    self.check_again(&attempt).await?;
                    self.forgive(&attempt).await;
                    return Err(error);
                }
            };
            let rehashed = match verdict {
                Verdict::Outdated => Some(self.hash(password.clone()).await?),
                Verdict::Right | Verdict::Wrong => None,
            };
            let rehashed = rehashed.as_ref();
            if user.has_second_factor || must_add {
                self.check_again(&attempt).await?;
                if let Some(rehashed) = rehashed {
                    self.store.rehash(&user, rehashed).await?;
                }
                self.forgive(&attempt).await;
                Box::pin(self.compare_with_breached(&user, rehashed, &password, client)).await;
                // A device on which too many passwords were wrong counts as unknown.
                if attempt.is_known || !self.policy.limits_guesses {
                    let factor = Factor::Password;
                    let opened = self.log_in_on_trusted_device(&user, factor, None, client);
                    if let Some(opened) = Box::pin(opened).await? {
                        return Ok(opened);
                    }
                }
                let device = attempt.known_device();
                return Err(if must_add {
                    self.require_enrolment(&user, Factor::Password, device, client).await
                } else {
                    self.require_second_factor(&user, Factor::Password, device, client)
                });
            }
            let session = self.new_session(&user, Factor::Password, client);
            let others = self.open_if_permitted(&attempt, &user, &session, rehashed);
            let others = Box::pin(others).await?;
            self.forgive(&attempt).await;
            Box::pin(self.compare_with_breached(&user, rehashed, &password, client)).await;
            self.after_log_in(&user, &session, attempt.is_known, others.as_deref()).await;
            let device = self.device_token(&attempt, &user);
            Ok(self.logged_in(user, session, device))
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Mails the user that the log-in came from an unknown device, if it did. `others` are the other sessions of the
    /// user.
    pub(super) async fn after_log_in(
        &self,
        user: &User,
        session: &Session,
        is_known: bool,
        others: Option<&[Session]>,
    ) {
        if self.policy.mails_new_devices && !is_known && is_new_device(user, session, others) {
            self.mail_new_device(user, session).await;
        }
    }

    /// The answer to a log-in that has opened that session.
    pub(super) fn logged_in(&self, user: User, session: Session, device: String) -> LoggedIn {
        let unarchived = user.is_archived;
        let user = User { is_archived: false, ..user };
        note("session", session.id);
        let tokens = self.token_pair(&user, &session);
        LoggedIn { caller: Caller { user, session }, tokens, unarchived, device }
    }

    /// Whether the user must add a second factor first. Never after a wrong password.
    async fn must_add_factor(
        &self,
        user: Option<&User>,
        verdict: Verdict,
    ) -> Result<bool, AuthError> {
        match user {
            Some(user) if verdict != Verdict::Wrong && !user.has_second_factor => {
                self.needs_second_factor(user).await
            }
            _ => Ok(false),
        }
    }

    /// The user, if that verdict on the password lets the user in. An account whose address is not proven may belong to a
    /// stranger, who must not add a second factor to it.
    fn let_in<'a>(
        &self,
        attempt: &Attempt,
        user: Option<&'a User>,
        verdict: Verdict,
        must_add_factor: bool,
    ) -> Result<&'a User, AuthError> {
        let user = user.ok_or_else(|| refused("unknown_user"))?;
        if verdict == Verdict::Wrong {
            return Err(refused(match Self::password(attempt, user) {
                Permission::Disabled(_) | Permission::Until(..) => "password_disabled",
                Permission::Permitted if user.password.is_none() => "no_password",
                Permission::Permitted => "wrong_password",
            }));
        }
        if !user.is_active {
            return Err(refused("inactive"));
        }
        if !self.policy.may_log_in(user) || (must_add_factor && !user.is_verified) {
            note("reason", "not_verified");
            return Err(self.not_verified());
        }
        Ok(user)
    }

    fn may_try(attempt: &Attempt, user: &User) -> bool {
        Self::password(attempt, user) == Permission::Permitted
    }

    /// Opens the session, unless attempts that came at the same time have reached a limit. Latchkey writes the session
    /// while it checks the limits, so that the check adds no time. That is safe, because no client gets the tokens
    /// before the check. If the log-in also changes the user, Latchkey writes the session and this change only after
    /// the check.
    async fn open_if_permitted(
        &self,
        attempt: &Attempt,
        user: &User,
        session: &Session,
        rehashed: Option<&PasswordHash>,
    ) -> Result<Option<Vec<Session>>, AuthError> {
        if rehashed.is_some() || user.changes_at_log_in() {
            self.check_again(attempt).await?;
            return self.open_session(user, session, rehashed).await;
        }
        let (opened, checked) =
            tokio::join!(self.open_session(user, session, None), self.check_again(attempt));
        let others = opened?;
        if checked.is_err() {
            self.store.end_session(user.id, session.id, self.clock.now()).await?;
        }
        checked.map(|()| others)
    }

    /// Where accounts are concealed, a sign-up with a taken address seems to succeed, but a log-in with its password
    /// fails like one with a wrong password. An account that is not verified yet must get the same answer: if not, the
    /// difference would reveal which addresses have accounts.
    fn not_verified(&self) -> AuthError {
        if self.policy.conceal_accounts {
            AuthError::InvalidCredentials
        } else {
            AuthError::NotVerified
        }
    }

    /// Reads the table twice in any case, so that an unknown user takes as long as a known one.
    async fn find(
        &self,
        credentials: Credentials,
        client: &Client,
    ) -> Result<(Option<User>, Attempt), AuthError> {
        let (typed, subject) = match credentials {
            Credentials::Email(typed) => {
                let email = Email::parse(&typed).ok().map(Subject::Email);
                (typed, email)
            }
            Credentials::Username(typed) => {
                let name = Username::parse(&typed).ok().map(Subject::Username);
                (typed, name)
            }
        };
        let (found, attempt) = self.begin_log_in(&typed, subject.as_ref(), client).await?;
        let Some(subject) = subject else { return Ok((None, attempt)) };
        let user = self.store.user(found.unwrap_or_else(|| self.unused_id())).await?;
        let user = user.filter(|user| match &subject {
            Subject::Username(name) => user.username_key == name.key(),
            Subject::LegacyId(_) => false,
            Subject::Email(email) if user.email_key == email.key() => true,
            Subject::Email(email) => {
                self.policy.allow_login_with_secondary_email && user.has_email(email.key())
            }
        });
        Ok((user, attempt))
    }
}

/// Whether a log-in without a device token comes from a device that the user has not used before: none of the other
/// sessions is of the same network and the same user agent. If the user has no other session, the device counts as new
/// only if the account is older than a day: then it was unused for long. An imported account is an exception, because
/// its first log-in has nothing to be compared with.
fn is_new_device(user: &User, session: &Session, others: Option<&[Session]>) -> bool {
    match others {
        None => false,
        Some([]) => {
            let is_old = session.created_at.duration_since(user.created_at) > DAY;
            is_old && user.last_login.is_none()
        }
        Some(others) => !others.iter().any(|other| is_same_device(session, other)),
    }
}

fn is_same_device(session: &Session, other: &Session) -> bool {
    let place = |session: &Session| session.ip.as_deref().map(network);
    // Without the versions: a browser that was updated is the same.
    let agent = |session: &Session| -> String {
        let text = session.user_agent.as_deref().unwrap_or_default();
        text.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
    };
    place(session) == place(other) && agent(session) == agent(other)
}

/// Whether the attempt failed because it was not the password of the user.
fn is_wrong(user: &User, verdict: Verdict) -> bool {
    verdict == Verdict::Wrong && user.password.is_some()
}

/// The one answer to a failed log-in. Only the log has the reason.
fn refused(reason: &str) -> AuthError {
    note("reason", reason);
    AuthError::InvalidCredentials
}
