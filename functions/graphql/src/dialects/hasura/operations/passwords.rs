//! Changing and resetting a password.

use accounts::operations::ResetLink;
use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::hasura::action_error::ActionError;
use crate::dialects::hasura::inputs::{Text, read};
use crate::dialects::hasura::operation::{Call, Operation};

/// The `status` of an operation that is done.
const OK: &str = "OK";

/// The present password, and the one that takes its place.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserChangePasswordInput {
    #[schema(value_type = String, format = "password", pattern = r"\S")]
    old_password: Text,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    new_password: Text,
}

/// The password is the new one.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChangePasswordOutput {
    /// `OK`
    status: &'static str,
    /// 200
    code: i32,
    /// For people.
    message: &'static str,
}

impl Operation for UserChangePasswordInput {
    type Output = UserChangePasswordOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserChangePasswordOutput, ActionError> {
        let (old, new) = read!(self, old_password: password, new_password: password)?;
        let caller = call.caller().await?;
        let done = call.request.change_password_and_log_out(&caller, old, new.into()).await;
        done.map_err(|error| ActionError::of(error, "new_password"))?;
        let message = "Password updated successfully";
        Ok(UserChangePasswordOutput { status: OK, code: 200, message })
    }
}

/// The address of an account.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserPasswordResetInput {
    #[schema(value_type = String, format = "email", min_length = 1)]
    email: Text,
}

/// The request is accepted.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetInput {
    type Output = UserPasswordResetOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserPasswordResetOutput, ActionError> {
        let email = read!(self, email: text)?;
        call.accounts.send_password_reset(&email, &call.client).await?;
        Ok(UserPasswordResetOutput { status: OK })
    }
}

/// An address, the token that was mailed to it, and the new password.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserPasswordResetConfirmInput {
    #[schema(value_type = String, format = "email", min_length = 1)]
    email: Text,
    /// From the link in the mail.
    #[schema(value_type = String, pattern = r"\S")]
    token: Text,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    password: Text,
}

/// The password is the new one.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetConfirmOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetConfirmInput {
    type Output = UserPasswordResetConfirmOutput;

    async fn run(self, call: &Call<'_>) -> Result<Self::Output, ActionError> {
        let (email, token, password) = read!(self, email: text, token: text, password: password)?;
        let link = ResetLink { token: &token, email: Some(&email) };
        let client = call.request.client();
        let done = call.accounts.reset_password(link, password.into(), None, client).await;
        done.map_err(ActionError::of_mailed_token)?;
        Ok(UserPasswordResetConfirmOutput { status: OK })
    }
}

/// An address, and the token that was mailed to it.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserPasswordResetValidateInput {
    #[schema(value_type = String, format = "email", min_length = 1)]
    email: Text,
    /// From the link in the mail.
    #[schema(value_type = String, pattern = r"\S")]
    token: Text,
}

/// The token can reset the password.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetValidateOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetValidateInput {
    type Output = UserPasswordResetValidateOutput;

    async fn run(self, call: &Call<'_>) -> Result<Self::Output, ActionError> {
        let (email, token) = read!(self, email: text, token: text)?;
        let link = ResetLink { token: &token, email: Some(&email) };
        call.accounts.check_reset_link(link).await.map_err(ActionError::of_mailed_token)?;
        Ok(UserPasswordResetValidateOutput { status: OK })
    }
}
