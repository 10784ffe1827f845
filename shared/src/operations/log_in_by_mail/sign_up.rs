//! Sign up by the mail of a log-in: the address has no account yet.

use super::refused;
use crate::error::AuthError;
use crate::model::{Client, Email, Factor, LogInRequest, Mail, User, Username};
use crate::operations::Accounts;
use crate::operations::log_in::LoggedIn;
use crate::operations::register::MADE_USERNAMES;
use crate::store::{MailedSignUp, MailedStep};
use crate::telemetry::note;

impl Accounts {
    /// The user that the request will create. The mail and the pages use the name and the languages.
    pub(super) fn newcomer(&self, request: &LogInRequest, email: &Email, client: &Client) -> User {
        let username = Username::made_from(email, &self.policy.reserved_usernames);
        let user = User::new(request.user_id, &username, email, None, self.clock.now());
        User { locale: client.languages.clone(), ..user }
    }

    /// The same user, from the data of the mail. The flag is always `true`: it marks a user who does not exist yet.
    pub(super) fn newcomer_of(&self, mail: &Mail) -> Option<(User, bool)> {
        let is_one = self.policy.sign_up_by_mail && mail.username.is_some();
        is_one.then(|| {
            let username = Username::made_from(&mail.email(), &self.policy.reserved_usernames);
            let user = User::new(mail.user_id, &username, &mail.email(), None, mail.created_at);
            (User { locale: mail.languages.clone(), ..user }, true)
        })
    }

    /// Creates the account of an address that had none at the time of the request, with a session, and uses up the
    /// request, in one write. The mail has proven the address. A user who must have a second factor gets no session
    /// yet.
    ///
    /// # Errors
    /// As [`Accounts::log_in_by_mail`]. Also if the address has got an account in the meantime: the user must request
    /// another mail.
    pub(super) async fn sign_up_by_mail(
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
                        return Err(self.require_enrolment(&user, factor, None, client).await);
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
}
