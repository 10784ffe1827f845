//! Formats in which each row is a user.

use std::path::Path;

use accounts::model::Record;
use serde_json::{Map, Value};

use super::SourceOptions;
use super::fields::{Layout, MappedField, Mapping, Target};
use super::rows::{self, Row, Rows};
use crate::command::import::{Entry, InputError, Records, Reject};

/// The format of a system: its columns, and the steps before and after the mapping of a row.
pub(super) trait TableFormat: Send + 'static {
    /// The columns of each field.
    fn layout(&self) -> Layout;
    /// The fields whose columns each export of the system has, even if they are empty. Without them, the input is of
    /// another format, or an export without the passwords.
    fn required(&self) -> &'static [Target];
    /// The attribute of an object that has the rows.
    fn wrapper(&self) -> Option<&'static str> {
        None
    }
    /// Brings a row into the form that the layout reads.
    fn prepare(&self, _row: &mut Map<String, Value>) {}
    /// Sets what the mapping cannot set.
    fn finish(&self, _row: &Map<String, Value>, _record: &mut Record) -> Result<(), Reject> {
        Ok(())
    }
}

/// Opens an input of this format.
pub(super) fn open(
    format: impl TableFormat,
    path: &Path,
    options: &SourceOptions,
) -> Result<Records, InputError> {
    let mapping = Mapping::new(format.layout(), &options.map);
    let Rows { header, rows } = rows::rows(path, format.wrapper())?;
    if let Some(header) = header {
        let has = |column: &str| has_column(column, |name| header.iter().any(|own| own == name));
        let named = options.map.iter().map(MappedField::column).find(|column| !has(column));
        if let Some(column) = missing(&mapping, format.required(), has).or(named) {
            let text = format!("The header has no column `{column}`.");
            return Err(InputError::Malformed { line: 1, text });
        }
    }
    let assume_verified = options.assume_verified;
    Ok(Box::new(rows.map(move |row| {
        let Row { position, columns } = row?;
        let record = columns.and_then(|mut row| {
            format.prepare(&mut row);
            let has = |column: &str| has_column(column, |name| row.contains_key(name));
            if let Some(column) = missing(&mapping, format.required(), has) {
                return Err(Reject::malformed(format!("The record has no `{column}`.")));
            }
            let mut record = mapping.record(&row)?;
            format.finish(&row, &mut record)?;
            record.is_verified |= assume_verified && !mapping.columns(Target::IsVerified).any(has);
            Ok(record)
        });
        Ok(Entry { line: position, record, has_lost_factors: false })
    })))
}

/// Whether a column exists. `column.attribute` exists if `column` does.
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
