//! Shows the request of a link, and the code of its mail.

use jiff::Timestamp;

use crate::crypto::LinkClaims;
use crate::crypto::otp::Digits;
use crate::error::AuthError;
use crate::model::{Mail, Purpose, User, copied};
use crate::operations::view_link::{LinkView, proven_by};
use crate::operations::{Accounts, authenticate, change_password};
use crate::telemetry::operation;

/// A request to log in, as the recipient of its mail sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInView {
    /// The time of the request.
    pub asked_at: Timestamp,
    /// The IP address that sent the request, if it is known.
    pub ip: Option<String>,
    /// The account and the address of the request.
    pub link: LinkView,
    /// Whether this browser made the request.
    pub is_asked_here: bool,
    /// Whether the address has no account: the log-in signs up.
    pub is_sign_up: bool,
}

impl Accounts {
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
    ) -> Result<LogInView, AuthError> {
        operation!(self.clock, "view_log_in", async {
            let (user, claims, mail) = self.read_log_in_link(link_token).await?;
            self.log_in_view(user, &claims, mail, log_in_id)
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
    ) -> Result<(Digits, LogInView), AuthError> {
        operation!(self.clock, "show_log_in_code", async {
            let (user, claims, mail) = self.read_log_in_link(link_token).await?;
            let code = self.proofs.code(Purpose::LogIn, user.id, &claims.binding);
            Ok((code, self.log_in_view(user, &claims, mail, None)?))
        })
    }

    fn log_in_view(
        &self,
        user: User,
        claims: &LinkClaims,
        mail: Mail,
        log_in_id: Option<&str>,
    ) -> Result<LogInView, AuthError> {
        let now = self.clock.now();
        let own = log_in_id.and_then(|id| self.proofs.log_ins().read(id.trim(), now).ok());
        let email = proven_by(&user, |key| claims.proves(key))?;
        // Of the mails for a log-in, only that of a sign-up has a username, because its user does not exist yet.
        let is_sign_up = mail.username.is_some();
        Ok(LogInView {
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
    pub(in crate::operations) async fn read_log_in_link(
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
        let user = change_password::link_recipient(&claims, Some(user), |user| {
            user.email_keys().any(|key| claims.proves(key) && self.may_log_in_at(user, key))
        })?;
        Ok((user, claims, mail))
    }
}
