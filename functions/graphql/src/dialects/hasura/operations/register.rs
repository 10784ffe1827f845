//! Signing up.

use accounts::operations::{FirstPassword, Registered, Registration, TokenPair};
use async_graphql::{ID, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::hasura::call::Call;
use crate::dialects::hasura::inputs::{Inputs, Text};
use crate::dialects::hasura::operation::{Operation, Stop};
use crate::dialects::hasura::operations::sessions::UserLoginOutput;
use crate::scalars::GenericScalar;

/// A new account.
#[derive(Deserialize, InputObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct UserRegisterInput {
    #[schema(value_type = String, required, format = "email", min_length = 1)]
    #[serde(default)]
    email: Text,
    /// At most 150 characters, less the space around it.
    #[schema(value_type = String, required, pattern = r"\S")]
    #[serde(default)]
    username: Text,
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 256)]
    #[serde(default)]
    password: Text,
}

/// The account as it was created.
#[derive(Serialize, SimpleObject, ToSchema)]
#[graphql(rename_fields = "snake_case")]
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

    async fn run(self, call: &Call<'_>) -> Result<UserRegisterOutput, Stop> {
        let mut inputs = Inputs::default();
        let email = inputs.text("email", self.email);
        let username = inputs.text("username", self.username);
        let password = inputs.password("password", self.password);
        inputs.check()?;
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
