//! Assigns the units of a call to the partition keys of the table and of its indexes. `DynamoDB` reports units for each
//! index only, but its limits apply to each partition.

use crate::tally::is_write;
use dynoxide::Database;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::types::{AttributeValue, Item, KeySchemaElement, KeyType, item_size};
use serde_json::{Value as Json, json};

/// The bytes of a write unit.
const WRITE_UNIT: usize = 1_024;

/// The units of one call on one partition key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyUnits {
    /// The index; `None` for the table.
    pub index: Option<String>,
    /// The value of the partition key.
    pub partition: String,
    /// The value of the sort key; `None` if many items share the units, as in a query.
    pub sort: Option<String>,
    /// Read units.
    pub read_units: f64,
    /// Write units.
    pub write_units: f64,
}

/// A call that is not executed yet, with the items that it may change.
pub(crate) struct PendingCall {
    request: Json,
    table: Table,
    /// The keys that the call names, each with its item before the call.
    keys: Vec<(Json, Option<Item>)>,
}

/// The key attributes of a table and of its indexes.
struct Table {
    name: String,
    hash: String,
    sort: Option<String>,
    indexes: Vec<(String, String, Option<String>)>,
}

impl PendingCall {
    /// Reads the items that a write may change. `None` for a call that names no keys of the table.
    pub(crate) fn new(database: &Database, operation: &str, body: &[u8]) -> Option<Self> {
        let request: Json = serde_json::from_slice(body).ok()?;
        let named = keys(operation, &request);
        let name = request["TableName"].as_str().map(str::to_owned);
        let table = Table::of(database, name.or_else(|| table_of(&request))?)?;
        let keys = named.into_iter().map(|item| {
            let key = table.key(&item);
            // The units of a call that only reads are divided equally among its keys.
            let before = is_write(operation).then(|| table.item(database, &key)).flatten();
            (key, before)
        });
        let keys = keys.collect();
        Some(Self { request, table, keys })
    }

    /// Divides the units of the answer among the keys: the units of the table by the size of the items, and the units
    /// of an index among the old and the new places of its entries.
    pub(crate) fn units(
        &self,
        database: &Database,
        (read_units, write_units): (f64, f64),
        consumed: &Json,
    ) -> Vec<KeyUnits> {
        if write_units > 0.0 {
            return self.units_of_write(database, write_units, consumed);
        }
        if self.keys.is_empty() {
            let index = self.request["IndexName"].as_str().map(str::to_owned);
            let partition = self.queried_partition(index.as_deref());
            return partition
                .map(|partition| KeyUnits {
                    index,
                    partition,
                    sort: None,
                    read_units,
                    write_units: 0.0,
                })
                .into_iter()
                .collect();
        }
        let share = read_units / count(self.keys.len());
        self.keys.iter().map(|(key, _)| self.table.units(key, share, 0.0)).collect()
    }

    fn units_of_write(&self, database: &Database, all: f64, consumed: &Json) -> Vec<KeyUnits> {
        let items = self.keys.iter().map(|(key, before)| {
            let after = self.table.item(database, key);
            let largest = before.iter().chain(&after).map(item_size).max().unwrap_or_default();
            (key, before, after, count(largest.div_ceil(WRITE_UNIT).max(1)))
        });
        let items: Vec<_> = items.collect();
        let mut units = Vec::new();
        let mut of_indexes = 0.0;
        for (index, hash, sort) in &self.table.indexes {
            let place = |item: &Item| {
                let AttributeValue::S(partition) = item.get(hash)? else { return None };
                let sort = sort.as_ref().map(|sort| item.get(sort).map(|value| json!(value)));
                // An item that lacks a key attribute of an index is not in the index.
                let sort = if let Some(sort) = sort { Some(sort?) } else { None };
                Some((partition.clone(), sort))
            };
            let mut places = Vec::new();
            for (_, before, after, _) in &items {
                let [old, new] = [before, after].map(|item| item.as_ref().and_then(place));
                if old != new {
                    places.extend(old.into_iter().chain(new));
                }
            }
            let on_index = number(&consumed["GlobalSecondaryIndexes"][index]);
            of_indexes += on_index;
            let share = on_index / count(places.len());
            units.extend(places.into_iter().filter(|_| on_index > 0.0).map(|(partition, _)| {
                let index = Some(index.clone());
                KeyUnits { index, partition, sort: None, read_units: 0.0, write_units: share }
            }));
        }
        let weights: f64 = items.iter().map(|(.., weight)| weight).sum();
        let share = (all - of_indexes) / weights;
        let of_table =
            items.iter().map(|(key, .., weight)| self.table.units(key, 0.0, share * weight));
        of_table.chain(units).collect()
    }

