//! The library's mutations: parse, call, translate.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::PlainPassword;
use accounts::operations::{Changes, Credentials, NewPassword};
use async_graphql::Context;

use super::envelope::{NEW_PASSWORD, answer, answer_or_raise, answer_with};
use super::forms::mutations;
use super::types::{
    ArchiveAccount, CancelEmailChange, DeleteAccount, EndOtherSessions, EndSession, ExportAccount,
    Logout, ObtainJsonWebToken, PasswordChange, PasswordReset, PasswordSet, RefreshToken,
    RemoveSecondaryEmail, ResendActivationEmail, RestoreEmail, RevokeToken, SendPasswordResetEmail,
    SendSecondaryEmailActivation, SwapEmails, UpdateAccount, VerifyAccount, VerifySecondaryEmail,
    VerifyToken,
};
use crate::caller::RequestCaller;
use crate::codes::Code;
use crate::graphql_error::GraphQlError;

/// Calls an operation for the caller, who must be logged in, and answers.
macro_rules! as_caller {
    ($ctx:ident, |$accounts:ident, $caller:ident| $operation:expr) => {{
        let answered = async {
            let $accounts = accounts($ctx);
            let $caller = &request_caller($ctx).require().await?;
            $operation.await
        };
        answer(answered.await)
    }};
}

