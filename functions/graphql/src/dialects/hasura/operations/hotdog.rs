//! The sample operation.

use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};

use crate::dialects::hasura::action_error::ActionError;
use crate::dialects::hasura::inputs::{Text, read};
use crate::dialects::hasura::operation::{Call, Operation};

/// The name of a food.
#[derive(Deserialize, InputObject)]
pub(crate) struct HotdogInput {
    food: Text,
}

/// Whether the food is a hot dog.
#[derive(Serialize, SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(crate) struct HotdogOutput {
    is_hotdog: bool,
}

impl Operation for HotdogInput {
    type Output = HotdogOutput;

    async fn run(self, call: &Call<'_>) -> Result<HotdogOutput, ActionError> {
        let food = read!(self, food: text)?;
        let is_hotdog = call.accounts.is_hotdog(&call.caller().await?, &food).await?;
        Ok(HotdogOutput { is_hotdog })
    }
}
