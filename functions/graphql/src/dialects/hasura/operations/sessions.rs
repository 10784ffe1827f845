//! Signing up, logging in, and refreshing.

use accounts::model::Client;
use accounts::operations::{
    Credentials, FirstPassword, LoggedIn, Registered, Registration, TokenPair,
};
use async_graphql::{ID, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::hasura::action_error::ActionError;
use crate::dialects::hasura::inputs::{Flag, Text, read};
use crate::dialects::hasura::operation::{Call, Operation};
use crate::scalars::GenericScalar;

/// A new account.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserRegisterInput {
    #[schema(value_type = String, format = "email", min_length = 1)]
    email: Text,
    /// At most 150 characters. Space before and after the name does not count.
    #[schema(value_type = String, pattern = r"\S")]
    username: Text,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    password: Text,
}

/// The account as it was created.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRegisterOutput {
    #[schema(value_type = String)]
    id: ID,
    username: String,
    email: String,
    /// Null where the site gives no tokens out at registration.
    #[schema(value_type = Option<UserLoginOutput>, required)]
    tokens: Option<GenericScalar>,
}

impl Operation for UserRegisterInput {
    type Output = UserRegisterOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserRegisterOutput, ActionError> {
        let (email, username, password) =
            read!(self, email: text, username: text, password: password)?;
        let registration = Registration::new(email, Some(username), FirstPassword::Given(password));
        let Registered { user, tokens } =
            call.accounts.register(registration, &call.client).await?;
        let tokens = tokens.map(|TokenPair { access, refresh, .. }| {
            GenericScalar(async_graphql::value!({ "access": access, "refresh": refresh }))
        });
        let (id, username) = (user.id.to_string().into(), user.username);
        Ok(UserRegisterOutput { id, username, email: user.email, tokens })
    }
}

/// The name and the password of a user.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserLoginInput {
    #[schema(value_type = String, pattern = r"\S")]
    username: Text,
    #[schema(value_type = String, format = "password", pattern = r"\S")]
    password: Text,
}

/// The tokens of a session.
#[derive(Serialize, SimpleObject, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserLoginOutput {
    /// Valid for a short time. The client sends it with each request.
    access: String,
    /// Gets the next access token.
    refresh: String,
}

impl Operation for UserLoginInput {
    type Output = UserLoginOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserLoginOutput, ActionError> {
        let (username, password) = read!(self, username: text, password: password)?;
        let user = Credentials::Username(username);
        let opened = call.accounts.log_in(user, password, &call.client).await?;
        Ok(UserLoginOutput::of(opened, call))
    }
}

impl UserLoginOutput {
    pub(super) fn of(opened: LoggedIn, call: &Call<'_>) -> Self {
        call.request.new_device_token.set(opened.device);
        let TokenPair { access, refresh, .. } = opened.tokens;
        Self { access, refresh }
    }
}

/// The second step of a log-in.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserCompleteLoginInput {
    /// From the error of the first step.
    #[schema(value_type = String, pattern = r"\S")]
    challenge: Text,
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(value_type = String, pattern = r"\S")]
    code: Text,
    /// Later log-ins on the device need no second step, if the site has trusted devices.
    #[schema(value_type = Option<bool>)]
    trust_device: Flag,
}

impl Operation for UserCompleteLoginInput {
    type Output = UserLoginOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserLoginOutput, ActionError> {
        let (challenge, code, trusts_device) =
            read!(self, challenge: text, code: text, trust_device: flag)?;
        let client = Client { trusts_device, ..call.client.clone() };
        let opened = call.accounts.complete_log_in(&challenge, &code, &client).await?;
        Ok(UserLoginOutput::of(opened, call))
    }
}

/// A refresh token.
#[derive(Deserialize, InputObject, ToSchema)]
pub(crate) struct UserRefreshInput {
    #[schema(value_type = String, pattern = r"\S")]
    refresh: Text,
}

/// The next tokens of a session.
#[derive(Serialize, SimpleObject)]
pub(crate) struct UserRefreshOutput {
    /// The next access token.
    pub(crate) access: String,
    /// The refresh token to go on with.
    pub(crate) refresh: String,
}

impl Operation for UserRefreshInput {
    type Output = UserRefreshOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserRefreshOutput, ActionError> {
        let refresh = read!(self, refresh: text)?;
        let TokenPair { access, refresh, .. } =
            call.accounts.refresh(&refresh, &call.client).await?;
        Ok(UserRefreshOutput { access, refresh })
    }
}
