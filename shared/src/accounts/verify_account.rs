//! Prove the address that an account was made with.

use super::Accounts;
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
            let (user, claims) = self.read_activation_link(link_token).await?;
            let proof = Proof::Link { jti: claims.jti.to_string(), exp: claims.exp };
            match self.store.verify_address(&user, proof).await? {
                Verified::Done => {
                    note("user", user.id);
                    Ok(())
                }
                Verified::Already => Err(AuthError::AlreadyVerified),
                Verified::ProofUsed | Verified::Ended => Err(AuthError::InvalidToken),
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
        let user = self.store.user(claims.sub).await?.filter(|user| user.is_active);
        let user = user.filter(|user| claims.proves(&user.email_key));
        user.map(|user| (user, claims)).ok_or(AuthError::InvalidToken)
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
            let Ok(email) = Email::parse(email) else { return Err(AuthError::InvalidCode) };
            let Some(code) = TypedCode::parse(code) else { return Err(AuthError::InvalidCode) };
            let now = self.clock.now();
            let found = match self.store.try_code(email.key(), purpose, now).await? {
                Tried::Counted(found) => found,
                Tried::Missing => return Err(AuthError::InvalidCode),
                // That there was a code, too, would tell who has an account.
                Tried::Expired | Tried::Exhausted if self.policy.conceal_accounts => {
                    return Err(AuthError::InvalidCode);
                }
                Tried::Expired => return Err(AuthError::ExpiredCode),
                Tried::Exhausted => return Err(AuthError::TooManyAttempts),
            };
            if !self.proofs.is_code(purpose, found.user_id, &found.nonce, code.expose()) {
                return Err(AuthError::InvalidCode);
            }
            let user = self.store.user(found.user_id).await?.filter(|user| user.is_active);
            let user = match user {
                Some(user) if user.is_verified => return Err(AuthError::AlreadyVerified),
                Some(user) if user.email_key == email.key() => user,
                _ => return Err(AuthError::InvalidCode),
            };
            let proof = Proof::Code { purpose, nonce: &found.nonce };
            match self.store.verify_address(&user, proof).await? {
                Verified::Done => {
                    note("user", user.id);
                    Ok(())
                }
                Verified::Already => Err(AuthError::AlreadyVerified),
                Verified::ProofUsed | Verified::Ended => Err(AuthError::InvalidCode),
            }
        })
    }
}
