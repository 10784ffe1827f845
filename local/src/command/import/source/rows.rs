//! Rows of a table: of CSV with a header, of a JSON array, or of JSON lines. The input shows which one it is.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use super::json::{Elements, Framing, MAX_BYTES};
use crate::command::import::{InputError, Reject};

/// The number of bytes at the start of an input that show its form.
const START_BYTES: usize = 64 * 1024;

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    /// The line of a text, or the position in the array, from 1.
    pub(super) position: u64,
    /// Its columns. Those of CSV are all texts.
    pub(super) columns: Result<Map<String, Value>, Reject>,
}

/// The rows of an input.
pub(super) struct Rows {
    /// The columns, if the input has a header.
    pub(super) header: Option<Vec<String>>,
    /// The rows.
    pub(super) rows: Box<dyn Iterator<Item = Result<Row, InputError>> + Send>,
}

/// An open input, after its byte order mark and the text before its first record.
#[derive(Debug)]
pub(super) struct OpenInput {
    pub(super) input: BufReader<File>,
    /// `None` if the input is no JSON.
    pub(super) framing: Option<Framing>,
    /// How many bytes are read already, and the ends of lines in them.
    pub(super) read: u64,
    pub(super) lines: u64,
}

/// Opens an input. If the input is one object, its rows are the array in its attribute `wrapper`.
pub(super) fn open(path: &Path, wrapper: Option<&str>) -> Result<OpenInput, InputError> {
    let mut input = BufReader::with_capacity(START_BYTES, File::open(path)?);
    let start = input.fill_buf()?;
    if let Some(text) = unreadable(start) {
        return Err(InputError::Malformed { line: 1, text: text.to_owned() });
    }
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let text = &start[mark..];
    let first = text.trim_ascii_start();
    let (framing, left) = match first.first() {
        Some(b'[') => (Some(Framing::Array), &first[1..]),
        Some(b'{') => match wrapper.and_then(|wrapper| wrapped(first, wrapper)) {
            Some(left) => (Some(Framing::Array), left),
            None => (Some(Framing::Lines), text),
        },
        Some(_) => (None, text),
        None => {
            let text = "The input is empty.".to_owned();
            return Err(InputError::Malformed { line: 1, text });
        }
    };
    let read = start.len() - left.len();
    let ends = start[..read].split(|byte| *byte == b'\n').skip(1).count();
    input.consume(read);
    let [read, lines] = [read, ends].map(|count| u64::try_from(count).unwrap_or_default());
    Ok(OpenInput { input, framing, read, lines })
}

/// The reason why an input with this start is not readable.
fn unreadable(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Some("The input is UTF-16. Save it as UTF-8.");
    }
    if start.starts_with(b"\x1f\x8b") || start.starts_with(b"PK\x03\x04") {
        return Some("The input is compressed. Unpack it first.");
    }
    start.contains(&0).then_some("The input is no text.")
}

/// What follows `{"wrapper": [`.
fn wrapped<'a>(text: &'a [u8], wrapper: &str) -> Option<&'a [u8]> {
    let mut text = text;
    for part in ["{", "\"", wrapper, "\"", ":", "["] {
        let rest = if part == wrapper { text } else { text.trim_ascii_start() };
        text = rest.strip_prefix(part.as_bytes())?;
    }
    Some(text)
}

/// Opens an input as rows.
pub(super) fn rows(path: &Path, wrapper: Option<&str>) -> Result<Rows, InputError> {
    let OpenInput { input, framing, read, lines } = open(path, wrapper)?;
    let Some(framing) = framing else { return table(input) };
    let elements = Elements::new(input, framing, read, lines);
    let rows = elements.map(|element| {
        let element = element?;
        let columns = element.object();
        Ok(Row { position: element.position, columns })
    });
    Ok(Rows { header: None, rows: Box::new(rows) })
}

/// Reads CSV. The separator is the one that the header has most often, because spreadsheets of some languages write
/// semicolons.
fn table(mut input: BufReader<File>) -> Result<Rows, InputError> {
    let start = input.fill_buf()?;
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: &u8| first.split(|byte| byte == separator).count();
    let separator = [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',');
    let left = Arc::new(AtomicU64::new(most()));
    let bounded = BoundedReader { input, left: Arc::clone(&left), last: b'\n' };
    // `\r\n` would end a record before the end of its line, and the numbers of lines would be wrong.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(separator)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(bounded);
    let damaged = |text: &str| InputError::Malformed { line: 1, text: text.to_owned() };
    let header = reader.headers().map_err(|_| damaged("The header is not UTF-8, or too long."))?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut names = HashSet::new();
    if !header.iter().all(|name| name.is_empty() || names.insert(name)) {
        return Err(damaged("Two columns have the same name."));
    }
    let lines = Lines { reader, header: header.clone(), left, has_ended: false };
    Ok(Rows { header: Some(header), rows: Box::new(lines) })
}

struct Lines {
    reader: csv::Reader<BoundedReader<BufReader<File>>>,
    header: Vec<String>,
    /// How many bytes may be read before the next record ends.
    left: Arc<AtomicU64>,
    has_ended: bool,
}

