//! Log in by a mailed link or code, without the password.

mod open;
mod proof;
mod sign_up;
mod view;

use super::log_in::LoggedIn;
use super::page_session::{Area, PageSession};
use super::{Accounts, authenticate};
use crate::error::{AuthError, Field, Refusal, Violations};
use crate::model::log_in::LOG_IN_LIFETIME;
use crate::model::session::seconds_after;
use crate::model::{Client, Email, Factor, LogInRequest, Mail, Purpose, User};
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};

pub use view::LogInView;

/// The proof that a recipient of the mail gives.
#[derive(Clone, Copy, Debug)]
pub enum MailProof<'a> {
    /// The code, as typed.
    Code(&'a str),
    /// The token of the link.
    Link(&'a str),
}

/// The recipient of the mail of a request.
enum Recipient {
    /// A user.
    User(Box<User>),
    /// The owner of an address that had no account: the log-in signs up.
    Newcomer(Email),
}

impl<'a> From<&'a str> for MailProof<'a> {
    /// For a field that takes a code or a token: a code has no full stop between its characters, and a token has two.
    fn from(text: &'a str) -> Self {
        if text.trim().trim_matches('.').contains('.') {
            Self::Link(text)
        } else {
            Self::Code(text)
        }
    }
}

impl MailProof<'_> {
    fn factor(self) -> Factor {
        match self {
            Self::Code(_) => Factor::Code,
            Self::Link(_) => Factor::Link,
        }
    }
}

