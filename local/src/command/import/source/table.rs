//! Formats of which each row is a user.

use std::path::Path;

use accounts::model::Record;
use serde_json::{Map, Value};

use super::SourceOptions;
use super::fields::{Layout, MappedField, Mapping, Target};
use super::rows::{self, Row, Rows};
use crate::command::import::{Broken, Entry, Records, Reject};

/// A row of a system, before the mapping and after it.
pub(super) trait Dialect: Send + 'static {
    /// Which columns are which fields.
    fn layout(&self) -> Layout;
    /// Fields whose columns an export of the system has, even if they are empty. Without them, the input is of another
    /// format, or an export without the passwords.
    fn required(&self) -> &'static [Target];
    /// The attribute of an object that has the rows.
    fn wrapper(&self) -> Option<&'static str> {
        None
    }
    /// Brings a row into the form that the layout reads.
    fn prepare(&self, _row: &mut Map<String, Value>) {}
    /// What the mapping cannot do.
    fn finish(&self, _row: &Map<String, Value>, _record: &mut Record) -> Result<(), Reject> {
        Ok(())
    }
}

/// Opens an input of that system.
pub(super) fn open(
    dialect: impl Dialect,
    path: &Path,
    options: &SourceOptions,
) -> Result<Records, Broken> {
    let mapping = Mapping::new(dialect.layout(), &options.map);
    let Rows { header, rows } = rows::rows(path, dialect.wrapper())?;
    if let Some(header) = header {
        let has = |column: &str| has_column(column, |name| header.iter().any(|own| own == name));
        let named = options.map.iter().map(MappedField::column).find(|column| !has(column));
        if let Some(column) = missing(&mapping, dialect.required(), has).or(named) {
            let text = format!("The header has no column `{column}`.");
            return Err(Broken::Malformed { line: 1, text });
        }
    }
    let assume_verified = options.assume_verified;
    Ok(Box::new(rows.map(move |row| {
        let Row { position, columns } = row?;
        let record = columns.and_then(|mut row| {
            dialect.prepare(&mut row);
            let has = |column: &str| has_column(column, |name| row.contains_key(name));
            if let Some(column) = missing(&mapping, dialect.required(), has) {
                return Err(Reject::malformed(format!("The record has no `{column}`.")));
            }
            let mut record = mapping.record(&row)?;
            dialect.finish(&row, &mut record)?;
            record.is_verified |= assume_verified && !mapping.columns(Target::IsVerified).any(has);
            Ok(record)
        });
        Ok(Entry { line: position, record, has_lost_factors: false })
    })))
}

/// Whether a column is there, or the one that has the attribute `column.attribute`.
fn has_column(column: &str, has: impl Fn(&str) -> bool) -> bool {
    has(column) || column.split_once('.').is_some_and(|(column, _)| has(column))
}

/// The first column of a required field, if none of the field's columns is there.
fn missing<'a>(
    mapping: &'a Mapping,
    required: &[Target],
    has: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    required.iter().find_map(|target| {
        let is_there = mapping.columns(*target).any(&has);
        mapping.columns(*target).next().filter(|_| !is_there)
    })
}
