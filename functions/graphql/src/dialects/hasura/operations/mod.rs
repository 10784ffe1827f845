//! The operations: parse, call, translate. The types of their inputs and outputs are those of the schema, of the
//! actions, and of the OpenAPI document.

mod hotdog;
mod passwords;
mod register;
mod sessions;

use async_graphql::{Context, Object};

use super::operation::{Answer, Handler, field, handle};

pub(super) use hotdog::HotdogInput;
pub(super) use passwords::{
    UserChangePasswordInput, UserChangePasswordOutput, UserPasswordResetConfirmInput,
    UserPasswordResetConfirmOutput, UserPasswordResetInput, UserPasswordResetOutput,
    UserPasswordResetValidateInput, UserPasswordResetValidateOutput,
};
pub(super) use register::{UserRegisterInput, UserRegisterOutput};
pub(super) use sessions::{UserLoginInput, UserLoginOutput, UserRefreshInput, UserRefreshOutput};

/// The `status` of an operation that is done.
const OK: &str = "OK";

/// All operations by their names, for actions.
pub(super) const OPERATIONS: &[(&str, Handler)] = &[
    ("user_login", handle::<UserLoginInput>),
    ("user_refresh", handle::<UserRefreshInput>),
    ("user_password_reset_validate", handle::<UserPasswordResetValidateInput>),
    ("user_register", handle::<UserRegisterInput>),
    ("user_change_password", handle::<UserChangePasswordInput>),
    ("user_password_reset", handle::<UserPasswordResetInput>),
    ("user_password_reset_confirm", handle::<UserPasswordResetConfirmInput>),
    ("hotdog", handle::<HotdogInput>),
];

/// The operations that are queries where they come from.
#[derive(Debug, Default)]
pub struct HasuraQuery;

#[Object(rename_fields = "snake_case")]
impl HasuraQuery {
    /// Open a session for a user who knows the password.
    async fn user_login(&self, ctx: &Context<'_>, arg: UserLoginInput) -> Answer<UserLoginInput> {
        field(ctx, arg).await
    }

    /// Exchange a refresh token for an access token, and for the refresh token to go on with.
    async fn user_refresh(
        &self,
        ctx: &Context<'_>,
        arg: UserRefreshInput,
    ) -> Answer<UserRefreshInput> {
        field(ctx, arg).await
    }

    /// Check whether a mailed token could reset the password. Changes nothing.
    async fn user_password_reset_validate(
        &self,
        ctx: &Context<'_>,
        arg: UserPasswordResetValidateInput,
    ) -> Answer<UserPasswordResetValidateInput> {
        field(ctx, arg).await
    }
}

/// The operations that are mutations where they come from.
#[derive(Debug, Default)]
pub struct HasuraMutation;

#[Object(rename_fields = "snake_case")]
impl HasuraMutation {
    /// Create an account, and mail an activation link and code to its address.
    async fn user_register(
        &self,
        ctx: &Context<'_>,
        arg: UserRegisterInput,
    ) -> Answer<UserRegisterInput> {
        field(ctx, arg).await
    }

    /// Choose another password, knowing the old one. Ends all sessions: log in again.
    async fn user_change_password(
        &self,
        ctx: &Context<'_>,
        arg: UserChangePasswordInput,
    ) -> Answer<UserChangePasswordInput> {
        field(ctx, arg).await
    }

    /// Mail a link by which a password can be chosen. Answers alike for an address without an account.
    async fn user_password_reset(
        &self,
        ctx: &Context<'_>,
        arg: UserPasswordResetInput,
    ) -> Answer<UserPasswordResetInput> {
        field(ctx, arg).await
    }

    /// Choose another password by the token that was mailed to an address. Ends all sessions.
    async fn user_password_reset_confirm(
        &self,
        ctx: &Context<'_>,
        arg: UserPasswordResetConfirmInput,
    ) -> Answer<UserPasswordResetConfirmInput> {
        field(ctx, arg).await
    }

    /// Check whether a food is a hot dog. The caller must be logged in.
    async fn hotdog(&self, ctx: &Context<'_>, arg: HotdogInput) -> Answer<HotdogInput> {
        field(ctx, arg).await
    }
}
