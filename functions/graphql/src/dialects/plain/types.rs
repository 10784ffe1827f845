//! Inputs and answers of the small schema's operations.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject, Upload};

use crate::nodes::{Gender, UserNode, payload};
use crate::own_session::{NewAccount, SessionTokens};
use crate::scalars::GenericScalar;

/// A new account.
#[derive(Debug, InputObject)]
pub(super) struct CreateUserInput {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) password: String,
}

/// The changes. A field that is left out stays as it is.
#[derive(InputObject)]
pub(super) struct UpdateUserInput {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    /// Takes effect when it is proven by the mail that is sent to it.
    pub(super) email: Option<String>,
    /// The present password. A change of the address needs it, unless the log-in is at most five minutes old.
    pub(super) password: Option<String>,
    pub(super) gender: Option<Gender>,
    pub(super) position: Option<String>,
    pub(super) department: Option<String>,
    /// PNG, JPEG, WebP or GIF. Null takes it away.
    pub(super) profile_picture: MaybeUndefined<Upload>,
}

/// The answer of `createUser`.
#[derive(Debug, SimpleObject)]
pub(super) struct CreateUser {
    ok: Option<bool>,
    token: Option<String>,
    refresh_token: Option<String>,
    user: Option<UserNode>,
}

impl From<NewAccount> for CreateUser {
    fn from(done: NewAccount) -> Self {
        let (token, refresh_token) =
            done.tokens.map_or((None, None), |tokens| (tokens.access, tokens.refresh));
        Self { ok: Some(true), token, refresh_token, user: Some(done.user.into()) }
    }
}

/// The answer of `refreshAccessToken`.
#[derive(Debug, SimpleObject)]
pub(super) struct RefreshAccessToken {
    token: Option<String>,
    refresh_token: Option<String>,
    payload: Option<GenericScalar>,
}

impl From<SessionTokens> for RefreshAccessToken {
    fn from(tokens: SessionTokens) -> Self {
        let payload = Some(payload(&tokens.claims));
        Self { token: tokens.access, refresh_token: tokens.refresh, payload }
    }
}

/// The answer of `updateUser`.
#[derive(Debug, SimpleObject)]
pub(super) struct UpdateUser {
    ok: Option<bool>,
    user: Option<UserNode>,
}

impl From<accounts::model::User> for UpdateUser {
    fn from(user: accounts::model::User) -> Self {
        Self { ok: Some(true), user: Some(user.into()) }
    }
}
