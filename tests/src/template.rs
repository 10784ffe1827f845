//! `template.yaml` as CloudFormation reads it: parameters are checked, rules and conditions decided, and each function
//! gets its environment.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value as Json, json};
use serde_yaml_ng::Value as Yaml;

/// The template with values for its parameters.
#[derive(Clone, Debug)]
pub struct Template {
    whole: Json,
    parameters: BTreeMap<String, String>,
    attributes: BTreeMap<String, String>,
}

impl Template {
    /// The template with the defaults of its parameters, and with names for its resources.
    pub fn new(attributes: &[(&str, &str)]) -> Self {
        let yaml: Yaml = serde_yaml_ng::from_str(local::TEMPLATE).expect("the template");
        let whole = to_json(yaml);
        let parameters = whole["Parameters"].as_object().expect("parameters").iter();
        let parameters = parameters
            .filter_map(|(name, it)| Some((name.clone(), text(it.get("Default")?))))
            .collect();
        let attributes = attributes.iter().map(|(name, it)| ((*name).into(), (*it).into()));
        Self { whole, parameters, attributes: attributes.collect() }
    }

    /// With another value of a parameter.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        assert!(!self.whole["Parameters"][parameter].is_null(), "no parameter {parameter}");
        self.parameters.insert(parameter.to_owned(), value.to_owned());
        self
    }

    /// With another name of a resource, or another attribute of it.
    #[must_use]
    pub fn named(mut self, attribute: &str, value: &str) -> Self {
        self.attributes.insert(attribute.to_owned(), value.to_owned());
        self
    }

    /// The names of the parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.whole["Parameters"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The values that a parameter lists.
    pub fn allowed(&self, parameter: &str) -> Vec<String> {
        let values = self.whole["Parameters"][parameter]["AllowedValues"].as_array();
        values.into_iter().flatten().map(text).collect()
    }

    /// The minimum and the maximum of a number.
    pub fn range(&self, parameter: &str) -> Option<[i64; 2]> {
        let it = &self.whole["Parameters"][parameter];
        Some([it["MinValue"].as_i64()?, it["MaxValue"].as_i64()?])
    }

    /// The longest value that a parameter accepts; `None` if there is no limit.
    pub fn longest(&self, parameter: &str) -> Option<String> {
        let it = &self.whole["Parameters"][parameter];
        let of_list = self.allowed(parameter).into_iter().max_by_key(String::len);
        let limit = it["MaxLength"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        // CloudFormation limits no list; this is a dozen origins.
        let limit = limit.or_else(|| (it["Type"] == "CommaDelimitedList").then_some(500));
        of_list
            .or_else(|| Some(self.range(parameter)?[1].to_string()))
            .or_else(|| limit.map(|limit| "x".repeat(limit)))
    }

    /// A resource of the template.
    pub fn resource(&self, name: &str) -> &Json {
        &self.whole["Resources"][name]["Properties"]
    }

    /// The settings of all functions in the template.
    pub fn globals(&self) -> &Json {
        &self.whole["Globals"]["Function"]
    }

    /// Whether CloudFormation takes these parameters: each by itself, and all by the rules.
    pub fn is_taken(&self) -> bool {
        self.parameters.iter().all(|(name, value)| self.fits(name, value)) && self.rules_hold()
    }

    /// The environment variables that the function of that logical id gets.
    pub fn environment(&self, function: &str) -> BTreeMap<String, String> {
        let parts = [self.globals(), self.resource(function)];
        let variables =
            parts.into_iter().filter_map(|it| it["Environment"]["Variables"].as_object());
        let resolved = variables
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)));
        resolved.collect()
    }

    fn fits(&self, name: &str, value: &str) -> bool {
        let it = &self.whole["Parameters"][name];
        let length = |limit: &str| {
            let limit = it[limit].as_u64().or_else(|| it[limit].as_str()?.parse().ok());
            limit.map(|limit| usize::try_from(limit).expect("a length"))
        };
        let number = |limit: &str| it[limit].as_f64();
        let count = value.chars().count();
        let is_long_enough = length("MinLength").is_none_or(|least| count >= least);
        let is_short_enough = length("MaxLength").is_none_or(|most| count <= most);
        let is_allowed = it["AllowedValues"]
            .as_array()
            .is_none_or(|allowed| allowed.iter().any(|it| text(it) == value));
        let fits_pattern = it["AllowedPattern"].as_str().is_none_or(|pattern| {
            let pattern = Regex::new(&format!("^(?:{pattern})$"));
            pattern.unwrap_or_else(|error| panic!("{name}: {error}")).is_match(value)
        });
        let is_in_range = it["Type"] != "Number"
            || value.parse::<f64>().is_ok_and(|value| {
                number("MinValue").is_none_or(|least| value >= least)
                    && number("MaxValue").is_none_or(|most| value <= most)
            });
        is_long_enough && is_short_enough && is_allowed && fits_pattern && is_in_range
    }

    fn rules_hold(&self) -> bool {
        let rules = self.whole["Rules"].as_object().into_iter().flatten();
        rules.map(|(_, rule)| rule).all(|rule| {
            let applies = rule.get("RuleCondition").is_none_or(|condition| self.decide(condition));
            let assertions = rule["Assertions"].as_array().into_iter().flatten();
            !applies || assertions.map(|it| &it["Assert"]).all(|assert| self.decide(assert))
        })
    }

    fn decide(&self, condition: &Json) -> bool {
        let (function, of) = function(condition).expect("a condition");
        let all = || of.as_array().into_iter().flatten();
        match function {
            "Fn::Equals" => self.resolve(&of[0]) == self.resolve(&of[1]),
            "Fn::Not" => !self.decide(&of[0]),
            "Fn::And" => all().all(|it| self.decide(it)),
            "Fn::Or" => all().any(|it| self.decide(it)),
            "Fn::Contains" => {
                let value = self.resolve(&of[1]);
                of[0].as_array().into_iter().flatten().any(|it| self.resolve(it) == value)
            }
            "Condition" => self.decide(&self.whole["Conditions"][of.as_str().expect("a name")]),
            other => panic!("what {other} decides is not known here"),
        }
    }

    /// A value; `None` for `AWS::NoValue`.
    fn resolve(&self, value: &Json) -> Option<String> {
        let Some((function, of)) = function(value) else { return Some(text(value)) };
        match function {
            "Ref" | "Fn::GetAtt" => self.value_of(of.as_str().expect("a name")),
            "Fn::If" => {
                let holds = self.decide(&json!({ "Condition": of[0] }));
                self.resolve(&of[if holds { 1 } else { 2 }])
            }
            "Fn::Join" => {
                let list = &of[1];
                // A list of values, or a parameter that is one.
                let Some(items) = list.as_array() else { return self.resolve(list) };
                let items = items.iter().filter_map(|it| self.resolve(it));
                Some(items.collect::<Vec<_>>().join(of[0].as_str().unwrap_or_default()))
            }
            "Fn::Sub" => {
                let mut text = of.as_str().expect("a text").to_owned();
                while let Some((start, rest)) = text.split_once("${") {
                    let (name, end) = rest.split_once('}').expect("a name");
                    text = format!("{start}{}{end}", self.value_of(name).unwrap_or_default());
                }
                Some(text)
            }
            other => panic!("what {other} gives is not known here"),
        }
    }

    fn value_of(&self, name: &str) -> Option<String> {
        if name == "AWS::NoValue" {
            return None;
        }
        let value = self.parameters.get(name).or_else(|| self.attributes.get(name));
        Some(
            value
                .unwrap_or_else(|| panic!("what {name} is in a deployment is not known here"))
                .clone(),
        )
    }
}

/// The one function of an object.
fn function(value: &Json) -> Option<(&str, &Json)> {
    value.as_object()?.iter().next().map(|(name, of)| (name.as_str(), of))
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Tags (`!Ref`, `!Sub` …) become the objects that they abbreviate.
fn to_json(yaml: Yaml) -> Json {
    match yaml {
        Yaml::Sequence(items) => items.into_iter().map(to_json).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries.into_iter().map(|(name, it)| (text(&to_json(name)), to_json(it)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: to_json(tagged.value) })
        }
        plain @ (Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::String(_)) => {
            serde_json::to_value(plain).expect("a plain value")
        }
    }
}
