//! The environment that the template gives a function.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::BUCKET;
use crate::template::Template;

/// Where API Gateway would be: what `BASE_URL` is by default.
pub const API_URL: &str = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com";
/// The name of the secret.
const SECRET_NAME: &str = "latchkey-auth-secret";
/// The name of the configuration set of SES.
const CONFIGURATION_SET: &str = "latchkey";
/// The one parameter of the template that has no default.
pub const EMAIL_FROM: &str = "accounts@latchkey.example";

/// The environment variables of one function.
#[derive(Clone, Debug)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables that `template.yaml` gives the function with that logical id, with the parameters' defaults, and
    /// those of Lambda itself. The credentials have the permissions of the template. The table is the one of
    /// `table_name`.
    pub fn of(function: &str, table_name: &str) -> Self {
        Self::in_template(function, &Self::template(table_name))
    }

    /// The template with the parameters' defaults, and with names for its resources.
    pub fn template(table_name: &str) -> Template {
        let template = Template::new(&[
            ("Table", table_name),
            ("Pictures", BUCKET),
            ("AuthSecret", SECRET_NAME),
            ("ConfigurationSet", CONFIGURATION_SET),
            ("HttpApi.ApiEndpoint", API_URL),
        ]);
        template.with("EmailFrom", EMAIL_FROM)
    }

    /// The variables that this template gives the function with that logical id, and those of Lambda itself.
    pub fn in_template(function: &str, template: &Template) -> Self {
        let properties = template.resource(function);
        assert!(properties.is_object(), "the template has no {function}");
        let mut variables = lambda(function, template.globals(), properties);
        variables.extend(template.environment(function));
        Self(variables)
    }

    /// The variables, by name.
    pub fn into_variables(self) -> BTreeMap<String, String> {
        self.0
    }

    /// With one more variable, or another value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

/// The variables that Lambda gives every function, with the time limit and the memory of this one in the template.
fn lambda(function: &str, globals: &Value, properties: &Value) -> BTreeMap<String, String> {
    let limit = |name: &str| {
        let limit = properties[name].as_u64().or_else(|| globals[name].as_u64());
        limit.expect("a number in the template").to_string()
    };
    let variables = [
        ("AWS_REGION", embedded::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", function.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "embedded".to_owned()),
        ("AWS_SESSION_TOKEN", "embedded".to_owned()),
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", limit("Timeout")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", limit("MemorySize")),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}
