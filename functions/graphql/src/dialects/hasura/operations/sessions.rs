//! Logging in, and refreshing.

use accounts::operations::{Credentials, LoggedIn, TokenPair};
use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::hasura::call::Call;
use crate::dialects::hasura::inputs::{Inputs, Text};
use crate::dialects::hasura::operation::{Operation, Stop};

/// The name and the password of a user.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserLoginInput {
    #[schema(value_type = String, required, pattern = r"\S")]
    #[serde(default)]
    username: Text,
    #[schema(value_type = String, required, format = "password", pattern = r"\S")]
    #[serde(default)]
    password: Text,
}

/// The tokens of a session.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub(crate) struct UserLoginOutput {
    /// Good for a short time, shown with each request.
    access: String,
    /// Gets the next access token.
    refresh: String,
}

impl Operation for UserLoginInput {
    type Output = UserLoginOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserLoginOutput, Stop> {
        let mut inputs = Inputs::default();
        let username = inputs.text("username", self.username);
        let password = inputs.password("password", self.password);
        inputs.check()?;
        let user = Credentials::Username(username);
        let LoggedIn { tokens, device, .. } =
            call.accounts.log_in(user, password, &call.client).await?;
        call.request.new_device_token.set(device);
        let TokenPair { access, refresh, .. } = tokens;
        Ok(UserLoginOutput { access, refresh })
    }
}

/// A refresh token.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserRefreshInput {
    #[schema(value_type = String, required, pattern = r"\S")]
    #[serde(default)]
    refresh: Text,
}

/// The next tokens of a session.
#[derive(Serialize, SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserRefreshOutput {
    /// The next access token.
    pub(crate) access: String,
    /// The refresh token to go on with.
    pub(crate) refresh: String,
}

impl Operation for UserRefreshInput {
    type Output = UserRefreshOutput;

    async fn run(self, call: &Call<'_>) -> Result<UserRefreshOutput, Stop> {
        let mut inputs = Inputs::default();
        let refresh = inputs.text("refresh", self.refresh);
        inputs.check()?;
        let TokenPair { access, refresh, .. } =
            call.accounts.refresh(&refresh, &call.client).await?;
        Ok(UserRefreshOutput { access, refresh })
    }
}
