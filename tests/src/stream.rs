//! The table's stream, read from its beginning by a reader of the test's own.

use std::convert::Infallible;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::DynamoDbEventResponse;
use embedded::{EventSourceMapping, Stream};
use tokio::sync::Mutex;

use crate::Site;

/// The start of the filter in the template.
const FILTER: &str = "            FilterCriteria:\n";
/// The text after it.
const AFTER_FILTER: &str = "            DestinationConfig:\n";

impl Site {
    /// One event with all records so far that pass the template's filter: what `email-event` is
    /// called with.
    pub async fn mail_event(&self) -> Event {
        let mut event = Event::default();
        event.records = self.records(local::TEMPLATE).await;
        event
    }

    /// All records of the stream, as text.
    pub async fn stream_dump(&self) -> Vec<String> {
        let (before, rest) = local::TEMPLATE.split_once(FILTER).expect("a filter");
        let (_, after) = rest.split_once(AFTER_FILTER).expect("a destination");
        let unfiltered = format!("{before}{AFTER_FILTER}{after}");
        self.records(&unfiltered).await.iter().map(|record| format!("{record:?}")).collect()
    }

    async fn records(&self, template: &str) -> Vec<EventRecord> {
        let mapping = EventSourceMapping::from_template(template, "EmailEventFunction");
        let mut stream = Stream::new(&self.aws, mapping.expect("a mapping")).expect("a stream");
        let records = &Mutex::new(Vec::new());
        let handler = |event: Event| async move {
            records.lock().await.extend(event.records);
            Ok::<_, Infallible>(DynamoDbEventResponse::default())
        };
        stream.deliver(&handler).await;
        std::mem::take(&mut *records.lock().await)
    }
}
