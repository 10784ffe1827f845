//! The mutations that log in by mail, in the library's style: as those of a password reset.

use super::envelope::{answer, answer_or_raise};
use super::forms::mutations;
use super::mutation::{accounts, request_caller};
use super::types::{LoginByEmail, SendLoginEmail, ShowLoginCode};

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
