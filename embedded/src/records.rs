//! The records of the stream in the file of the database.
//!
//! The library computes the number of each new record from the highest number, and its table of records has no index
//! for this. So without the index of this module, each write reads all records: an import slowed down from 59 users a
//! second to 18 after 2,900 users. The library also keeps the records forever, with the item before and after each
//! write.

use rusqlite::{Connection, Result, params};
use std::path::Path;

/// The maximum number of records in one deletion. Other writes wait for it.
const SLICE: i64 = 1_000;

/// Adds the index, unless the file has it.
pub(crate) fn index(file: &Path) -> Result<()> {
    Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS latchkey_stream_order
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}

/// Deletes the records from before this time, in seconds since 1970. Returns their number.
pub(crate) fn trim(file: &Path, before: i64) -> Result<usize> {
    let database = Connection::open(file)?;
    let mut deleted = 0;
    loop {
        // Newer records have higher ids. So this reads one slice more than it deletes, and not the whole table.
        let last: Option<i64> = database.query_row(
            "SELECT MAX(id) FROM (SELECT id, created_at FROM _stream_records ORDER BY id LIMIT ?1)
             WHERE created_at < ?2",
            params![SLICE, before],
            |row| row.get(0),
        )?;
        let Some(last) = last else { return Ok(deleted) };
        deleted += database.execute("DELETE FROM _stream_records WHERE id <= ?1", [last])?;
    }
}
