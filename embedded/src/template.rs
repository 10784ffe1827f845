//! The resources of `template.yaml`, as JSON. The tags of `CloudFormation` (`!Ref`, `!Sub`, `!GetAtt` …) become the
//! objects that they abbreviate.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use serde_yaml_ng::Value as Yaml;

/// The type of a table in a template.
pub(crate) const TABLE: &str = "AWS::DynamoDB::Table";
/// The type of a bucket in a template.
pub(crate) const BUCKET: &str = "AWS::S3::Bucket";
/// The type of a secret in a template.
pub(crate) const SECRET: &str = "AWS::SecretsManager::Secret";
/// The type of a function in a template.
pub(crate) const FUNCTION: &str = "AWS::Serverless::Function";

/// The `Resources` of a template.
pub(crate) struct Template {
    resources: Map<String, Json>,
}

/// The template that was read last, and its text. The table, the bucket, the permissions and each stream read the same
/// text, and a debug build takes 30 ms to parse it.
static LAST: Mutex<Option<(String, Arc<Template>)>> = Mutex::new(None);

impl Template {
    /// Reads a template. The error is one line.
    pub(crate) fn read(text: &str) -> Result<Arc<Self>, String> {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last_text, template)) = &*last
            && last_text == text
        {
            return Ok(template.clone());
        }
        let template = Arc::new(Self::parse(text)?);
        *last = Some((text.to_owned(), template.clone()));
        Ok(template)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let yaml: Yaml = serde_yaml_ng::from_str(text).map_err(|e| format!("is not YAML: {e}"))?;
        let mut template = to_json(yaml);
        let resources = template.get_mut("Resources").map(Json::take);
        let Some(Json::Object(resources)) = resources else {
            return Err("has no Resources".to_owned());
        };
        Ok(Self { resources })
    }

    /// The resources of `kind`, by name, and their properties.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = (&str, &Json)> {
        let found = self.resources.iter().filter(move |(_, resource)| resource["Type"] == kind);
        found.map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    /// Whether there is a resource of that name.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.resources.contains_key(id)
    }

    /// The properties of the only resource of `kind`.
    pub(crate) fn only(&self, kind: &str) -> Result<&Json, String> {
        self.one(kind).map(|(_, properties)| properties)
    }

    /// The name of the only resource of `kind`.
    pub(crate) fn only_id(&self, kind: &str) -> Result<&str, String> {
        self.one(kind).map(|(id, _)| id)
    }

    fn one(&self, kind: &str) -> Result<(&str, &Json), String> {
        let mut found = self.all(kind);
        match (found.next(), found.next()) {
            (Some(resource), None) => Ok(resource),
            (None, _) => Err(format!("has no resource of type {kind}")),
            (Some(_), Some(_)) => Err(format!("has more than one resource of type {kind}")),
        }
    }

    /// The properties of the resource `id`, which must be of `kind`.
    pub(crate) fn named(&self, id: &str, kind: &str) -> Result<&Json, String> {
        match self.resources.get(id) {
            Some(resource) if resource["Type"] == kind => Ok(&resource["Properties"]),
            Some(_) => Err(format!("{id} is not of type {kind}")),
            None => Err(format!("has no resource {id}")),
        }
    }
}

/// The possible values of a member of a list. A member with a condition (`!If`) has two, without `AWS::NoValue`. Any
/// other member has one.
pub(crate) fn branches(member: Json) -> Vec<Json> {
    let Some(choice) = member.get("Fn::If").and_then(Json::as_array) else { return vec![member] };
    let is_value = |branch: &&Json| branch["Ref"] != "AWS::NoValue";
    choice.iter().skip(1).filter(is_value).cloned().collect()
}

fn to_json(yaml: Yaml) -> Json {
    match yaml {
        Yaml::Null => Json::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => number_to_json(&number),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(to_json).collect(),
        Yaml::Mapping(entries) => Json::Object(
            entries.into_iter().map(|(key, value)| (key_to_text(key), to_json(value))).collect(),
        ),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: to_json(tagged.value) })
        }
    }
}

fn number_to_json(number: &serde_yaml_ng::Number) -> Json {
    if let Some(whole) = number.as_i64() {
        whole.into()
    } else if let Some(whole) = number.as_u64() {
        whole.into()
    } else {
        number.as_f64().into()
    }
}

fn key_to_text(key: Yaml) -> String {
    let key = to_json(key);
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
