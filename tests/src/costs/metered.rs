//! Runs a future, and counts its calls to DynamoDB.

use std::future::Future;

use accounts::model::Client;
use embedded::KeyUnits;
use serde_json::{Value, json};

use crate::{Calls, Site};

/// The address of the client.
const IP: [u8; 4] = [203, 0, 113, 7];

/// The calls of one operation to DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Calls, and how many of them one after the other.
    pub calls: Calls,
    /// How many items were written, changed or deleted.
    pub items: usize,
    /// Read units that were consumed.
    pub read_units: f64,
    /// Write units that were consumed, on the table and its indexes.
    pub write_units: f64,
    /// The same units, by partition key.
    pub keys: Vec<KeyUnits>,
}

pub(super) fn client() -> Client {
    Client { ip: Some(IP.map(|part| part.to_string()).join(".")), ..Client::default() }
}

/// Sends a document from the address of the client.
pub(super) async fn from_address(site: &Site, document: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let json_type = [("content-type", "application/json")];
    site.send_from(IP, "/graphql", &json_type, body).await.json()["data"].clone()
}

pub(super) async fn of_success(site: &Site, act: impl Future<Output = Value>) -> Cost {
    let (answer, cost) = metered(site, act).await;
    assert_eq!(answer["success"], true, "{answer}");
    cost
}

/// Runs `act`, and counts its calls, items and units.
pub(crate) async fn metered<T>(site: &Site, act: impl Future<Output = T>) -> (T, Cost) {
    let written = site.stream_dump().await.len();
    site.calls.take();
    site.aws.tally().start();
    let done = act.await;
    let calls = site.calls.take();
    let consumed = site.aws.tally().take();
    site.aws.tally().stop();
    let cost = Cost {
        calls,
        items: site.stream_dump().await.len() - written,
        read_units: consumed.iter().fold(0.0, |sum, call| sum + call.read_units),
        write_units: consumed.iter().fold(0.0, |sum, call| sum + call.write_units),
        keys: consumed.into_iter().flat_map(|call| call.keys).collect(),
    };
    (done, cost)
}
