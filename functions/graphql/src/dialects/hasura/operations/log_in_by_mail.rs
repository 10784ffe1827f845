//! Log in by a mailed link or code.

use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::UserLoginOutput;
use crate::dialects::hasura::action_error::ActionError;
use crate::dialects::hasura::inputs::{Text, read};
use crate::dialects::hasura::operation::{Call, Operation};

/// An address.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserSendLoginEmailInput {
    #[schema(value_type = String, format = "email", min_length = 1)]
    email: Text,
}

/// A mail is on its way, if one is due.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserSendLoginEmailOutput {
    /// For `user_login_by_email`, within ten minutes: the code is of no use without it.
    login_id: String,
}

impl Operation for UserSendLoginEmailInput {
    type Output = UserSendLoginEmailOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserSendLoginEmailOutput, ActionError> {
        let email = read!(self, email: text)?;
        let login_id = call.accounts.send_log_in(&email, None, &call.client).await?;
        Ok(UserSendLoginEmailOutput { login_id })
    }
}

/// The code of the mail, in the browser that has asked for it.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserLoginByEmailInput {
    /// From the answer of `user_send_login_email`.
    #[schema(value_type = String, pattern = r"\S")]
    login_id: Text,
    /// Six digits, or the token of the link.
    #[schema(value_type = String, pattern = r"\S")]
    code: Text,
}

impl Operation for UserLoginByEmailInput {
    type Output = UserLoginOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserLoginOutput, ActionError> {
        let (login_id, code) = read!(self, login_id: text, code: text)?;
        let proof = code.as_str().into();
        let opened = call.accounts.log_in_by_mail(&login_id, proof, &call.client).await?;
        Ok(UserLoginOutput::of(opened, call))
    }
}

/// The token of a mailed link.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserShowLoginCodeInput {
    #[schema(value_type = String, pattern = r"\S")]
    token: Text,
}

/// The code of a mail, and which request it was.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserShowLoginCodeOutput {
    /// Six digits.
    code: String,
    /// When the mail was asked for.
    asked_at: String,
    /// The address that has asked for it, if it is known.
    ip_address: Option<String>,
}

impl Operation for UserShowLoginCodeInput {
    type Output = UserShowLoginCodeOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserShowLoginCodeOutput, ActionError> {
        let token = read!(self, token: text)?;
        let (code, asked) = call.accounts.show_log_in_code(&token).await?;
        Ok(UserShowLoginCodeOutput {
            code: code.expose().to_owned(),
            asked_at: asked.asked_at.to_string(),
            ip_address: asked.ip,
        })
    }
}
