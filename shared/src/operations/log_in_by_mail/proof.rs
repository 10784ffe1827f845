//! Verifies the code or the link of a mail.

use super::{Recipient, refused};
use crate::error::AuthError;
use crate::model::copied::{self, TypedCode};
use crate::model::{Client, Email, Factor, LogInRequest, Purpose, Scope, User};
use crate::operations::Accounts;
use crate::store::Guesser;
use crate::telemetry::note;

impl Accounts {
    /// The user whom the code logs in. Latchkey counts each attempt before it compares the code. An input that cannot
    /// be a code does not count.
    pub(super) async fn check_mailed_code(
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
        let tries =
            self.admit_attempt(Guesser { scope: Scope::LogInCodes, digest }, client).await?;
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
    pub(super) async fn check_mailed_link(
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
    pub(super) fn of_request(
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
}
