//! Opens the session of a user who has an account.

use super::{Recipient, refused};
use crate::error::AuthError;
use crate::model::{Client, Factor, Languages, LogInRequest, Purpose, Session, User};
use crate::operations::Accounts;
use crate::operations::log_in::LoggedIn;
use crate::operations::secondary_email::count_lost;
use crate::store::{MailedLogIn, MailedStep};

impl Accounts {
    /// Opens the session, or returns the error that requires the second factor.
    pub(super) async fn open_by_mail(
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
                    self.require_second_factor(&user, factor, device, client)
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
                        return Err(self.require_enrolment(&next, factor, device, client).await);
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
