//! What DynamoDB deletes by itself, and the order of the stream in the file.

use crate::support::{TEMPLATE, dynamodb, item, text};
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use embedded::{Aws, Deleted, EventSourceMapping, Options, Stream};
use rusqlite::Connection;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

async fn start(folder: &Path) -> Aws {
    let options = Options { data_dir: Some(folder.to_owned()), ..Options::new(TEMPLATE) };
    Aws::start(options).await.unwrap()
}

async fn put(aws: &Aws, pk: &str) {
    let attributes = [("kind", text("mail")), ("state", text("due"))];
    let put = dynamodb(aws).put_item().table_name("latchkey");
    put.set_item(Some(item(pk, &attributes))).send().await.unwrap();
}

/// The numbers of the records that the function gets, in their order.
async fn delivered(aws: &Aws) -> Vec<String> {
    let mapping = EventSourceMapping::from_template(TEMPLATE, "Mailer").unwrap();
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let handler = |event: Event| {
        let records = event.records.into_iter();
        numbers.lock().unwrap().extend(records.filter_map(|r| r.change.sequence_number));
        async { Ok::<_, Infallible>(DynamoDbEventResponse::default()) }
    };
    Stream::new(aws, mapping).unwrap().deliver(&handler).await;
    let numbers = numbers.lock().unwrap();
    numbers.clone()
}

#[tokio::test]
async fn the_next_number_of_the_stream_is_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let aws = start(folder.path()).await;
    put(&aws, "a").await;
    let file = Connection::open(folder.path().join("dynamodb.sqlite")).unwrap();
    for query in [
        "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 'a'",
        "SELECT * FROM _stream_records WHERE table_name = 'a' AND shard_id = 'b' AND \
         CAST(sequence_number AS INTEGER) > 5 ORDER BY CAST(sequence_number AS INTEGER) LIMIT 9",
    ] {
        let plan = |row: &rusqlite::Row<'_>| row.get::<_, String>(3);
        let plan = file.query_row(&format!("EXPLAIN QUERY PLAN {query}"), [], plan).unwrap();
        assert!(plan.contains("INDEX latchkey_stream_order"), "{plan}");
    }
}

#[tokio::test]
async fn records_of_the_stream_go_after_a_day_and_newer_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let aws = start(folder.path()).await;
    // More than one slice of a deletion.
    for number in 0..1_100 {
        put(&aws, &format!("old {number}")).await;
    }
    let old = delivered(&aws).await;
    assert_eq!(old.len(), 1_100);
    let file = Connection::open(folder.path().join("dynamodb.sqlite")).unwrap();
    let count = || -> i64 {
        let all = "SELECT COUNT(*) FROM _stream_records";
        file.query_row(all, [], |row| row.get(0)).unwrap()
    };
    file.execute("UPDATE _stream_records SET created_at = created_at - 86460", []).unwrap();
    put(&aws, "new").await;
    assert_eq!(count(), 1_101);

    let deleted = aws.upkeep().run().await.unwrap();
    assert_eq!(deleted, Deleted { items: 0, records: 1_100 });
    assert_eq!(count(), 1);
    put(&aws, "newer").await;
    let new = delivered(&aws).await;
    assert_eq!(new.len(), 2);
    let number = |text: &String| text.parse::<u128>().unwrap();
    assert!(number(&new[0]) > number(&old[1_099]), "{new:?}");
    assert!(number(&new[1]) > number(&new[0]), "{new:?}");
    assert_eq!(aws.upkeep().run().await.unwrap(), Deleted { items: 0, records: 0 });
}
