//! The operations that open, continue or end the caller's session. The dialects call them here and nowhere else, so
//! that none of them forgets the caller's cookies, or shows a token that must be in a cookie only.

use accounts::crypto::AccessClaims;
use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword, PlainRecoveryCode, SessionId, User};
use accounts::operations::factors::{FactorAdded, NewApp};
use accounts::operations::second_factor::StepUp;
use accounts::operations::{
    Caller, Credentials, Enrolment, LoggedIn, NewPassword, Registered, Registration, TokenPair,
};

use crate::caller::RequestCaller;

/// The tokens of a session, as an answer shows them.
#[derive(Debug)]
pub(crate) struct SessionTokens {
    /// `None` if tokens are in cookies only.
    pub(crate) access: Option<String>,
    /// The same.
    pub(crate) refresh: Option<String>,
    /// The claims of the access token.
    pub(crate) claims: AccessClaims,
}

/// A new account, as an answer shows it.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) user: User,
    pub(crate) tokens: Option<SessionTokens>,
}

/// A log-in, as an answer shows it.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) user: User,
    pub(crate) unarchived: bool,
    pub(crate) tokens: SessionTokens,
}

/// A factor that was added, as an answer shows it.
#[derive(Debug)]
pub(crate) struct NewFactor {
    pub(crate) recovery_codes: Vec<PlainRecoveryCode>,
    pub(crate) tokens: SessionTokens,
}

impl RequestCaller {
    pub(crate) async fn register(&self, given: Registration) -> Result<NewAccount, AuthError> {
        let Registered { user, tokens } = self.accounts.register(given, self.client()).await?;
        Ok(NewAccount { user, tokens: tokens.map(|tokens| self.keep(tokens)) })
    }

    /// The user who has logged in becomes the caller.
    pub(crate) async fn log_in(
        &self,
        credentials: Credentials,
        password: PlainPassword,
    ) -> Result<NewSession, AuthError> {
        let opened = self.accounts.log_in(credentials, password, self.client()).await?;
        Ok(self.opened(opened).await)
    }

    /// The second step of a log-in. The user becomes the caller.
    pub(crate) async fn complete_log_in(
        &self,
        challenge: &str,
        code: &str,
        trusts_device: bool,
    ) -> Result<NewSession, AuthError> {
        let client = Client { trusts_device, ..self.client().clone() };
        let opened = self.accounts.complete_log_in(challenge, code, &client).await?;
        Ok(self.opened(opened).await)
    }

    /// Log in by a mailed link or code. The user becomes the caller.
    pub(crate) async fn log_in_by_mail(
        &self,
        log_in_id: &str,
        proof: &str,
    ) -> Result<NewSession, AuthError> {
        let opened = self.accounts.log_in_by_mail(log_in_id, proof.into(), self.client()).await?;
        Ok(self.opened(opened).await)
    }

    async fn opened(&self, opened: LoggedIn) -> NewSession {
        let LoggedIn { caller, tokens, unarchived, device } = opened;
        self.new_device_token.set(device);
        let user = caller.user.clone();
        self.become_caller(caller).await;
        NewSession { user, unarchived, tokens: self.keep(tokens) }
    }

    async fn enrolled(&self, added: Enrolment<LoggedIn>) -> NewFactor {
        let Enrolment { opened, recovery_codes } = added;
        let NewSession { tokens, .. } = self.opened(opened).await;
        NewFactor { recovery_codes, tokens }
    }

    /// Proves once more who the caller is, in the present session.
    pub(crate) async fn step_up(&self, proof: StepUp) -> Result<SessionTokens, AuthError> {
        let caller = self.require().await?;
        Ok(self.keep(self.accounts.step_up(&caller, proof).await?))
    }

    /// For the caller, or for the log-in of that challenge, which waits for a second factor.
    pub(crate) async fn begin_app(
        &self,
        challenge: Option<&str>,
        password: Option<PlainPassword>,
    ) -> Result<NewApp, AuthError> {
        if let Some(challenge) = challenge {
            return self.accounts.begin_app_to_log_in(challenge, self.client()).await;
        }
        self.accounts.begin_app(&self.require().await?, password).await
    }

    /// For the caller, or for the log-in of that challenge: its user becomes the caller.
    pub(crate) async fn add_app(
        &self,
        challenge: Option<&str>,
        setup: &str,
        code: &str,
    ) -> Result<NewFactor, AuthError> {
        if let Some(challenge) = challenge {
            let added = self.accounts.add_app_to_log_in(challenge, setup, code, self.client());
            return Ok(self.enrolled(added.await?).await);
        }
        let caller = self.require().await?;
        let FactorAdded { recovery_codes, tokens } =
            self.accounts.add_app(&caller, setup, code).await?;
        Ok(NewFactor { recovery_codes, tokens: self.keep(tokens) })
    }

