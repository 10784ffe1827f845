//! Who causes an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::UserId;

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Actor {
    /// The user of the account.
    Oneself,
    /// An anonymous caller, who may or may not be the user.
    Anonymous,
    /// A member of staff.
    Staff(UserId),
    /// A member of staff or an operator, without the id or the name. Users see this in place of [`Self::Staff`] and
    /// [`Self::Operator`].
    AnyStaff,
    /// An operator at the command line, by the name that the operator gave.
    Operator(String),
    /// Latchkey, or the mail service.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oneself => f.write_str("self"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::AnyStaff => f.write_str("staff"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

impl TryFrom<String> for Actor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("staff", id)) => id.parse().map(Self::Staff).map_err(|error| error.to_string()),
            Some(("operator", name)) => Ok(Self::Operator(name.to_owned())),
            None if text == "self" => Ok(Self::Oneself),
            None if text == "staff" => Ok(Self::AnyStaff),
            None if text == "anonymous" => Ok(Self::Anonymous),
            None if text == "system" => Ok(Self::System),
            Some(_) | None => Err(format!("no actor: {text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_actor_is_read_as_it_is_written() {
        let id: UserId = "01920000-0000-7000-8000-000000000001".parse().unwrap();
        let named = Actor::Operator("eve: the admin".to_owned());
        for actor in [
            Actor::Oneself,
            Actor::Anonymous,
            Actor::AnyStaff,
            Actor::System,
            Actor::Staff(id),
            named,
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for bad in ["", "staff:", "staff:ann", "root", "robot:1"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }
}
