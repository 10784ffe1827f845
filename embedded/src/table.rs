//! The table of the template.

use crate::StartError;
use crate::template::{TABLE, Template};
use dynoxide::Database;
use dynoxide::actions::TableDescription;
use dynoxide::actions::create_table::{CreateTableRequest, StreamSpecification};
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::describe_time_to_live::DescribeTimeToLiveRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::errors::DynoxideError;
use dynoxide::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex, Projection,
    ProvisionedThroughput,
};
use serde::Deserialize;

/// Creates the table of the template under `name`. If the database already has this table, checks that its key schema,
/// indexes and stream are the same. Sets the TTL attribute.
pub(crate) fn ensure(db: &Database, template: &str, name: &str) -> Result<(), StartError> {
    let wanted = TableProperties::from_template(template).map_err(StartError::Template)?;
    match db.describe_table(DescribeTableRequest { table_name: name.to_owned() }) {
        Ok(answer) => {
            if let Some(part) = wanted.difference(&answer.table) {
                return Err(StartError::TableDiffers { table: name.to_owned(), part });
            }
        }
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            db.create_table(wanted.create_request(name)).map_err(|e| broken(&e))?;
        }
        Err(error) => return Err(broken(&error)),
    }
    set_ttl(db, name, wanted.time_to_live_specification).map_err(|e| broken(&e))
}

/// The properties of `AWS::DynamoDB::Table` that this crate uses.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableProperties {
    key_schema: Vec<KeySchemaElement>,
    attribute_definitions: Vec<AttributeDefinition>,
    #[serde(default)]
    global_secondary_indexes: Vec<GlobalSecondaryIndex>,
    #[serde(default)]
    local_secondary_indexes: Vec<LocalSecondaryIndex>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ProvisionedThroughput>,
    stream_specification: Option<StreamProperties>,
    time_to_live_specification: Option<TimeToLiveSpecification>,
}

/// In a template, a stream is on if it is specified.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamProperties {
    stream_view_type: String,
}

impl TableProperties {
    fn from_template(text: &str) -> Result<Self, String> {
        let template = Template::read(text)?;
        Self::deserialize(template.only(TABLE)?).map_err(|e| format!("its table: {e}"))
    }

    fn create_request(&self, name: &str) -> CreateTableRequest {
        CreateTableRequest {
            table_name: name.to_owned(),
            key_schema: self.key_schema.clone(),
            attribute_definitions: self.attribute_definitions.clone(),
            global_secondary_indexes: some_of(self.global_secondary_indexes.clone()),
            local_secondary_indexes: some_of(self.local_secondary_indexes.clone()),
            billing_mode: self.billing_mode.clone(),
            provisioned_throughput: self.provisioned_throughput.clone(),
            stream_specification: self.stream_specification.as_ref().map(|stream| {
                StreamSpecification {
                    stream_enabled: true,
                    stream_view_type: Some(stream.stream_view_type.clone()),
                }
            }),
            ..CreateTableRequest::default()
        }
    }

    /// The first part in which an existing table differs from this one.
    fn difference(&self, existing: &TableDescription) -> Option<&'static str> {
        let streams = existing.stream_specification.as_ref().filter(|stream| stream.stream_enabled);
        let stream = streams.and_then(|stream| stream.stream_view_type.as_deref());
        let wanted_stream = self.stream_specification.as_ref().map(|s| s.stream_view_type.as_str());
        if self.key_schema != existing.key_schema {
            Some("key schema")
        } else if sorted_attributes(&self.attribute_definitions)
            != sorted_attributes(&existing.attribute_definitions)
        {
            Some("set of key attributes")
        } else if self.indexes() != indexes_of(existing) {
            Some("set of indexes")
        } else if wanted_stream != stream {
            Some("stream")
        } else {
            None
        }
    }

    fn indexes(&self) -> Vec<Index<'_>> {
        let global = self.global_secondary_indexes.iter();
        let local = self.local_secondary_indexes.iter();
        let mut indexes: Vec<_> = global
            .map(|index| {
                Index::new("global", &index.index_name, &index.key_schema, &index.projection)
            })
            .chain(local.map(|index| {
                Index::new("local", &index.index_name, &index.key_schema, &index.projection)
            }))
            .collect();
        indexes.sort_by_key(|index| index.name);
        indexes
    }
}

fn indexes_of(table: &TableDescription) -> Vec<Index<'_>> {
    let global = table.global_secondary_indexes.iter().flatten();
    let local = table.local_secondary_indexes.iter().flatten();
    let mut indexes: Vec<_> = global
        .map(|index| Index::new("global", &index.index_name, &index.key_schema, &index.projection))
        .chain(local.map(|index| {
            Index::new("local", &index.index_name, &index.key_schema, &index.projection)
        }))
        .collect();
    indexes.sort_by_key(|index| index.name);
    indexes
}

/// The properties that equal indexes have in common. The throughput is not one of them.
#[derive(PartialEq)]
struct Index<'a> {
    kind: &'static str,
    name: &'a str,
    key_schema: &'a [KeySchemaElement],
    projection: String,
}

impl<'a> Index<'a> {
    fn new(
        kind: &'static str,
        name: &'a str,
        key_schema: &'a [KeySchemaElement],
        projection: &Projection,
    ) -> Self {
        let mut attributes = projection.non_key_attributes.clone().unwrap_or_default();
        attributes.sort();
        let projection = format!("{:?} {attributes:?}", projection.projection_type);
        Self { kind, name, key_schema, projection }
    }
}

fn sorted_attributes(attributes: &[AttributeDefinition]) -> Vec<(&str, String)> {
    let mut sorted: Vec<_> = attributes
        .iter()
        .map(|a| (a.attribute_name.as_str(), format!("{:?}", a.attribute_type)))
        .collect();
    sorted.sort();
    sorted
}

fn set_ttl(
    db: &Database,
    name: &str,
    wanted: Option<TimeToLiveSpecification>,
) -> dynoxide::Result<()> {
    let table_name = name.to_owned();
    let described =
        db.describe_time_to_live(DescribeTimeToLiveRequest { table_name: table_name.clone() })?;
    let current = described.time_to_live_description.attribute_name;
    let wanted = wanted.filter(|ttl| ttl.enabled);
    if current.as_deref() == wanted.as_ref().map(|ttl| ttl.attribute_name.as_str()) {
        return Ok(());
    }
    let off =
        current.map(|attribute_name| TimeToLiveSpecification { attribute_name, enabled: false });
    for specification in off.into_iter().chain(wanted) {
        db.update_time_to_live(UpdateTimeToLiveRequest {
            table_name: table_name.clone(),
            time_to_live_specification: specification,
        })?;
    }
    Ok(())
}

fn some_of<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn broken(error: &DynoxideError) -> StartError {
    StartError::Database(error.to_string())
}
