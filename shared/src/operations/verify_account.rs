//! Prove the address that an account was made with.

use futures::future::join;

use super::Accounts;
use super::authenticate::invalid as invalid_token;
use super::change_password::link_recipient;
use super::secondary_email::count_lost;
use crate::crypto::LinkClaims;
use crate::error::{AuthError, Refusal};
use crate::model::Purpose;
use crate::model::copied::{self, TypedCode};
use crate::model::{Client, Email, SignUp, User};
use crate::store::{Proof, Subject, Tried, Verified};
use crate::telemetry::{note, operation};

impl Accounts {
    /// Verifies the account by the token of the mailed link, once, and removes the end that an unverified account
    /// has. For a pending sign-up, it creates the account: without its password if other sign-ups with the address
    /// are pending. An account without a password gets a mail that sets one.
    ///
    /// # Errors
    /// [`Refusal::AlreadyVerified`] the second time, with this token or an older one, and for a pending sign-up if
    /// another one has created the account of that address; [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`],
    /// [`AuthError::Unavailable`].
    pub async fn verify_account(&self, link_token: &str) -> Result<(), AuthError> {
        operation!(self.clock, "verify_account", async {
            let mut lost = 0;
            loop {
                let (sign_up, claims) = self.read_activation_link(link_token).await?;
                let proof = Proof::Link { jti: claims.jti.to_string(), exp: claims.exp };
                match self.prove(&sign_up, proof).await? {
                    Verified::Done => return Ok(()),
                    Verified::Changed => count_lost(&mut lost)?,
                    Verified::Taken => return Err(Refusal::AlreadyVerified.into()),
                    Verified::ProofUsed => return Err(invalid_token("used_before")),
                    Verified::Ended => return Err(invalid_token("unknown_user")),
                }
            }
        })
    }

    /// The claims of the link of a sign-up, and the sign-up whose address it proves, of an active user.
    pub(super) async fn read_activation_link(
        &self,
        link_token: &str,
    ) -> Result<(SignUp, LinkClaims), AuthError> {
        let (token, now) = (copied::link_token(link_token), self.clock.now());
        let claims = self.proofs.read_link(&token, Purpose::Activation, now)?;
        let sign_up = self.store.sign_up(&claims.email_digest, claims.sub).await?;
        let is_theirs = |user: &User| claims.proves(&user.email_key);
        let user = sign_up.as_ref().map(|sign_up| sign_up.account().clone());
        link_recipient(&claims, user, is_theirs)?;
        let sign_up = sign_up.ok_or_else(|| invalid_token("unknown_user"))?;
        Ok((sign_up, claims))
    }

    /// Whether the address of a pending sign-up has another account by now.
    pub(super) async fn lost_address(&self, sign_up: &SignUp) -> Result<bool, AuthError> {
        let SignUp::Pending(pending) = sign_up else { return Ok(false) };
        let address = Subject::Email(pending.account.first_email());
        Ok(self.store.find_user(&address).await?.is_some())
    }

    /// Verifies the account of a sign-up, or creates it.
    ///
    /// # Errors
    /// [`Refusal::AlreadyVerified`], [`AuthError::Unavailable`].
    async fn prove(&self, sign_up: &SignUp, proof: Proof<'_>) -> Result<Verified, AuthError> {
        let pending = match sign_up {
            SignUp::Account(user) if user.is_verified => {
                return Err(Refusal::AlreadyVerified.into());
            }
            SignUp::Account(user) => return Ok(self.store.verify_address(user, proof).await?),
            SignUp::Pending(pending) => pending,
        };
        let user = pending.proven(self.store.is_disputed(pending).await?);
        let mail = user.password.is_none().then(|| {
            let mail = self.new_link(Purpose::PasswordSet, &user, &user.first_email());
            mail.in_one_of(user.locale.clone())
        });
        let created = self.store.create_proven(&user, proof, mail.as_slice()).await?;
        if created == Verified::Done {
            self.count_sign_up();
        }
        Ok(created)
    }

    /// Verifies the account of that address by the mailed one-time code. Each try is counted before it is compared, for
    /// the code and for the address. A right code is used up. An input that cannot be a code, such as five digits, does
    /// not count as a try: it cannot be right, so an attacker gains nothing, and a typing mistake costs nothing.
    ///
    /// # Errors
    /// [`Refusal::InvalidCode`] for a wrong or used code and for an unknown address, alike;
    /// [`Refusal::ExpiredCode`], and [`Refusal::TooManyAttempts`] for any code after too many attempts, unless
    /// accounts are concealed; [`Refusal::AlreadyVerified`]; [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn verify_account_by_code(
        &self,
        email: &str,
        code: &str,
        client: &Client,
    ) -> Result<(), AuthError> {
        operation!(self.clock, "verify_account_by_code", async {
            let purpose = Purpose::Activation;
            let Ok(email) = Email::parse(email) else { return Err(invalid("no_address")) };
            let Some(code) = TypedCode::parse(code) else { return Err(invalid("no_digits")) };
            let codes = self.admit_code(purpose, &email, client).await?;
            let tried = self.store.try_code(email.key(), purpose, self.clock.now());
            // At the same time. Whichever of them refuses the try, the code is not compared.
            let (counted, tried) = join(self.count_code(codes.as_ref()), tried).await;
            counted?;
            let found = match tried? {
                Tried::Counted(found) => found,
                Tried::Missing => return Err(invalid("no_code")),
                // The existence of a code would also reveal who has an account.
                Tried::Expired if self.policy.conceal_accounts => return Err(invalid("expired")),
                Tried::Exhausted if self.policy.conceal_accounts => {
                    return Err(invalid("too_many_attempts"));
                }
                Tried::Expired => return Err(Refusal::ExpiredCode.into()),
                Tried::Exhausted => return Err(Refusal::TooManyAttempts.into()),
            };
            note("user", found.user_id);
            if !self.proofs.is_code(purpose, found.user_id, &found.nonce, code.expose()) {
                return Err(invalid("wrong_code"));
            }
            let mut lost = 0;
            loop {
                let sign_up = self.store.sign_up(&email.digest(), found.user_id).await?;
                let Some(sign_up) = sign_up else { return Err(invalid("unknown_user")) };
                match sign_up.account() {
                    user if !user.is_active => return Err(invalid("inactive")),
                    user if user.is_verified => return Err(Refusal::AlreadyVerified.into()),
                    user if user.email_key == email.key() => {}
                    _ => return Err(invalid("other_address")),
                }
                let proof = Proof::Code { purpose, nonce: &found.nonce };
                match self.prove(&sign_up, proof).await? {
                    Verified::Done => return Ok(()),
                    Verified::Changed => count_lost(&mut lost)?,
                    Verified::Taken => return Err(Refusal::AlreadyVerified.into()),
                    Verified::ProofUsed => return Err(invalid("used_before")),
                    Verified::Ended => return Err(invalid("unknown_user")),
                }
            }
        })
    }
}

/// The one answer to a code that is refused. Only the log has the reason.
fn invalid(reason: &str) -> AuthError {
    note("reason", reason);
    Refusal::InvalidCode.into()
}
