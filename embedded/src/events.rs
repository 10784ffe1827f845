//! `EventBridge`: `PutEvents`, and the page that shows the published events.

use crate::REGION;
use crate::gateway::{Answer, error, json_answer};
use crate::lock;
use axum::extract::Query;
use dynoxide::storage_backend::Clock;
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// The path that shows the published events.
pub(crate) const PUBLISHED: &str = "/_aws/events";
/// The maximum number of entries in a call.
const MOST_ENTRIES: usize = 10;
/// The maximum number of stored events. In AWS, a bus stores none.
const MAX_EVENTS: usize = 10_000;

/// The events that all buses accepted, in the form for a target of a rule. Clones share the events.
#[derive(Clone, Debug, Default)]
pub struct EventBus {
    events: Arc<Mutex<VecDeque<Json>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    event_bus_name: Option<String>,
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    /// Epoch seconds.
    time: Option<f64>,
}

impl EventBus {
    /// The ARN of the bus of that name.
    pub fn arn(name: &str) -> String {
        format!("arn:aws:events:{REGION}:123456789012:event-bus/{name}")
    }

    /// The events, oldest first.
    pub fn events(&self) -> Vec<Json> {
        lock(&self.events).iter().cloned().collect()
    }

    /// Answers `PutEvents`. With a fault `Unprocessed`, it accepts only the first entry of a call. If the call has a
    /// single entry, it refuses this entry.
    pub(crate) fn put_events(&self, body: &[u8], clock: &dyn Clock, is_partial: bool) -> Answer {
        let entries = match serde_json::from_slice::<PutEvents>(body) {
            Ok(PutEvents { entries }) if (1..=MOST_ENTRIES).contains(&entries.len()) => entries,
            Ok(_) => return invalid("Entries must have from 1 to 10 members"),
            Err(reason) => return invalid(&reason.to_string()),
        };
        let taken = if is_partial { entries.len().min(2) - 1 } else { entries.len() };
        let mut failed = 0;
        let answers: Vec<Json> = entries
            .into_iter()
            .enumerate()
            .map(|(position, entry)| match entry.into_event(clock) {
                _ if position >= taken => Err(("ThrottlingException", "Rate exceeded.")),
                answer => answer,
            })
            .map(|answer| match answer {
                Ok(event) => {
                    let answer = json!({ "EventId": event["id"] });
                    let mut events = lock(&self.events);
                    events.push_back(event);
                    let surplus = events.len().saturating_sub(MAX_EVENTS);
                    events.drain(..surplus);
                    answer
                }
                Err((code, message)) => {
                    failed += 1;
                    json!({ "ErrorCode": code, "ErrorMessage": message })
                }
            })
            .collect();
        json_answer(StatusCode::OK, &json!({ "FailedEntryCount": failed, "Entries": answers }))
    }
}

impl Entry {
    /// The event, or the code and the reason for which `EventBridge` refuses it.
    fn into_event(self, clock: &dyn Clock) -> Result<Json, (&'static str, &'static str)> {
        let (Some(source), Some(detail_type)) = (self.source, self.detail_type) else {
            return Err(("InvalidArgument", "Source and DetailType are required."));
        };
        let detail = self.detail.and_then(|detail| serde_json::from_str::<Json>(&detail).ok());
        let Some(detail) = detail.filter(Json::is_object) else {
            return Err(("MalformedDetail", "Detail is malformed."));
        };
        #[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
        let given = self.time.map(|seconds| seconds as i64);
        let seconds = given.or_else(|| i64::try_from(clock.now_unix_secs()).ok());
        let time = Timestamp::from_second(seconds.unwrap_or_default()).unwrap_or(Timestamp::MAX);
        Ok(json!({
            "version": "0",
            "id": Uuid::new_v4().to_string(),
            "detail-type": detail_type,
            "source": source,
            "account": "123456789012",
            "time": time.to_string(),
            "region": REGION,
            "resources": [],
            "detail": detail,
        }))
    }
}

/// The buses that a call names.
pub(crate) fn buses(body: &[u8]) -> Vec<String> {
    let request = serde_json::from_slice::<PutEvents>(body);
    let entries = request.map(|request| request.entries).unwrap_or_default().into_iter();
    entries.map(|entry| entry.event_bus_name.unwrap_or_else(|| "default".to_owned())).collect()
}

fn invalid(reason: &str) -> Answer {
    error(StatusCode::BAD_REQUEST, "ValidationException", reason)
}

#[derive(Default, Deserialize)]
struct PageQuery {
    #[serde(rename = "type")]
    event_type: Option<String>,
}

/// Answers `GET /_aws/events` with the published events, oldest first, and `DELETE /_aws/events`, which deletes them.
/// `?type=` filters the shown events by their `detail-type`.
pub fn published(bus: &EventBus, method: &Method, uri: &Uri) -> Answer {
    if method == Method::DELETE {
        lock(&bus.events).clear();
        return json_answer(StatusCode::OK, &json!({}));
    }
    let wanted =
        Query::<PageQuery>::try_from_uri(uri).map(|Query(wanted)| wanted).unwrap_or_default();
    let is_wanted =
        |event: &Json| wanted.event_type.as_ref().is_none_or(|it| event["detail-type"] == **it);
    let events: Vec<Json> = bus.events().into_iter().filter(is_wanted).collect();
    json_answer(StatusCode::OK, &json!({ "events": events }))
}