    /// The second step of a log-in, by a passkey. The user becomes the caller.
    pub(crate) async fn complete_log_in_by_passkey(
        &self,
        challenge: &str,
        credential: &str,
        trusts_device: bool,
    ) -> Result<NewSession, AuthError> {
        let client = Client { trusts_device, ..self.client().clone() };
        let opened =
            self.accounts.complete_log_in_by_passkey(challenge, credential, &client).await?;
        Ok(self.opened(opened).await)
    }

    /// A log-in by a passkey alone. The user becomes the caller.
    pub(crate) async fn passkey_log_in(&self, credential: &str) -> Result<NewSession, AuthError> {
        let opened = self.accounts.passkey_log_in(credential, self.client()).await?;
        Ok(self.opened(opened).await)
    }

    pub(crate) async fn step_up_by_passkey(
        &self,
        credential: String,
    ) -> Result<SessionTokens, AuthError> {
        self.step_up(StepUp::Passkey(credential)).await
    }

    /// For the caller, or for the log-in of that challenge, which waits for a second factor.
    pub(crate) async fn begin_passkey(
        &self,
        challenge: Option<&str>,
        password: Option<PlainPassword>,
    ) -> Result<String, AuthError> {
        if let Some(challenge) = challenge {
            return self.accounts.begin_passkey_to_log_in(challenge, self.client()).await;
        }
        self.accounts.begin_passkey(&self.require().await?, password).await
    }

    /// For the caller, or for the log-in of that challenge: its user becomes the caller.
    pub(crate) async fn add_passkey(
        &self,
        challenge: Option<&str>,
        credential: &str,
        name: &str,
    ) -> Result<NewFactor, AuthError> {
        if let Some(challenge) = challenge {
            let (accounts, client) = (&self.accounts, self.client());
            let added = accounts.add_passkey_to_log_in(challenge, credential, name, client);
            return Ok(self.enrolled(added.await?).await);
        }
        let caller = self.require().await?;
        let FactorAdded { recovery_codes, tokens } =
            self.accounts.add_passkey(&caller, credential, name).await?;
        Ok(NewFactor { recovery_codes, tokens: self.keep(tokens) })
    }

    /// By the token that is given, or else by those in cookies.
    pub(crate) async fn refresh(&self, given: Option<&str>) -> Result<SessionTokens, AuthError> {
        let next = match given {
            Some(token) => self.accounts.refresh(token, self.client()).await?,
            None => self.accounts.refresh_by_one_of(&self.refresh_cookies, self.client()).await?,
        };
        Ok(self.keep(next))
    }

    pub(crate) async fn change_password(
        &self,
        old: PlainPassword,
        new: NewPassword,
    ) -> Result<SessionTokens, AuthError> {
        let caller = self.require().await?;
        Ok(self.keep(self.accounts.change_password(&caller, old, new, self.client()).await?))
    }

    pub(crate) async fn change_password_and_log_out(
        &self,
        caller: &Caller,
        old: PlainPassword,
        new: NewPassword,
    ) -> Result<(), AuthError> {
        self.ended(self.accounts.change_password_and_log_out(caller, old, new).await?)
    }

    pub(crate) async fn archive_account(&self, password: PlainPassword) -> Result<(), AuthError> {
        let caller = self.require().await?;
        self.ended(self.accounts.archive_account(&caller, password).await?)
    }

    pub(crate) async fn delete_account(&self, password: PlainPassword) -> Result<(), AuthError> {
        let caller = self.require().await?;
        self.ended(self.accounts.delete_account(&caller, password).await?)
    }

    /// By the access token, or if that is not valid, by the refresh tokens in cookies.
    pub(crate) async fn log_out(&self) -> Result<(), AuthError> {
        match self.require().await {
            Ok(caller) => self.accounts.log_out(&caller).await?,
            // The access token expires long before the refresh token.
            Err(AuthError::Unauthenticated) if self.is_by_cookies => {
                self.accounts.log_out_by(&self.refresh_cookies).await?;
            }
            Err(error) => return Err(error),
        }
        self.ended(())
    }

    pub(crate) async fn revoke(&self, refresh_token: &str) -> Result<i64, AuthError> {
        self.ended(self.accounts.revoke(refresh_token).await?)
    }

    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), AuthError> {
        let caller = self.require().await?;
        self.accounts.end_session(&caller, id).await?;
        if id == caller.session.id { self.ended(()) } else { Ok(()) }
    }

    /// Puts the tokens into the caller's cookies.
    fn keep(&self, tokens: TokenPair) -> SessionTokens {
        self.jar.keep(&tokens);
        let TokenPair { access, refresh, claims, .. } = tokens;
        let shown = |token| (!self.hides_tokens).then_some(token);
        SessionTokens { access: shown(access), refresh: shown(refresh), claims }
    }

    /// Takes the tokens out of the caller's cookies. An operation that failed has ended no session, and does not come
    /// here.
    #[expect(clippy::unnecessary_wraps, reason = "it is what the operations end with")]
    fn ended<T>(&self, done: T) -> Result<T, AuthError> {
        self.jar.clear();
        Ok(done)
    }
}
