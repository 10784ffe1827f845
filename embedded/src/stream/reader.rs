use super::filter::Filter;
use super::{EventSourceMapping, StreamError};
use crate::upkeep::RETENTION;
use crate::{Clock, REGION};
use aws_lambda_events::event::dynamodb::EventRecord;
use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;

/// The most records that one `GetRecords` answers with.
const PAGE: usize = 1000;

/// Reads a table's stream from its oldest record on, a page at a time.
#[derive(Clone)]
pub(super) struct Reader {
    database: Database,
    clock: Arc<dyn Clock>,
    filters: Arc<[Filter]>,
    /// The maximum age of a record. Older records are skipped: a stream of AWS does not have them, or the function does
    /// not want them.
    oldest: Duration,
    /// The ARN with this crate's Region, not with the database's own.
    stream_arn: String,
    iterator: String,
}

/// Some records of the stream.
pub(super) struct Page {
    /// Those that pass the filters.
    pub(super) records: Vec<EventRecord>,
    /// The stream had no more when the page was read.
    pub(super) is_last: bool,
}

impl Reader {
    pub(super) fn open(
        database: Database,
        clock: Arc<dyn Clock>,
        table: &str,
        mapping: &EventSourceMapping,
    ) -> Result<Self, StreamError> {
        let of_table =
            ListStreamsRequest { table_name: Some(table.to_owned()), ..Default::default() };
        let Some(stream) = database.list_streams(of_table)?.streams.pop() else {
            return Err(StreamError::NoStream { table: table.to_owned() });
        };
        let arn = stream.stream_arn;
        let description = database
            .describe_stream(DescribeStreamRequest {
                stream_arn: arn.clone(),
                ..Default::default()
            })?
            .stream_description;
        // The embedded DynamoDB has one shard for a table.
        let shard_id =
            description.shards.into_iter().next().map(|s| s.shard_id).unwrap_or_default();
        let iterator = database
            .get_shard_iterator(GetShardIteratorRequest {
                stream_arn: arn.clone(),
                shard_id,
                shard_iterator_type: "TRIM_HORIZON".to_owned(),
                sequence_number: None,
            })?
            .shard_iterator
            .unwrap_or_default();
        let stream_arn = arn.replacen(dynoxide::streams::LOCAL_REGION, REGION, 1);
        let filters = mapping.filters.as_slice().into();
        let oldest = mapping.maximum_record_age.map_or(RETENTION, |age| age.min(RETENTION));
        Ok(Self { database, clock, filters, oldest, stream_arn, iterator })
    }

    /// Reads on from where the last page ended. Blocks while the database is busy.
    pub(super) fn next_page(&mut self) -> Result<Page, StreamError> {
        let answer = self.database.get_records(GetRecordsRequest {
            shard_iterator: self.iterator.clone(),
            limit: Some(PAGE),
        })?;
        let is_last = answer.records.len() < PAGE;
        let oldest = self.clock.now_unix_secs_f64() - self.oldest.as_secs_f64();
        let records = answer
            .records
            .iter()
            .filter(|record| record.dynamodb.approximate_creation_date_time >= oldest)
            .filter_map(|record| self.event_record(record))
            .collect();
        if let Some(next) = answer.next_shard_iterator {
            self.iterator = next;
        }
        Ok(Page { records, is_last })
    }

    /// The record as Lambda sends it, if it passes the filters.
    fn event_record(&self, record: &Record) -> Option<EventRecord> {
        let mut json = serde_json::to_value(record).ok()?;
        json["awsRegion"] = REGION.into();
        json["eventSourceARN"] = Json::from(self.stream_arn.as_str());
        if !self.filters.is_empty() && !self.filters.iter().any(|filter| filter.passes(&json)) {
            return None;
        }
        match serde_json::from_value(json) {
            Ok(record) => Some(record),
            Err(error) => {
                let event_id = &record.event_id;
                tracing::error!(%error, event_id, "a stream record is not what Lambda knows");
                None
            }
        }
    }
}
