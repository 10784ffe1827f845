//! Latchkey's own format: a JSON object in each line, as `export` writes it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::command::import::{Entry, InputError, Records, Reject};

/// The most bytes of a line. A record has a few hundred.
const MAX_LINE: u64 = 1024 * 1024;

/// Opens such a file. Empty lines count as lines, and are no records.
pub(super) fn open(path: &Path) -> Result<Records, InputError> {
    Ok(Box::new(Lines { input: BufReader::new(File::open(path)?), line: 0 }))
}

struct Lines<R> {
    input: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line, without more memory than [`MAX_LINE`]; `None` at the end.
    fn read(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        let mut line = Vec::new();
        let read = self.input.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line)?;
        self.line += 1;
        if line.last() != Some(&b'\n') && read as u64 > MAX_LINE {
            self.input.skip_until(b'\n')?;
        }
        Ok((read > 0).then_some(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Entry, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = match self.read() {
                Ok(line) => line?,
                Err(error) => return Some(Err(error)),
            };
            if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record = if line.len() as u64 > MAX_LINE {
                Err(Reject { code: "too_long", text: "The line is too long.".to_owned() })
            } else if line.trim_ascii_start().first() != Some(&b'{') {
                // Serde would read an empty array as a record without attributes.
                Err(Reject::malformed("The line is no JSON object."))
            } else {
                serde_json::from_slice(&line).map_err(|error| Reject::malformed(position(&error)))
            };
            return Some(Ok(Entry { line: self.line, record, has_lost_factors: false }));
        }
    }
}

/// The fault of a line and its column. It leaves out the text of the error, which may quote a secret.
fn position(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "The record has an unknown attribute, or a bad value",
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => "The line is no JSON object",
    };
    format!("{what} at column {}.", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(input: &[u8]) -> Vec<Entry> {
        Lines { input, line: 0 }.map(Result::unwrap).collect()
    }

    #[test]
    fn each_line_is_a_record_or_a_reject_with_its_number() {
        let input = b"\xef\xbb\xbf{\"username\": \"ann\"}\r\n\n[]\n{\"pasword\": \"secret\"}\n{";
        let found = entries(input);
        let lines: Vec<_> = found.iter().map(|entry| (entry.line, entry.record.is_ok())).collect();
        assert_eq!(lines, [(1, true), (3, false), (4, false), (5, false)]);
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn a_line_that_never_ends_is_one_reject_and_takes_no_more_memory() {
        let mut input = vec![b' '; 3 * 1024 * 1024];
        input[0] = b'{';
        input.extend(b"\n{}\n");
        let found = entries(&input);
        let lines: Vec<_> = found.iter().map(|entry| (entry.line, entry.record.is_ok())).collect();
        assert_eq!(lines, [(1, false), (2, true)]);
    }
}
