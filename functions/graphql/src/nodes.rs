//! What several dialects show alike, in the one schema: users, and the ids that they are known by.

use accounts::model::{Role, User, UserId};
use async_graphql::{ID, Interface, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::scalars::DateTime;

/// What has an id of its own.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "&ID"))]
pub(crate) enum Node {
    /// A user account.
    User(UserNode),
}

/// A user account.
#[derive(Debug, SimpleObject)]
pub(crate) struct UserNode {
    /// Opaque.
    id: ID,
    last_login: Option<DateTime>,
    username: String,
    first_name: String,
    last_name: String,
    /// Whether the user may see all accounts.
    is_staff: bool,
    /// A banned or deleted user is not active.
    is_active: bool,
    date_joined: DateTime,
    email: String,
    pk: Option<ID>,
    archived: Option<bool>,
    /// Whether the user has proven the address.
    verified: Option<bool>,
    secondary_email: Option<String>,
}

impl From<User> for UserNode {
    fn from(user: User) -> Self {
        Self {
            id: node_id(user.id),
            last_login: user.last_login.map(DateTime),
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            is_staff: user.role >= Role::Staff,
            is_active: user.is_active,
            date_joined: DateTime(user.created_at),
            email: user.email,
            pk: Some(ID(user.id.to_string())),
            archived: Some(user.is_archived),
            verified: Some(user.is_verified),
            secondary_email: user.secondary_email,
        }
    }
}

/// The id that the whole schema knows a user by.
pub(crate) fn node_id(user: UserId) -> ID {
    ID(STANDARD.encode(format!("UserNode:{user}")))
}

/// The user of such an id, or of a bare one.
pub(crate) fn user_of(id: &ID) -> Option<UserId> {
    let id = id.trim();
    let bare = STANDARD.decode(id).ok().and_then(|text| String::from_utf8(text).ok());
    let bare = bare.as_deref().and_then(|text| text.strip_prefix("UserNode:"));
    bare.unwrap_or(id).parse().ok()
}
