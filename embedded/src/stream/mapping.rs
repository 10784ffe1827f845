use super::StreamError;
use super::filter::Filter;
use crate::template::{FUNCTION, Template, branches};
use serde::Deserialize;
use serde_json::Value as Json;
use std::time::Duration;

/// How Lambda calls a function with records of the stream: the properties of its `DynamoDB` event in the template.
#[derive(Clone, Debug)]
pub struct EventSourceMapping {
    pub(super) batch_size: usize,
    /// `None`: no limit.
    pub(super) maximum_retry_attempts: Option<u32>,
    /// `None`: as long as the stream keeps records.
    pub(super) maximum_record_age: Option<Duration>,
    pub(super) bisect: bool,
    pub(super) reports_item_failures: bool,
    /// A record passes if it matches any of them; all records pass if there are no filters.
    pub(super) filters: Vec<Filter>,
}

impl EventSourceMapping {
    /// Reads the only `DynamoDB` event of the `AWS::Serverless::Function` named `function`. Numbers and flags have to
    /// be literal. A filter must consist of exact strings. Any other form is an error. Otherwise the function would get
    /// too many or too few records.
    pub fn from_template(template: &str, function: &str) -> Result<Self, StreamError> {
        let refused = |reason| StreamError::Template { function: function.to_owned(), reason };
        let template = Template::read(template).map_err(refused)?;
        let properties = template.named(function, FUNCTION).map_err(refused)?;
        let event = only_dynamodb_event(properties).map_err(refused)?;
        let event = Properties::deserialize(event).map_err(|e| refused(e.to_string()))?;
        event.into_mapping().map_err(refused)
    }
}

fn only_dynamodb_event(function: &Json) -> Result<&Json, String> {
    let events = function["Events"].as_object();
    let mut found =
        events.into_iter().flatten().map(|(_, e)| e).filter(|e| e["Type"] == "DynamoDB");
    match (found.next(), found.next()) {
        (Some(event), None) => Ok(&event["Properties"]),
        (None, _) => Err("has no DynamoDB event".to_owned()),
        (Some(_), Some(_)) => Err("has more than one DynamoDB event".to_owned()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    starting_position: StartingPosition,
    batch_size: Option<usize>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    filter_criteria: FilterCriteria,
}

/// Only a misspelt value matters here. [`super::Stream`] always starts at the oldest record.
#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StartingPosition {
    TrimHorizon,
    Latest,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterCriteria {
    filters: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pattern {
    pattern: String,
}

impl Properties {
    fn into_mapping(self) -> Result<EventSourceMapping, String> {
        let (StartingPosition::TrimHorizon | StartingPosition::Latest) = self.starting_position;
        let batch_size = self.batch_size.unwrap_or(100);
        if !(1..=10_000).contains(&batch_size) {
            return Err(format!("BatchSize {batch_size} is not from 1 to 10000"));
        }
        // A filter with a condition (`!If`) always applies, so that no record is missing.
        let filters = self.filter_criteria.filters.into_iter().flat_map(branches).map(|filter| {
            let filter = Pattern::deserialize(filter).map_err(|error| error.to_string())?;
            Filter::parse(&filter.pattern)
        });
        Ok(EventSourceMapping {
            batch_size,
            maximum_retry_attempts: limit("MaximumRetryAttempts", self.maximum_retry_attempts)?,
            maximum_record_age: limit(
                "MaximumRecordAgeInSeconds",
                self.maximum_record_age_in_seconds,
            )?
            .map(|seconds| Duration::from_secs(seconds.into())),
            bisect: self.bisect_batch_on_function_error,
            reports_item_failures: self
                .function_response_types
                .iter()
                .any(|kind| kind == "ReportBatchItemFailures"),
            filters: filters.collect::<Result<_, _>>()?,
        })
    }
}

/// In a template, -1 and nothing both mean that there is no limit.
fn limit(name: &str, value: Option<i64>) -> Result<Option<u32>, String> {
    match value {
        None | Some(-1) => Ok(None),
        Some(value) => {
            u32::try_from(value).map(Some).map_err(|_| format!("{name} {value} is out of range"))
        }
    }
}