    /// The partition that a query reads: the value that its condition compares the partition key with.
    fn queried_partition(&self, index: Option<&str>) -> Option<String> {
        let of_index = self.table.indexes.iter().find(|(name, ..)| Some(name.as_str()) == index);
        let hash = of_index.map_or(&self.table.hash, |(_, hash, _)| hash);
        let condition = self.request["KeyConditionExpression"].as_str()?;
        let value = condition.split(" AND ").find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim();
            let named = self.request["ExpressionAttributeNames"][name].as_str().unwrap_or(name);
            (named == hash).then_some(value.trim())
        });
        self.request["ExpressionAttributeValues"][value?]["S"].as_str().map(str::to_owned)
    }
}

impl Table {
    fn of(database: &Database, name: String) -> Option<Self> {
        let described = DescribeTableRequest { table_name: name.clone() };
        let table = database.describe_table(described).ok()?.table;
        let (hash, sort) = attributes(&table.key_schema)?;
        let indexes = table.global_secondary_indexes.iter().flatten().filter_map(|index| {
            let (hash, sort) = attributes(&index.key_schema)?;
            Some((index.index_name.clone(), hash, sort))
        });
        Some(Self { name, hash, sort, indexes: indexes.collect() })
    }

    /// The key attributes of an item.
    fn key(&self, item: &Json) -> Json {
        let names = [&self.hash].into_iter().chain(&self.sort);
        names
            .map(|name| (name.clone(), item[name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn item(&self, database: &Database, key: &Json) -> Option<Item> {
        let request = json!({ "TableName": self.name, "Key": key, "ConsistentRead": true });
        let request: GetItemRequest = serde_json::from_value(request).ok()?;
        database.get_item(request).ok()?.item
    }

    fn units(&self, key: &Json, read_units: f64, write_units: f64) -> KeyUnits {
        let text = |name: &String| key[name]["S"].as_str().unwrap_or_default().to_owned();
        let (partition, sort) = (text(&self.hash), self.sort.as_ref().map(text));
        KeyUnits { index: None, partition, sort, read_units, write_units }
    }
}

/// The items, or keys of items, that a call names.
fn keys(operation: &str, request: &Json) -> Vec<Json> {
    let batch = || request["RequestItems"].as_object().into_iter().flatten();
    let list = |list: &Json| list.as_array().cloned().unwrap_or_default();
    let item = |action: &Json| {
        let item = if action["Item"].is_object() { &action["Item"] } else { &action["Key"] };
        item.clone()
    };
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => vec![item(request)],
        "BatchGetItem" => batch().flat_map(|(_, wanted)| list(&wanted["Keys"])).collect(),
        "TransactWriteItems" | "TransactGetItems" => {
            let actions = list(&request["TransactItems"]);
            actions
                .iter()
                .filter_map(|action| Some(item(action.as_object()?.values().next()?)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The table of a batch or of a transaction: only the parts of such a call name the table.
fn table_of(request: &Json) -> Option<String> {
    if let Some(batch) = request["RequestItems"].as_object() {
        return batch.keys().next().cloned();
    }
    let first = request["TransactItems"].get(0)?.as_object()?.values().next()?;
    first["TableName"].as_str().map(str::to_owned)
}

fn attributes(schema: &[KeySchemaElement]) -> Option<(String, Option<String>)> {
    let of = |wanted: KeyType| {
        let found = schema.iter().find(|element| element.key_type == wanted);
        found.map(|element| element.attribute_name.clone())
    };
    Some((of(KeyType::HASH)?, of(KeyType::RANGE)))
}

fn number(consumed: &Json) -> f64 {
    let units = |name: &str| consumed[name].as_f64();
    units("WriteCapacityUnits").or_else(|| units("CapacityUnits")).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a call has few keys")]
fn count(number: usize) -> f64 {
    number as f64
}
