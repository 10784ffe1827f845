//! The mutations that log in by mail, and their answers. Their style is that of the library's mutations for a password
//! reset.

use accounts::crypto::otp::Digits;
use accounts::operations::LogInView;
use async_graphql::SimpleObject;

use super::envelope::{Envelope, answer, answer_or_raise};
use super::forms::mutations;
use super::mutation::{accounts, request_caller};
use super::types::ObtainJsonWebToken;
use crate::own_session::NewSession;
use crate::scalars::DateTime;

mutations! {
    /// The mutations that log in by mail.
    (DjangoMailLogIn, RelayMailLogIn);

    /// Mail a link and a code to log in by. Keep `loginId` for `loginByEmail`, in the browser that asks. Answers alike
    /// for an address without an account. With the `loginId` of an earlier mail, the next mail has the same code for
    /// some minutes.
    #[graphql(name = "sendLoginEmail")]
    async fn send_log_in(ctx, email: String, login_id: Option<String>) -> SendLoginEmail {
        let client = request_caller(ctx).client();
        answer(accounts(ctx).send_log_in(&email, login_id.as_deref(), client).await)
    }

    /// Log in by the mailed code, or by the token of the mailed link, in the browser that has asked.
    #[graphql(name = "loginByEmail")]
    async fn log_in_by_mail(ctx, login_id: String, code: String) -> LoginByEmail {
        answer_or_raise(ctx, request_caller(ctx).log_in_by_mail(&login_id, &code).await)
    }

    /// Read the code that goes with a mailed link, to type it in the browser that has asked: for a link that was opened in
    /// another browser. Show it only after the user has confirmed the time and the address of the request.
    #[graphql(name = "showLoginCode")]
    async fn show_log_in_code(ctx, token: String) -> ShowLoginCode {
        answer(accounts(ctx).show_log_in_code(&token).await)
    }
}

/// The answer of `sendLoginEmail`.
#[derive(Debug, SimpleObject)]
pub(crate) struct SendLoginEmail {
    #[graphql(flatten)]
    envelope: Envelope,
    /// For `loginByEmail`, within ten minutes: the code is of no use without it.
    login_id: Option<String>,
}

impl From<(Envelope, Option<String>)> for SendLoginEmail {
    fn from((envelope, login_id): (Envelope, Option<String>)) -> Self {
        Self { envelope, login_id }
    }
}

/// The answer of `loginByEmail`.
#[derive(Debug, SimpleObject)]
pub(crate) struct LoginByEmail {
    #[graphql(flatten)]
    answer: ObtainJsonWebToken,
}

impl From<(Envelope, Option<NewSession>)> for LoginByEmail {
    fn from(answered: (Envelope, Option<NewSession>)) -> Self {
        Self { answer: answered.into() }
    }
}

/// The answer of `showLoginCode`.
#[derive(Debug, SimpleObject)]
pub(crate) struct ShowLoginCode {
    #[graphql(flatten)]
    envelope: Envelope,
    /// Six digits.
    code: Option<String>,
    /// When the mail was asked for.
    asked_at: Option<DateTime>,
    /// The address that has asked for it, if it is known.
    ip_address: Option<String>,
}

impl From<(Envelope, Option<(Digits, LogInView)>)> for ShowLoginCode {
    fn from((envelope, done): (Envelope, Option<(Digits, LogInView)>)) -> Self {
        let (code, asked) = done.unzip();
        let code = code.map(|code| code.expose().to_owned());
        let asked_at = asked.as_ref().map(|asked| DateTime(asked.asked_at));
        Self { envelope, code, asked_at, ip_address: asked.and_then(|asked| asked.ip) }
    }
}
