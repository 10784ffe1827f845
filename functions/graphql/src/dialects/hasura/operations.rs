//! The operations: parse, call, translate.

use accounts::accounts::{
    Credentials, FirstPassword, NewPassword, Registered, Registration, ResetLink, TokenPair,
};
use accounts::error::{AuthError, Violations};
use accounts::model::PlainPassword;

use super::call::{Call, texts};
use super::failure::Failure;
use super::operation::{Operation, operations};
use crate::json_body::Fields;
use crate::scalars::GenericScalar;

/// What `status` says of something that was done.
const OK: &str = "OK";

operations! {
    /// The operations that are queries where they come from.
    HasuraQuery {
        /// Open a session for whoever knows the password.
        user_login(username, password) -> { access: String, refresh: String } = |call| {
            let (who, password) = (Credentials::Username(username), PlainPassword::new(password));
            pair(call.accounts.log_in(who, password, &call.client).await?.tokens)
        };

        /// Exchange a refresh token for an access token, and for the refresh token to go on with.
        user_refresh(refresh) -> { access: String, refresh: String } = |call| {
            pair(call.accounts.refresh(&refresh, &call.client).await?)
        };

        /// Tell whether a password could be reset by a mailed token. Changes nothing.
        user_password_reset_validate(email, token) -> { status: String } = |call| {
            call.accounts.check_reset_link(link(&email, &token)).await?;
            OK.to_owned()
        };
    }

    /// The operations that are mutations where they come from.
    HasuraMutation {
        /// Create an account, and mail an activation link and code to its address.
        user_register(email, username, password) -> {
            id: async_graphql::ID,
            username: String,
            email: String,
            tokens: Option<crate::scalars::GenericScalar>
        } = |call| {
            let registration = Registration {
                email,
                username: Some(username),
                first_name: None,
                last_name: None,
                password: FirstPassword::Given(PlainPassword::new(password)),
                refused: Violations::default(),
            };
            let Registered { user, tokens } =
                call.accounts.register(registration, &call.client).await?;
            (user.id.to_string().into(), user.username, user.email, tokens.map(both))
        };

        /// Choose another password, knowing the old one. Ends all sessions: log in again.
        user_change_password(old_password, new_password) -> {
            status: String,
            code: i32,
            message: String
        } = |call| {
            let (old, new) = (PlainPassword::new(old_password), chosen(new_password));
            let caller = call.caller().await?;
            call.request.change_password_and_log_out(&caller, old, new).await?;
            (OK.to_owned(), 200, "Password updated successfully".to_owned())
        };

        /// Mail a link by which a password can be chosen. Answers alike for an address that nobody has.
        user_password_reset(email) -> { status: String } = |call| {
            call.accounts.send_password_reset(&email, &call.client).await?;
            OK.to_owned()
        };

        /// Choose another password by the token that was mailed to an address. Ends all sessions.
        user_password_reset_confirm(email, token, password) -> { status: String } = |call| {
            call.accounts.reset_password(link(&email, &token), chosen(password), None).await?;
            OK.to_owned()
        };

        /// Tell whether a food is a hot dog. For whoever is logged in.
        hotdog(food) -> { is_hotdog: bool } = |call| call.accounts.is_hotdog(&call.caller().await?, &food).await?;
    }
}

fn pair(tokens: TokenPair) -> (String, String) {
    (tokens.access, tokens.refresh)
}

fn both(TokenPair { access, refresh, .. }: TokenPair) -> GenericScalar {
    GenericScalar(async_graphql::value!({ "access": access, "refresh": refresh }))
}

fn link<'a>(email: &'a str, token: &'a str) -> ResetLink<'a> {
    ResetLink { token, email: Some(email) }
}

fn chosen(password: String) -> NewPassword {
    NewPassword { password: Some(PlainPassword::new(password)), refused: Violations::default() }
}
