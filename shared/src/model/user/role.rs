//! The roles of users.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The permissions of a user. Each role includes those of the roles before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Their own account.
    User,
    /// The accounts of users.
    Staff,
    /// All accounts, and the roles of others.
    Superuser,
}

impl Role {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::User, Self::Staff, Self::Superuser];

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it is staff's, or one above it. To act as staff, a user must also have proven the address
    /// ([`Accounts::admin`](crate::Accounts::admin)).
    pub fn is_staff(self) -> bool {
        self >= Self::Staff
    }

    /// The role's name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Staff => "staff",
            Self::Superuser => "superuser",
        }
    }

    /// The names of this role and of those below it, as Hasura's `x-hasura-allowed-roles`.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::User => &["user"],
            Self::Staff => &["user", "staff"],
            Self::Superuser => &["user", "staff", "superuser"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
