//! Prove the address that an account was made with.

use super::Accounts;
use super::authenticate::invalid as invalid_token;
use super::change_password::whose;
use super::secondary_email::count_lost;
use crate::crypto::LinkClaims;
use crate::error::AuthError;
use crate::model::code::Purpose;
use crate::model::copied::{self, TypedCode};
use crate::model::{Email, User};
use crate::store::{Proof, Tried, Verified};
use crate::telemetry::{note, operation};

impl Accounts {
    /// Marks the account as verified by the token of the mailed link, once. It stays by that: until then, it
    /// ends by itself.
    ///
    /// # Errors
    /// [`AuthError::AlreadyVerified`] the second time, with this token or an older one;
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], [`AuthError::Unavailable`].
    pub async fn verify_account(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_account", async {
            let mut lost = 0;
            loop {
                let (user, claims) = self.read_activation_link(link_token).await?;
                if user.is_verified {
                    return Err(AuthError::AlreadyVerified);
                }
                let proof = Proof::Link { jti: claims.jti.to_string(), exp: claims.exp };
                match self.store.verify_address(&user, proof).await? {
                    Verified::Done => return Ok(()),
                    Verified::Changed => count_lost(&mut lost)?,
                    Verified::ProofUsed => return Err(invalid_token("used_before")),
                    Verified::Ended => return Err(invalid_token("unknown_user")),
                }
            }
        })
    }

    /// What the link of a sign-up says, and the active user whose address it proves.
    pub(super) async fn read_activation_link(
        &self,
        link_token: &str,
    ) -> Result<(User, LinkClaims), AuthError> {
        let (token, now) = (copied::link_token(link_token), self.clock.now());
        let claims = self.proofs.read_link(&token, Purpose::Activation, now)?;
        let user = self.store.user(claims.sub).await?;
        let user = whose(&claims, user, |user| claims.proves(&user.email_key))?;
        Ok((user, claims))
    }

    /// Marks the account of that address as verified by the mailed one-time code. Each try is counted
    /// before it is compared, and a right code is used up. What can be no code, such as five digits, is no try: it
    /// could not have been right, so an attacker gains nothing, and a slip of the finger costs nothing.
    ///
    /// # Errors
    /// [`AuthError::InvalidCode`] for a wrong or used code and for an unknown address, alike;
    /// [`AuthError::ExpiredCode`], [`AuthError::TooManyAttempts`] for any code that is tried then, unless
    /// accounts are concealed;
    /// [`AuthError::AlreadyVerified`]; [`AuthError::Unavailable`].
    pub async fn verify_account_by_code(&self, email: &str, code: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_account_by_code", async {
            let purpose = Purpose::Activation;
            let Ok(email) = Email::parse(email) else { return Err(invalid("no_address")) };
            let Some(code) = TypedCode::parse(code) else { return Err(invalid("no_digits")) };
            let now = self.clock.now();
            let found = match self.store.try_code(email.key(), purpose, now).await? {
                Tried::Counted(found) => found,
                Tried::Missing => return Err(invalid("no_code")),
                // That there was a code, too, would tell who has an account.
                Tried::Expired if self.policy.conceal_accounts => return Err(invalid("expired")),
                Tried::Exhausted if self.policy.conceal_accounts => {
                    return Err(invalid("too_many_attempts"));
                }
                Tried::Expired => return Err(AuthError::ExpiredCode),
                Tried::Exhausted => return Err(AuthError::TooManyAttempts),
            };
            note("user", found.user_id);
            if !self.proofs.is_code(purpose, found.user_id, &found.nonce, code.expose()) {
                return Err(invalid("wrong_code"));
            }
            let mut lost = 0;
            loop {
                let user = match self.store.user(found.user_id).await? {
                    None => return Err(invalid("unknown_user")),
                    Some(user) if !user.is_active => return Err(invalid("inactive")),
                    Some(user) if user.is_verified => return Err(AuthError::AlreadyVerified),
                    Some(user) if user.email_key == email.key() => user,
                    Some(_) => return Err(invalid("other_address")),
                };
                let proof = Proof::Code { purpose, nonce: &found.nonce };
                match self.store.verify_address(&user, proof).await? {
                    Verified::Done => return Ok(()),
                    Verified::Changed => count_lost(&mut lost)?,
                    Verified::ProofUsed => return Err(invalid("used_before")),
                    Verified::Ended => return Err(invalid("unknown_user")),
                }
            }
        })
    }
}

/// The one answer to a code that is not taken, whose reason only the log may have.
fn invalid(reason: &str) -> AuthError {
    note("reason", reason);
    AuthError::InvalidCode
}
