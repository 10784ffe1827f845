//! Is it a hot dog? The worked example of `docs/add-an-operation.md`.

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::Role;
use crate::telemetry::{note, operation};

impl Accounts {
    /// Decides whether a food is a hot dog, in any spelling. Changes nothing.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for a caller without the role of a user.
    pub async fn is_hotdog(&self, caller: &Caller, food: &str) -> Result<bool, AuthError> {
        operation!(self.clock, "is_hotdog", async {
            note("user", caller.user.id);
            caller.must_be(Role::User)?;
            let letters: String = food.chars().filter(|c| c.is_alphanumeric()).collect();
            Ok(matches!(letters.to_lowercase().as_str(), "hotdog" | "hotdogs"))
        })
    }
}
