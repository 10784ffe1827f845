//! Log in by a mailed link or code, without the password.

use jiff::Timestamp;

use super::log_in::LoggedIn;
use super::page_session::{Area, PageSession};
use super::register::MADE_USERNAMES;
use super::secondary_email::count_lost;
use super::view_link::{LinkView, proven_by};
use super::{Accounts, authenticate};
use crate::crypto::LinkClaims;
use crate::crypto::otp::Digits;
use crate::error::{AuthError, Field, Violations};
use crate::model::copied::{self, TypedCode};
use crate::model::log_in::LOG_IN_LIFETIME;
use crate::model::session::seconds_after;
use crate::model::{
    Client, Email, Factor, Languages, LogInRequest, Mail, Purpose, Scope, Session, User, Username,
};
use crate::store::{Guesser, MailedLogIn, MailedSignUp, MailedStep};
use crate::telemetry::metrics::LOG_INS;
use crate::telemetry::{Outcome, note, operation};

/// The proof that a recipient of the mail gives.
#[derive(Clone, Copy, Debug)]
pub enum MailProof<'a> {
    /// The code, as typed.
    Code(&'a str),
    /// The token of the link.
    Link(&'a str),
}

/// A request to log in, as the recipient of its mail sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInAsked {
    /// The time of the request.
    pub asked_at: Timestamp,
    /// The IP address that sent the request, if it is known.
    pub ip: Option<String>,
    /// Its account and its address.
    pub link: LinkView,
    /// Whether this browser made the request.
    pub is_asked_here: bool,
    /// Whether the address has no account: the log-in signs up.
    pub is_sign_up: bool,
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
                    let mail = mail.to_one_who_may_be_gone(&user);
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
    /// [`AuthError::InvalidCode`] for a wrong or used code, and for any code of an address without an account;
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

    /// Finds the request of a link. Changes nothing, because programs that check mails open links, too. `log_in_id` is
    /// the token that the browser keeps, if any.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], also for a request that was used; [`AuthError::ExpiredToken`];
    /// [`AuthError::Unavailable`].
    pub async fn view_log_in(
        &self,
        link_token: &str,
        log_in_id: Option<&str>,
    ) -> Result<LogInAsked, AuthError> {
        operation!(self.clock, "view_log_in", async {
            let (user, claims, mail) = self.read_log_in_link(link_token).await?;
            self.asked(user, &claims, mail, log_in_id)
        })
    }

    /// Returns the code of the mail with this link, and the request. The user opened the link in another browser, and
    /// types the code in the browser that made the request. Changes nothing.
    ///
    /// # Errors
    /// As [`Accounts::view_log_in`].
    pub async fn show_log_in_code(
        &self,
        link_token: &str,
    ) -> Result<(Digits, LogInAsked), AuthError> {
        operation!(self.clock, "show_log_in_code", async {
            let (user, claims, mail) = self.read_log_in_link(link_token).await?;
            let code = self.proofs.code(Purpose::LogIn, user.id, &claims.binding);
            Ok((code, self.asked(user, &claims, mail, None)?))
        })
    }

    fn asked(
        &self,
        user: User,
        claims: &LinkClaims,
        mail: Mail,
        log_in_id: Option<&str>,
    ) -> Result<LogInAsked, AuthError> {
        let now = self.clock.now();
        let own = log_in_id.and_then(|id| self.proofs.log_ins().read(id.trim(), now).ok());
        let email = proven_by(&user, |key| claims.proves(key))?;
        // Only such a mail goes to a user who does not exist.
        let is_sign_up = mail.username.is_some();
        Ok(LogInAsked {
            asked_at: mail.asked_at(),
            ip: mail.ip,
            link: LinkView {
                purpose: Purpose::LogIn,
                is_account_proven: user.is_verified,
                username: user.username,
                email: email.masked(),
                languages: user.locale,
            },
            is_asked_here: own.is_some_and(|own| own.id == claims.binding),
            is_sign_up,
        })
    }

    /// The user of a link whose request is unused, the claims of the link, and its mail. For a sign-up, the user does
    /// not exist yet: the result has the data of the mail.
    pub(super) async fn read_log_in_link(
        &self,
        link_token: &str,
    ) -> Result<(User, LinkClaims, Mail), AuthError> {
        let now = self.clock.now();
        let token = copied::link_token(link_token);
        let claims = self.proofs.read_link(&token, Purpose::LogIn, now)?;
        let user = self.store.user_unless_used(claims.sub, &claims.binding);
        let (user, mail) = tokio::join!(user, self.store.mail(claims.jti));
        let (user, Some(mail)) = (user?, mail?) else {
            return Err(authenticate::invalid("used_before"));
        };
        let user = match user.map_or_else(|| self.newcomer_of(&mail), |user| Some((user, false))) {
            Some((_, true)) if self.store.is_log_in_request_used(&claims.binding).await? => None,
            user => user.map(|(user, _)| user),
        };
        let user = user.ok_or_else(|| authenticate::invalid("used_before"))?;
        let user = super::change_password::whose(&claims, Some(user), |user| {
            user.email_keys().any(|key| claims.proves(key) && self.may_log_in_at(user, key))
        })?;
        Ok((user, claims, mail))
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

    /// The user that the request will create. The mail and the pages use the name and the languages.
    fn newcomer(&self, request: &LogInRequest, email: &Email, client: &Client) -> User {
        let username = Username::made_from(email, &self.policy.reserved_usernames);
        let user = User::new(request.user_id, &username, email, None, self.clock.now());
        User { locale: client.languages.clone(), ..user }
    }

    /// The same user, from the data of the mail. The flag is always `true`: it marks a user who does not exist yet.
    fn newcomer_of(&self, mail: &Mail) -> Option<(User, bool)> {
        let is_one = self.policy.sign_up_by_mail && mail.username.is_some();
        is_one.then(|| {
            let username = Username::made_from(&mail.email(), &self.policy.reserved_usernames);
            let user = User::new(mail.user_id, &username, &mail.email(), None, mail.created_at);
            (User { locale: mail.languages.clone(), ..user }, true)
        })
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

    /// The user whom the code logs in. Latchkey counts each attempt before it compares the code. An input that cannot
    /// be a code does not count.
    async fn check_mailed_code(
        &self,
        request: &LogInRequest,
        typed: &str,
        client: &Client,
    ) -> Result<Recipient, AuthError> {
        let Some(code) = TypedCode::parse(typed) else {
            return Err(refused(Factor::Code, "no_digits"));
        };
        // Latchkey reads the user before it counts: the epoch of the user shows whether the device token is still
        // valid.
        let user = self.store.user_unless_used(request.user_id, &request.id).await?;
        let device = user.as_ref().and_then(|user| self.known_device(user, client));
        let parts = ["log-in codes", &request.email_digest, device.as_deref().unwrap_or_default()];
        let digest = self.proofs.blinds().of(&parts);
        let tries = self.admit_try(Guesser { scope: Scope::LogInCodes, digest }, client).await?;
        self.count_code(tries.as_ref()).await?;
        let is_right =
            self.proofs.is_code(Purpose::LogIn, request.user_id, &request.id, code.expose());
        let user = self.of_request(request, user, Factor::Code);
        if !is_right {
            return Err(refused(Factor::Code, "wrong_code"));
        }
        let user = user?;
        self.forget_tries(tries).await;
        Ok(user)
    }

    /// The user whom the link logs in, if the link is in a mail of the request.
    async fn check_mailed_link(
        &self,
        request: &LogInRequest,
        link_token: &str,
    ) -> Result<Recipient, AuthError> {
        let token = copied::link_token(link_token);
        let claims = self.proofs.read_link(&token, Purpose::LogIn, self.clock.now())?;
        if claims.binding != request.id || claims.sub != request.user_id {
            return Err(refused(Factor::Link, "other_request"));
        }
        let user = self.store.user_unless_used(request.user_id, &request.id).await?;
        self.of_request(request, user, Factor::Link)
    }

    /// Returns the user of a request, if the user may still log in with it. If the user does not exist, and the request
    /// may create an account, returns the address.
    fn of_request(
        &self,
        request: &LogInRequest,
        user: Option<User>,
        factor: Factor,
    ) -> Result<Recipient, AuthError> {
        let Some(user) = user else {
            let typed = request.email.as_deref();
            let typed = typed.filter(|_| self.policy.sign_up_by_mail && request.has_no_user());
            let email = typed.and_then(|typed| Email::parse(typed).ok());
            let email = email.ok_or_else(|| refused(factor, "unknown_user"))?;
            return Ok(Recipient::Newcomer(email));
        };
        note("user", user.id);
        let is_theirs = |key: &str| {
            crate::model::email::digest(key) == request.email_digest
                && self.may_log_in_at(&user, key)
        };
        if !user.is_active {
            Err(refused(factor, "inactive"))
        } else if !user.email_keys().any(is_theirs) {
            Err(refused(factor, "other_address"))
        } else if user.binding(Purpose::LogIn) != request.binding {
            Err(refused(factor, "changed_since"))
        } else {
            Ok(Recipient::User(user.into()))
        }
    }

    /// Creates the account of an address that had none at the time of the request, with a session, and uses up the
    /// request, in one write. The mail has proven the address. A user who must have a second factor gets no session
    /// yet.
    ///
    /// # Errors
    /// As [`Accounts::log_in_by_mail`]. Also if the address has got an account in the meantime: the user must request
    /// another mail.
    async fn sign_up_by_mail(
        &self,
        request: &LogInRequest,
        email: &Email,
        factor: Factor,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let (username, now) = (self.made_username(email), self.clock.now());
        let user = User::new(request.user_id, &username, email, None, now);
        let mut user = User { is_verified: true, locale: client.languages.clone(), ..user };
        note("user", user.id);
        let must_add_factor = self.needs_second_factor(&user).await?;
        for _ in 0..MADE_USERNAMES {
            let session = (!must_add_factor).then(|| self.new_session(&user, factor, client));
            let (request, expires_at) = (request.id.as_str(), request.expires_at);
            let step = MailedStep { request, expires_at, factor, is_cleared: false, mails: &[] };
            match self.store.sign_up_by_mail(&user, session.as_ref(), step).await? {
                MailedSignUp::Done => {
                    self.count_sign_up();
                    let Some(session) = session else {
                        return Err(self.ask_for_enrolment(&user, factor, None, client).await);
                    };
                    let name = self.random.id(now).to_string();
                    let device = self.proofs.devices().token(&user, name, now);
                    return Ok(self.logged_in(user, session, device));
                }
                MailedSignUp::NameTaken => self.rename(&mut user, &username),
                MailedSignUp::Used => return Err(refused(factor, "used_before")),
                MailedSignUp::AddressTaken => return Err(refused(factor, "registered_since")),
            }
        }
        Err(AuthError::Unavailable("every username that was made is taken".into()))
    }

    /// Opens the session, or returns the error that requires the second factor.
    async fn open_by_mail(
        &self,
        request: &LogInRequest,
        mut user: User,
        factor: Factor,
        device: Option<String>,
        client: &Client,
    ) -> Result<LoggedIn, AuthError> {
        let mut lost = 0;
        loop {
            if user.has_second_factor && user.is_verified {
                let spent = Some((request.id.as_str(), request.expires_at));
                let opened = self.log_in_on_trusted_device(&user, factor, spent, client);
                if let Some(opened) = Box::pin(opened).await? {
                    return Ok(opened);
                }
                let is_new = self.store.use_log_in_request(&request.id, request.expires_at).await?;
                return Err(if is_new {
                    self.ask_for_second_factor(&user, factor, device, client)
                } else {
                    refused(factor, "used_before")
                });
            }
            let is_claimed = !user.is_verified;
            let must_add_factor = self.needs_second_factor(&user).await?;
            let is_cleared = is_claimed && !self.policy.allow_login_not_verified;
            let next = if is_claimed { owned(&user, is_cleared) } else { user.clone() };
            let mail = (is_claimed && user.password.is_some()).then(|| {
                let mail = self.new_link(Purpose::PasswordSet, &next, &next.first_email());
                mail.in_one_of(client.languages.clone())
            });
            let session: Session = self.new_session(&next, factor, client);
            let step = MailedStep {
                request: &request.id,
                expires_at: request.expires_at,
                factor,
                is_cleared,
                mails: mail.as_slice(),
            };
            let opened = if must_add_factor {
                (self.store.log_in_by_mail(&user, None, step).await?, None)
            } else {
                self.open_session_by_mail(&user, &session, step).await?
            };
            match opened {
                (MailedLogIn::Done, others) => {
                    if is_cleared {
                        self.discard_picture(&user).await;
                    }
                    if must_add_factor {
                        return Err(self.ask_for_enrolment(&next, factor, device, client).await);
                    }
                    self.after_log_in(&next, &session, device.is_some(), others.as_deref()).await;
                    let now = self.clock.now();
                    let name = device.unwrap_or_else(|| self.random.id(now).to_string());
                    let device = self.proofs.devices().token(&next, name, now);
                    return Ok(self.logged_in(next, session, device));
                }
                (MailedLogIn::Used, _) => return Err(refused(factor, "used_before")),
                (MailedLogIn::Changed, _) => {
                    count_lost(&mut lost)?;
                    let now = self.store.user(request.user_id).await?;
                    match self.of_request(request, now, factor)? {
                        Recipient::User(now) => user = *now,
                        Recipient::Newcomer(_) => return Err(refused(factor, "unknown_user")),
                    }
                }
            }
        }
    }
}

/// The account after the owner of its address has verified it: a stranger may have created it.
fn owned(user: &User, is_cleared: bool) -> User {
    let mut next = User {
        is_verified: true,
        epoch: user.epoch + 1,
        password: None,
        compared_password: None,
        password_failures: 0,
        known_password_failures: 0,
        has_second_factor: false,
        pending_email: None,
        pending_secondary_email: None,
        ends_at: None,
        ..user.clone()
    };
    if is_cleared {
        next.first_name.clear();
        next.last_name.clear();
        next.position.clear();
        next.department.clear();
        next.gender = None;
        next.profile_picture = None;
        next.locale = Languages::default();
    }
    next
}

/// The answer to every proof that Latchkey refuses. Only the log has the reason.
pub(super) fn refused(factor: Factor, reason: &str) -> AuthError {
    note("reason", reason);
    if factor == Factor::Link { AuthError::InvalidToken } else { AuthError::InvalidCode }
}
