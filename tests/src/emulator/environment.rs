//! The environment that the template gives a function.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

use crate::BUCKET;

/// Where API Gateway would be: what `BASE_URL` is by default.
pub const API_URL: &str = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com";
/// What the secret is called.
const SECRET_NAME: &str = "latchkey-auth-secret";
/// What the configuration set of SES is called.
const CONFIGURATION_SET: &str = "latchkey";
/// The one parameter of the template that has no default.
pub const EMAIL_FROM: &str = "accounts@latchkey.example";

/// The environment variables of one function.
#[derive(Clone, Debug)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// What `template.yaml` gives the function with that logical id, with the parameters' defaults,
    /// and what Lambda itself gives: credentials, too, with which it may do what the template allows
    /// it. The table is the one of `table_name`.
    pub fn of(function: &str, table_name: &str) -> Self {
        let template: Value = serde_yaml_ng::from_str(local::TEMPLATE).expect("the template");
        let globals = &template["Globals"]["Function"];
        let properties = &template["Resources"][function]["Properties"];
        assert!(properties.is_mapping(), "the template has no {function}");
        let mut variables = lambda(function, globals, properties);
        for part in [globals, properties] {
            let given = part["Environment"]["Variables"].as_mapping().into_iter().flatten();
            for (name, value) in given {
                let name = name.as_str().expect("a variable's name");
                if let Some(value) = resolve(&template, name, value, table_name) {
                    variables.insert(name.to_owned(), value);
                }
            }
        }
        Self(variables)
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

/// What Lambda tells every function, and how long and large the template lets this one be.
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

/// A variable's value as CloudFormation would make it; `None` for one that it would leave out.
fn resolve(template: &Value, name: &str, value: &Value, table_name: &str) -> Option<String> {
    let Value::Tagged(tagged) = value else { return Some(text(value)) };
    let reference = tagged.value.as_str().filter(|_| tagged.tag == "Ref");
    let value = match (reference, name) {
        (Some("AWS::NoValue"), _) | (None, "MAIL_TEMPLATES") => return None,
        (Some("Table"), _) => table_name.to_owned(),
        (Some("Pictures"), _) => BUCKET.to_owned(),
        (Some("AuthSecret"), _) => SECRET_NAME.to_owned(),
        (Some("ConfigurationSet"), _) => CONFIGURATION_SET.to_owned(),
        (Some("EmailFrom"), _) => EMAIL_FROM.to_owned(),
        (Some(parameter), _) => text(&template["Parameters"][parameter]["Default"]),
        (None, "BASE_URL") => API_URL.to_owned(),
        (None, _) => panic!("what {name} is in a deployment is not known here"),
    };
    Some(value)
}

fn text(value: &Value) -> String {
    let number = || value.as_i64().map(|number| number.to_string());
    let text = value.as_str().map(str::to_owned).or_else(number);
    text.unwrap_or_else(|| panic!("neither a text nor a number: {value:?}"))
}
