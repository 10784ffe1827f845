use serde_json::{Map, Value as Json};

/// The records that a function wants: an event pattern of exact strings.
#[derive(Clone, Debug)]
pub(super) struct Filter(Vec<(String, Matcher)>);

#[derive(Clone, Debug)]
enum Matcher {
    /// The field is an object that fits.
    Inside(Filter),
    /// The field is one of these, or an array that has one of them.
    OneOf(Vec<String>),
}

impl Filter {
    /// Reads a pattern such as `{"eventName": ["INSERT"]}`. The error is one line.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        match serde_json::from_str(pattern) {
            Ok(Json::Object(fields)) => Self::from_fields(&fields, ""),
            Ok(_) => Err(format!("the filter {pattern} is not a JSON object")),
            Err(error) => Err(format!("the filter {pattern} is not JSON: {error}")),
        }
    }

    fn from_fields(fields: &Map<String, Json>, path: &str) -> Result<Self, String> {
        let matchers = fields.iter().map(|(name, value)| {
            let path = format!("{path}/{name}");
            let matcher = match value {
                Json::Object(fields) => Matcher::Inside(Self::from_fields(fields, &path)?),
                Json::Array(values) => Matcher::OneOf(exact_strings(values, &path)?),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                    return Err(format!("the filter at {path}: {value} is no array"));
                }
            };
            Ok((name.clone(), matcher))
        });
        matchers.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the record fits, given as the JSON that Lambda sends.
    pub(super) fn passes(&self, record: &Json) -> bool {
        self.0.iter().all(|(name, matcher)| match (matcher, &record[name]) {
            (Matcher::Inside(filter), field) => filter.passes(field),
            (Matcher::OneOf(wanted), Json::Array(items)) => {
                items.iter().any(|item| is_one_of(wanted, item))
            }
            (Matcher::OneOf(wanted), field) => is_one_of(wanted, field),
        })
    }
}

fn is_one_of(wanted: &[String], field: &Json) -> bool {
    field.as_str().is_some_and(|field| wanted.iter().any(|wanted| wanted == field))
}

fn exact_strings(values: &[Json], path: &str) -> Result<Vec<String>, String> {
    let refused =
        |value| format!("the filter at {path}: only exact strings are known, not {value}");
    let strings = values.iter().map(|value| value.as_str().ok_or_else(|| refused(value)));
    strings.map(|text| text.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use serde_json::json;

    #[test]
    fn a_record_passes_when_every_field_is_one_of_the_strings() {
        let filter = r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"kind":{"S":["mail"]},"tags":{"SS":["due"]}}}}"#;
        let filter = Filter::parse(filter).unwrap();
        let record = |name: &str, kind: &str, tags: &[&str]| {
            let image = json!({ "kind": { "S": kind }, "tags": { "SS": tags } });
            json!({ "eventName": name, "dynamodb": { "NewImage": image } })
        };

        assert!(filter.passes(&record("INSERT", "mail", &["new", "due"])));
        assert!(filter.passes(&record("MODIFY", "mail", &["due"])));
        assert!(!filter.passes(&record("REMOVE", "mail", &["due"])));
        assert!(!filter.passes(&record("INSERT", "user", &["due"])));
        assert!(!filter.passes(&record("INSERT", "mail", &[])));
        assert!(!filter.passes(&json!({ "eventName": "INSERT", "dynamodb": {} })));
    }

    #[test]
    fn other_forms_are_refused() {
        for pattern in [
            r#"{"eventName":[{"prefix":"IN"}]}"#,
            r#"{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",1]}]}}}}"#,
            r#"{"eventName":[1]}"#,
            r#"{"eventName":"INSERT"}"#,
            "[]",
            "{",
        ] {
            assert!(Filter::parse(pattern).is_err(), "{pattern}");
        }
    }
}