mutations! {
    /// The mutations of django-graphql-auth, except registration.
    (DjangoMutation, RelayMutation);

    /// Prove the address of an account by the token that was mailed to it.
    async fn verify_account(ctx, token: String) -> VerifyAccount {
        answer(accounts(ctx).confirm_address(&token).await)
    }

    /// Mail the activation link and code again.
    #[graphql(name = "resendActivationEmail")]
    async fn resend_activation(ctx, email: String) -> ResendActivationEmail {
        answer(accounts(ctx).resend_activation(&email, request_caller(ctx).client()).await)
    }

    /// Change the caller's names; what is left out stays as it is.
    async fn update_account(
        ctx,
        first_name: Option<String>,
        last_name: Option<String>,
    ) -> UpdateAccount {
        let changes = Changes { first_name, last_name, ..Changes::default() };
        as_caller!(ctx, |accounts, caller| accounts.update_account(caller, changes))
    }

    /// Read all personal data of the caller, as one document. Asks for the password once more.
    async fn export_account(ctx, password: String) -> ExportAccount {
        as_caller!(ctx, |accounts, caller| {
            accounts.export_account(caller, PlainPassword::new(password))
        })
    }

    /// Put the caller's account away until the next log-in. Ends all sessions.
    async fn archive_account(ctx, password: String) -> ArchiveAccount {
        answer(request_caller(ctx).archive_account(PlainPassword::new(password)).await)
    }

    /// Delete the caller's account. Ends all sessions.
    async fn delete_account(ctx, password: String) -> DeleteAccount {
        answer(request_caller(ctx).delete_account(PlainPassword::new(password)).await)
    }

    /// Mail a link to an address that is to become the caller's second one.
    async fn send_secondary_email_activation(
        ctx,
        email: String,
        password: String,
    ) -> SendSecondaryEmailActivation {
        let password = PlainPassword::new(password);
        as_caller!(ctx, |accounts, caller| {
            accounts.send_secondary_email_activation(caller, &email, password, request_caller(ctx).client())
        })
    }

    /// Make an address the account's second one by the token that was mailed to it.
    async fn verify_secondary_email(ctx, token: String) -> VerifySecondaryEmail {
        answer(accounts(ctx).verify_secondary_email(&token).await)
    }

    /// Make the caller's second address the first one, and the first one the second.
    async fn swap_emails(ctx, password: String) -> SwapEmails {
        let password = PlainPassword::new(password);
        as_caller!(ctx, |accounts, caller| accounts.swap_emails(caller, password))
    }

    /// Give the caller's second address up.
    async fn remove_secondary_email(ctx, password: String) -> RemoveSecondaryEmail {
        let password = PlainPassword::new(password);
        as_caller!(ctx, |accounts, caller| accounts.remove_secondary_email(caller, password))
    }

    /// Stop the change of the first address that is under way, by the token that was mailed to that address. Ends
    /// the session in which it was asked for.
    async fn cancel_email_change(ctx, token: String) -> CancelEmailChange {
        answer(accounts(ctx).cancel_email_change(&token).await)
    }

    /// Give the account back to the address that was the first one before, by the token that was mailed to that
    /// address. Ends all sessions, and takes the password away: `resetToken` is for `passwordReset`.
    async fn restore_email(ctx, token: String) -> RestoreEmail {
        answer(accounts(ctx).restore_email(&token).await)
    }

    /// Mail a link by which a new password can be chosen.
    #[graphql(name = "sendPasswordResetEmail")]
    async fn send_password_reset(ctx, email: String) -> SendPasswordResetEmail {
        answer(accounts(ctx).send_password_reset(&email, request_caller(ctx).client()).await)
    }

    /// Choose a new password by the token that was mailed. Ends all sessions. An account whose address was
    /// never proven can be given another username.
    #[graphql(name = "passwordReset")]
    async fn reset_password(
        ctx,
        token: String,
        new_password1: String,
        new_password2: String,
        username: Option<String>,
    ) -> PasswordReset {
        let new = NewPassword::twice(&new_password1, new_password2);
        let link = token.as_str().into();
        let client = request_caller(ctx).client();
        let reset = accounts(ctx).reset_password(link, new, username.as_deref(), client);
        answer_with(NEW_PASSWORD, reset.await)
    }

    /// Set the first password of an account by the token that was mailed. Ends all sessions.
    #[graphql(name = "passwordSet")]
    async fn set_password(
        ctx,
        token: String,
        new_password1: String,
        new_password2: String,
    ) -> PasswordSet {
        let new = NewPassword::twice(&new_password1, new_password2);
        answer_with(NEW_PASSWORD, accounts(ctx).set_password(&token, new).await)
    }

    /// Choose a new password, knowing the old one. Ends all sessions and opens a new one.
    #[graphql(name = "passwordChange")]
    async fn change_password(
        ctx,
        old_password: String,
        new_password1: String,
        new_password2: String,
    ) -> PasswordChange {
        let old = PlainPassword::new(old_password);
        let new = NewPassword::twice(&new_password1, new_password2);
        answer_with(NEW_PASSWORD, request_caller(ctx).change_password(old, new).await)
    }

    /// Log in with a password and one of email and username.
    #[graphql(name = "tokenAuth")]
    async fn log_in(
        ctx,
        password: String,
        email: Option<String>,
        username: Option<String>,
    ) -> ObtainJsonWebToken {
        let credentials = match credentials(email, username) {
            Ok(credentials) => credentials,
            Err(error) => return Some(Err(error)),
        };
        let result = request_caller(ctx).log_in(credentials, PlainPassword::new(password)).await;
        answer_or_raise(ctx, result)
    }

    /// Look into an access token.
    async fn verify_token(ctx, token: String) -> VerifyToken {
        answer_or_raise(ctx, accounts(ctx).verify_token(&token).await)
    }

    /// Exchange a refresh token for the next pair of tokens.
    #[graphql(name = "refreshToken")]
    async fn refresh(ctx, refresh_token: String) -> RefreshToken {
        answer(request_caller(ctx).refresh(Some(&refresh_token)).await)
    }

    /// End the session that a refresh token belongs to.
    #[graphql(name = "revokeToken")]
    async fn revoke(ctx, refresh_token: String) -> RevokeToken {
        answer(request_caller(ctx).revoke(&refresh_token).await)
    }

    /// End one of the caller's sessions.
    async fn end_session(ctx, id: async_graphql::ID) -> EndSession {
        let answered = async {
            let caller = request_caller(ctx);
            match id.parse() {
                Ok(id) => caller.end_session(id).await,
                // The same answer as for a session that does not exist.
                Err(_) => caller.require().await.and(Err(AuthError::NotFound)),
            }
        };
        answer(answered.await)
    }

    /// End all sessions of the caller but this one.
    async fn end_other_sessions(ctx) -> EndOtherSessions {
        as_caller!(ctx, |accounts, caller| accounts.end_other_sessions(caller))
    }

    /// End the caller's session.
    #[graphql(name = "logout")]
    async fn log_out(ctx) -> Logout {
        answer(request_caller(ctx).log_out().await)
    }
}

pub(super) fn accounts<'a>(ctx: &Context<'a>) -> &'a Accounts {
    ctx.data_unchecked::<Accounts>()
}

pub(super) fn request_caller<'a>(ctx: &Context<'a>) -> &'a RequestCaller {
    ctx.data_unchecked::<RequestCaller>()
}

fn credentials(
    email: Option<String>,
    username: Option<String>,
) -> Result<Credentials, GraphQlError> {
    match (email, username) {
        (Some(email), None) => Ok(Credentials::Email(email)),
        (None, Some(username)) => Ok(Credentials::Username(username)),
        _ => Err(GraphQlError::new(
            Code::INVALID,
            "Must login with password and one of the following fields ['email', 'username'].",
        )),
    }
}
