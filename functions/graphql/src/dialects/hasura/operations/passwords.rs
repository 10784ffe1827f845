//! Changing and resetting a password.

use accounts::operations::ResetLink;
use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::hasura::action_error::Wording;
use crate::dialects::hasura::call::Call;
use crate::dialects::hasura::inputs::{Inputs, Text};
use crate::dialects::hasura::operation::{Operation, Stop};
use crate::dialects::hasura::operations::OK;

/// The present password, and the one that takes its place.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserChangePasswordInput {
    #[schema(value_type = String, required, format = "password", pattern = r"\S")]
    #[serde(default)]
    old_password: Text,
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 256)]
    #[serde(default)]
    new_password: Text,
}

/// The password is the new one.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
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

    const WORDING: Wording = Wording { password: "new_password", takes_mailed_token: false };

    async fn run(self, call: &Call<'_>) -> Result<UserChangePasswordOutput, Stop> {
        let mut inputs = Inputs::default();
        let old = inputs.password("old_password", self.old_password);
        let new = inputs.password("new_password", self.new_password);
        inputs.check()?;
        let caller = call.caller().await?;
        call.request.change_password_and_log_out(&caller, old, new.into()).await?;
        let message = "Password updated successfully";
        Ok(UserChangePasswordOutput { status: OK, code: 200, message })
    }
}

/// The address of an account.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserPasswordResetInput {
    #[schema(value_type = String, required, format = "email", min_length = 1)]
    #[serde(default)]
    email: Text,
}

/// The request is accepted.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetInput {
    type Output = UserPasswordResetOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserPasswordResetOutput, Stop> {
        let mut inputs = Inputs::default();
        let email = inputs.text("email", self.email);
        inputs.check()?;
        call.accounts.send_password_reset(&email, &call.client).await?;
        Ok(UserPasswordResetOutput { status: OK })
    }
}

/// An address, the token that was mailed to it, and the new password.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserPasswordResetConfirmInput {
    #[schema(value_type = String, required, format = "email", min_length = 1)]
    #[serde(default)]
    email: Text,
    /// From the link in the mail.
    #[schema(value_type = String, required, pattern = r"\S")]
    #[serde(default)]
    token: Text,
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 256)]
    #[serde(default)]
    password: Text,
}

/// The password is the new one.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetConfirmOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetConfirmInput {
    type Output = UserPasswordResetConfirmOutput;

    const WORDING: Wording = Wording { password: "password", takes_mailed_token: true };

    async fn run(self, call: &Call<'_>) -> Result<Self::Output, Stop> {
        let mut inputs = Inputs::default();
        let link = MailedLink::read(&mut inputs, self.email, self.token);
        let password = inputs.password("password", self.password);
        inputs.check()?;
        let client = call.request.client();
        call.accounts.reset_password(link.as_reset(), password.into(), None, client).await?;
        Ok(UserPasswordResetConfirmOutput { status: OK })
    }
}

/// An address, and the token that was mailed to it.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserPasswordResetValidateInput {
    #[schema(value_type = String, required, format = "email", min_length = 1)]
    #[serde(default)]
    email: Text,
    /// From the link in the mail.
    #[schema(value_type = String, required, pattern = r"\S")]
    #[serde(default)]
    token: Text,
}

/// The token can reset the password.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPasswordResetValidateOutput {
    /// `OK`
    status: &'static str,
}

impl Operation for UserPasswordResetValidateInput {
    type Output = UserPasswordResetValidateOutput;

    const WORDING: Wording = Wording { password: "password", takes_mailed_token: true };

    async fn run(self, call: &Call<'_>) -> Result<Self::Output, Stop> {
        let mut inputs = Inputs::default();
        let link = MailedLink::read(&mut inputs, self.email, self.token);
        inputs.check()?;
        call.accounts.check_reset_link(link.as_reset()).await?;
        Ok(UserPasswordResetValidateOutput { status: OK })
    }
}

/// The token of a mailed link, and the address that it was mailed to.
struct MailedLink {
    email: String,
    token: String,
}

impl MailedLink {
    fn read(inputs: &mut Inputs, email: Text, token: Text) -> Self {
        Self { email: inputs.text("email", email), token: inputs.text("token", token) }
    }

    fn as_reset(&self) -> ResetLink<'_> {
        ResetLink { token: &self.token, email: Some(&self.email) }
    }
}
