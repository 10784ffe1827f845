//! Users of a Cognito user pool: CSV with the header of `get-csv-header`, or the answer of `list-users`. Neither has hashes.

use accounts::model::UserId;
use serde_json::{Map, Value};

use super::fields::{Layout, Target};
use super::table::TableFormat;

const LAYOUT: Layout = &[
    // Only the answer of `list-users` has `sub`.
    (Target::LegacyId, &["sub", "cognito:username"]),
    (Target::Username, &["preferred_username", "cognito:username"]),
    (Target::Email, &["email"]),
    (Target::IsVerified, &["email_verified"]),
    (Target::FirstName, &["given_name"]),
    (Target::LastName, &["family_name"]),
    (Target::Name, &["name"]),
    (Target::Gender, &["gender"]),
    (Target::Locale, &["locale"]),
    (Target::IsActive, &["Enabled"]),
    (Target::CreatedAt, &["UserCreateDate"]),
];

#[derive(Debug)]
pub(super) struct Cognito;

impl TableFormat for Cognito {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn required(&self) -> &'static [Target] {
        &[Target::Username]
    }

    fn wrapper(&self) -> Option<&'static str> {
        Some("Users")
    }

    /// In the answer of `list-users`, the attributes are a list of names and values.
    fn prepare(&self, row: &mut Map<String, Value>) {
        if let Some(username) = row.remove("Username") {
            row.insert("cognito:username".to_owned(), username);
        }
        let attributes = row.remove("Attributes");
        let attributes = attributes.as_ref().and_then(Value::as_array).into_iter().flatten();
        for attribute in attributes {
            if let (Some(name), Some(value)) = (attribute["Name"].as_str(), attribute.get("Value"))
            {
                row.insert(name.to_owned(), value.clone());
            }
        }
        // Where users log in with an address, Cognito makes the username: users never see it.
        let username = row.get("cognito:username");
        let is_made = |name: &str| name.parse::<UserId>().is_ok();
        if username.and_then(Value::as_str).is_some_and(is_made)
            && let Some(made) = row.insert("cognito:username".to_owned(), Value::Null)
        {
            row.entry("sub").or_insert(made);
        }
    }
}