impl Lines {
    fn columns(&self, record: &csv::ByteRecord) -> Result<Map<String, Value>, Reject> {
        let last = record.len().saturating_sub(1);
        if record.len() != self.header.len() {
            let (own, all) = (record.len(), self.header.len());
            return Err(Reject::malformed(format!(
                "The row has another number of columns than the header: {own}, not {all}."
            )));
        }
        let columns = self.header.iter().zip(record).enumerate().map(|(at, (name, value))| {
            let of_line = value.strip_suffix(b"\r").filter(|_| at == last);
            let value = str::from_utf8(of_line.unwrap_or(value));
            let value = value.map_err(|_| Reject::malformed(format!("`{name}` is not UTF-8.")))?;
            Ok((name.clone(), Value::from(value)))
        });
        columns.collect()
    }
}

impl Iterator for Lines {
    type Item = Result<Row, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        self.left.store(most(), Ordering::Relaxed);
        let start = self.reader.position().line();
        let mut record = csv::ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(true) if record.as_slice() == b"\r" => self.next(),
            Ok(true) => {
                // The reader has skipped empty lines, and is at the start of the next line now.
                let ends = record.as_slice().split(|byte| *byte == b'\n').count();
                let ends = u64::try_from(ends).unwrap_or_default();
                let position = self.reader.position().line().saturating_sub(ends);
                Some(Ok(Row { position, columns: self.columns(&record) }))
            }
            Ok(false) => None,
            Err(error) => {
                self.has_ended = true;
                let text = "The row is too long: a quote is missing there, or before.";
                let damaged = InputError::Malformed { line: start, text: text.to_owned() };
                let csv::ErrorKind::Io(error) = error.into_kind() else {
                    return Some(Err(damaged));
                };
                let is_ours = error.kind() == io::ErrorKind::InvalidData;
                Some(Err(if is_ours { damaged } else { error.into() }))
            }
        }
    }
}

/// A reader that fails before a record becomes too long. It also ends the last line.
struct BoundedReader<R> {
    input: R,
    left: Arc<AtomicU64>,
    last: u8,
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let mut read = self.input.read(&mut into[..most])?;
        if read == 0 && most > 0 && self.last != b'\n' {
            into[0] = b'\n';
            read = 1;
        }
        if let Some(last) = into[..read].last() {
            self.last = *last;
        }
        self.left.fetch_sub(u64::try_from(read).unwrap_or(left), Ordering::Relaxed);
        Ok(read)
    }
}

/// The most bytes that the reader takes for a record. It also buffers the start of the next records: far fewer bytes.
fn most() -> u64 {
    u64::try_from(MAX_BYTES).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The position of a row, and its columns; or why the input is broken there.
    type Read = Result<(u64, Option<Value>), String>;

    fn read(input: &[u8]) -> Result<Vec<Read>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        std::fs::write(&path, input).unwrap();
        let rows = rows(&path, Some("users")).map_err(|broken| broken.to_string())?;
        let found = rows.rows.map(|row| {
            let row = row.map_err(|broken| broken.to_string())?;
            Ok((row.position, row.columns.ok().map(Value::Object)))
        });
        Ok(found.collect())
    }

    #[test]
    fn one_row_is_the_same_in_all_forms() {
        let row = serde_json::json!({"a": "1", "b": "x"});
        for (line, input) in [
            (2, "a,b\n1,x\n"),
            (2, "\u{feff}a;b\r\n1;x"),
            (2, "a\t b \n1\tx\n"),
            (1, "[{\"a\": \"1\", \"b\": \"x\"}]\n"),
            (1, "\u{feff}\r\n{\"users\": [\r\n{\"a\": \"1\", \"b\": \"x\"}], \"next\": 1}"),
            (1, "{\"a\": \"1\", \"b\": \"x\"}\r\n"),
        ] {
            assert_eq!(read(input.as_bytes()).unwrap(), [Ok((line, Some(row.clone())))], "{input}");
        }
    }

    #[test]
    fn a_row_of_several_lines_has_the_number_of_its_first() {
        let found = read(b"a,b\r\n1,\"x\ny \"\"z\"\"\"\r\n\n\r\n2\n3,\xff\n4,\"z\"\r\n").unwrap();
        let rows = [
            (2, Some(serde_json::json!({"a": "1", "b": "x\ny \"z\""}))),
            (6, None),
            (7, None),
            (8, Some(serde_json::json!({"a": "4", "b": "z"}))),
        ];
        assert_eq!(found, rows.map(Ok));
    }

    #[test]
    fn what_is_no_table_is_broken() {
        for input in [
            &b""[..],
            b" \n",
            b"\xff\xfea\0",
            b"\x1f\x8b\x08",
            b"a,a\n1,2\n",
            b"a,\xff\n1,2\n",
            b"SQLite format 3\0",
        ] {
            assert!(read(input).is_err(), "{input:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_no_more_memory() {
        let mut input = b"a,b\n1,x\n2,\"".to_vec();
        input.resize(5 * MAX_BYTES, b'x');
        let found = read(&input).unwrap();
        assert!(found.len() == 2 && found[0].is_ok(), "{} rows", found.len());
        assert!(found[1].as_ref().unwrap_err().starts_with("line 3: "), "{:?}", found[1]);
    }
}