impl Accounts {
    /// Mails a link and a code for a log-in to the owner of the address. Returns the token of the request. Without this
    /// token, the code does not work, so a client keeps it secret. The answer, its time and the form of the token are
    /// the same for an address without an account, for a banned user, and beyond the limits of mails.
    ///
    /// If the site lets users sign up by mail, an address without an account gets the same mail.
    ///
    /// `earlier` is the token of an earlier request of the same client, if any. For some minutes, the next mail has the
    /// same code, and the new token works with this code.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a malformed address; [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn send_log_in(
        &self,
        email: &str,
        earlier: Option<&str>,
        client: &Client,
    ) -> Result<String, AuthError> {
        operation!(self.clock, "send_log_in", async {
            let email = Email::parse(email).map_err(|found| Violations::of(Field::Email, found))?;
            let new_addresses = self.admit(client).await?;
            let owner = self.owner(&email).await?;
            let is_free = owner.is_none();
            let found = super::active(owner);
            let found = found.filter(|(user, email)| self.may_log_in_at(user, email.key()));
            let (user, log_ins) = (found.as_ref().map(|(user, _)| user), self.proofs.log_ins());
            let now = self.clock.now();
            let earlier = earlier.and_then(|token| log_ins.read(token.trim(), now).ok());
            let request = self.new_request(&email, user, client).after(earlier, now);
            match &found {
                None if is_free && self.policy.sign_up_by_mail => {
                    let user = self.newcomer(&request, &email, client);
                    let mail = self.log_in_mail(&request, &user, &email, client);
                    let mail = mail.to_user_who_may_be_deleted(&user);
                    self.send_to_owner(&user, mail, new_addresses).await?;
                }
                None => self.send_nothing().await?,
                Some((user, email)) => {
                    let mail = self.log_in_mail(&request, user, email, client);
                    self.send_to_owner(user, mail, new_addresses).await?;
                }
            }
            Ok(log_ins.token(&request, &self.random))
        })
    }

    /// Sends the same mail, for a log-in to the account pages.
    ///
    /// # Errors
    /// As [`Accounts::send_log_in`].
    pub async fn send_page_log_in(
        &self,
        email: &str,
        earlier: Option<&str>,
        client: &Client,
    ) -> Result<String, AuthError> {
        let client = Client { refresh_tokens: Area::Account.kind(), ..client.clone() };
        self.send_log_in(email, earlier, &client).await
    }

    /// Opens a session for the recipient of the mail, once for each request. `log_in_id` is the token of
    /// [`Accounts::send_log_in`].
    ///
    /// For a user with a second factor, the mail is only the first factor. So the answer is
    /// [`AuthError::SecondFactorRequired`], as after the password. On a device that the user trusts, the mail is
    /// enough. For a user who must have a second factor and has none, the answer is
    /// [`AuthError::SecondFactorSetupRequired`]. After each of these answers, the code and the link do not work again.
    ///
    /// The mail verifies the address. If the address was not verified before, a stranger may have created the account.
    /// Then the log-in removes the password and the second factors, and ends all other sessions. Unless the site allows
    /// log-ins with an unverified address, the log-in also clears the profile. If the account had a password, another
    /// mail lets the owner set a new one.
    ///
    /// If the address had no account at the time of the request, and the site lets users sign up by mail, the same write
    /// creates the account.
    ///
    /// Each attempt at a code counts for its address, over all mails, until a code is right. So another mail does not
    /// allow more attempts. A device on which the user has logged in before has a separate count, so that strangers
    /// cannot use up its attempts.
    ///
    /// # Errors
    /// [`AuthError::ExpiredToken`] and [`AuthError::InvalidToken`] for the token of the request or the link;
    /// [`Refusal::InvalidCode`] for a wrong or used code, and for any code of an address without an account;
    /// [`AuthError::SecondFactorRequired`], [`AuthError::SecondFactorSetupRequired`]; [`AuthError::Throttled`];
    /// [`AuthError::Unavailable`].
    pub async fn log_in_by_mail(
        &self,
        log_in_id: &str,
        proof: MailProof<'_>,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let result = operation!(self.clock, "log_in_by_mail", async {
            let now = self.clock.now();
            let request = self.proofs.log_ins().read(log_in_id.trim(), now)?;
            if request.refresh_tokens != client.refresh_tokens {
                return Err(authenticate::invalid("other_pages"));
            }
            let user = match proof {
                MailProof::Code(typed) => self.check_mailed_code(&request, typed, client).await?,
                MailProof::Link(token) => self.check_mailed_link(&request, token).await?,
            };
            match user {
                Recipient::User(user) => {
                    let device = self.known_device(&user, client);
                    Box::pin(self.open_by_mail(&request, *user, proof.factor(), device, client))
                        .await
                }
                Recipient::Newcomer(email) => {
                    Box::pin(self.sign_up_by_mail(&request, &email, proof.factor(), client)).await
                }
            }
        });
        LOG_INS.add(1, &[("Outcome", result.outcome())], self.clock.now());
        result
    }

    /// Opens a session of the account pages. [`Accounts::log_in_by_mail`] opens one of the API.
    ///
    /// # Errors
    /// As [`Accounts::log_in_by_mail`].
    pub async fn open_pages_by_mail(
        &self,
        log_in_id: &str,
        proof: MailProof<'_>,
        client: &Client,
    ) -> Result<PageSession, AuthError> {
        operation!(self.clock, "open_pages_by_mail", async {
            let area = Area::Account;
            let client = Client { refresh_tokens: area.kind(), ..client.clone() };
            let opened = Box::pin(self.log_in_by_mail(log_in_id, proof, &client)).await?;
            self.page_session(area, opened).await
        })
    }

    /// Whether the user may log in by that address.
    fn may_log_in_at(&self, user: &User, email_key: &str) -> bool {
        user.email_key == email_key || self.policy.allow_login_with_secondary_email
    }

    /// A new request. For an address without an account, it has an id that belongs to no user. Its token has the same
    /// length.
    fn new_request(&self, email: &Email, user: Option<&User>, client: &Client) -> LogInRequest {
        let now = self.clock.now();
        LogInRequest {
            id: self.random.id(now).to_string(),
            user_id: user.map_or_else(|| self.unused_id(), |user| user.id),
            binding: user.map_or_else(|| email.digest(), |user| user.binding(Purpose::LogIn)),
            email_digest: email.digest(),
            // Also if the address has an account: otherwise the length of the token would reveal that.
            email: self.policy.sign_up_by_mail.then(|| email.address().to_owned()),
            refresh_tokens: client.refresh_tokens,
            expires_at: seconds_after(now, LOG_IN_LIFETIME),
        }
    }

    fn log_in_mail(
        &self,
        request: &LogInRequest,
        user: &User,
        email: &Email,
        client: &Client,
    ) -> Mail {
        let mail = self.new_link(Purpose::LogIn, user, email);
        let stale_at = mail.stale_at.min(request.expires_at);
        let mail = Mail { stale_at, ..mail }.in_one_of(client.languages.clone());
        mail.for_log_in(&request.id, client.for_keeping().ip)
    }
}

/// The answer to every proof that Latchkey refuses. Only the log has the reason.
pub(super) fn refused(factor: Factor, reason: &str) -> AuthError {
    note("reason", reason);
    if factor == Factor::Link { AuthError::InvalidToken } else { Refusal::InvalidCode.into() }
}
