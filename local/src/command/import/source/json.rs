//! JSON objects, one after another: the elements of an array, or lines. Each is read alone, so that an input of any size
//! takes the memory of one record.

use std::io::{self, BufRead};

use serde_json::{Map, Value};

use crate::command::import::{InputError, Reject};

/// The most bytes of an object. A user has a few hundred.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// How the objects follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One in each line.
    Lines,
    /// `[…]`, whose first bracket is read already. Lines mean nothing.
    Array,
}

/// An element, not parsed yet.
#[derive(Debug)]
pub(super) struct Element {
    /// The line of a text, or the position in the array, from 1.
    pub(super) position: u64,
    /// The line in which the element begins.
    pub(super) line: u64,
    /// Where the element begins, in bytes.
    pub(super) offset: u64,
    bytes: Option<Vec<u8>>,
}

impl Element {
    /// Its object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Reject> {
        self.read()
    }

    /// The attributes of its object that `T` has.
    pub(super) fn read<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Reject> {
        let Some(bytes) = &self.bytes else {
            let text = format!("The object that begins in line {} is too long.", self.line);
            return Err(Reject { code: "too_long", text });
        };
        serde_json::from_slice(bytes).map_err(|error| self.malformed(&error))
    }

    /// A reject without the text of the error, which may quote a secret.
    fn malformed(&self, error: &serde_json::Error) -> Reject {
        let within = u64::try_from(error.line().saturating_sub(1)).unwrap_or_default();
        let line = self.line.saturating_add(within);
        Reject::malformed(format!("There is no JSON object of the format in line {line}."))
    }
}

/// The elements of an input.
#[derive(Debug)]
pub(super) struct Elements<R> {
    input: R,
    framing: Framing,
    position: u64,
    /// The line of the next byte.
    line: u64,
    /// The offset of the next byte.
    offset: u64,
    has_ended: bool,
}

impl<R: BufRead> Elements<R> {
    /// The elements of the rest of an input. Its first `read` bytes, with `lines` line ends, are read already.
    pub(super) fn new(input: R, framing: Framing, read: u64, lines: u64) -> Self {
        Self { input, framing, position: 0, line: lines + 1, offset: read, has_ended: false }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn skip(&mut self, byte: u8) {
        self.input.consume(1);
        self.offset += 1;
        self.line += u64::from(byte == b'\n');
    }

    fn next_in_array(&mut self) -> Result<Option<Element>, InputError> {
        while let Some(byte) = self.peek()? {
            match byte {
                b']' => {
                    self.has_ended = true;
                    return Ok(None);
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' => self.skip(byte),
                _ => return self.scan().map(Some),
            }
        }
        Err(self.cut("The input ends before its array does: it was cut short."))
    }

    /// Reads an element up to its closing bracket. It does not parse the content.
    fn scan(&mut self) -> Result<Element, InputError> {
        self.position += 1;
        let (line, offset) = (self.line, self.offset);
        let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.peek()? else {
                let text = format!("The input ends within the record of line {line}.");
                return Err(self.cut(&text));
            };
            if depth == 0 && !is_text && matches!(byte, b',' | b']') && self.offset > offset {
                break;
            }
            self.skip(byte);
            if bytes.len() <= MAX_BYTES {
                bytes.push(byte);
            }
            if is_escaped {
                is_escaped = false;
            } else if is_text {
                is_escaped = byte == b'\\';
                // A JSON string has no line end, so the closing quote is missing here. The next record is still
                // readable.
                is_text = byte != b'"' && byte != b'\n';
            } else {
                match byte {
                    b'"' => is_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            break;
                        }
                    }
                    _ => {}
                }
            }
        }
        let bytes = (bytes.len() <= MAX_BYTES).then_some(bytes);
        Ok(Element { position: self.position, line, offset, bytes })
    }

    fn cut(&mut self, text: &str) -> InputError {
        self.has_ended = true;
        InputError::Malformed { line: self.line, text: text.to_owned() }
    }

    fn next_line(&mut self) -> Result<Option<Element>, InputError> {
        loop {
            let (line, offset) = (self.line, self.offset);
            let mut bytes = Vec::new();
            let most = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
            let mut read = io::Read::take(&mut self.input, most).read_until(b'\n', &mut bytes)?;
            let is_too_long = bytes.len() > MAX_BYTES && bytes.last() != Some(&b'\n');
            if is_too_long {
                read += self.input.skip_until(b'\n')?;
            }
            self.offset += u64::try_from(read).unwrap_or_default();
            self.line += 1;
            if read == 0 {
                self.has_ended = true;
                return Ok(None);
            }
            if is_too_long || !bytes.trim_ascii().is_empty() {
                let bytes = (!is_too_long).then_some(bytes);
                return Ok(Some(Element { position: line, line, offset, bytes }));
            }
        }
    }
}

impl<R: BufRead> Iterator for Elements<R> {
    type Item = Result<Element, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = match self.framing {
            Framing::Lines => self.next_line(),
            Framing::Array => self.next_in_array(),
        };
        self.has_ended |= next.is_err();
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions and lines of the elements, and whether each is an object; or why the input is broken.
    fn read(input: &[u8], framing: Framing) -> Vec<Result<(u64, u64, bool), String>> {
        let elements = Elements::new(input, framing, 0, 0);
        let found = elements.map(|element| {
            let element = element.map_err(|broken| broken.to_string())?;
            Ok((element.position, element.line, element.object().is_ok()))
        });
        found.collect()
    }

    #[test]
    fn each_element_of_an_array_is_an_object_or_a_reject() {
        let input = "{\"a\": \"}]\\\"{[\"},\r\n [1], 2, \"x, y\", {\"b\": {\"c\": [{}]}},,{\n\"d\" 1},null, {}]";
        assert_eq!(
            read(input.as_bytes(), Framing::Array),
            [(1, 1, true), (2, 2, false), (3, 2, false), (4, 2, false)]
                .into_iter()
                .chain([(5, 2, true), (6, 2, false), (7, 3, false), (8, 3, true)])
                .map(Ok)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_missing_quote_costs_one_record() {
        let input = b"{\"a\": \"b},\n{\"a\": 1}]";
        let found = read(input, Framing::Array);
        // The bracket of the first record is in its text. So the second one is a part of it.
        assert!(found.last().unwrap().is_err(), "{found:?}");
        let input = b"{\n\"a\": \"b\n},\n{\"a\": 1}]";
        assert_eq!(read(input, Framing::Array), [Ok((1, 1, false)), Ok((2, 4, true))]);
    }

    #[test]
    fn an_input_that_was_cut_short_is_broken() {
        for input in ["", "{}", "{},", "{\"a\": 1", "{\"a\": \"]", "{}, {\"a\": [1]"] {
            let found = read(input.as_bytes(), Framing::Array);
            assert!(found.last().unwrap().is_err(), "{input}: {found:?}");
            assert_eq!(found.iter().filter(|found| found.is_err()).count(), 1, "{input}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_or_not_utf_8_is_one_reject() {
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(2 * MAX_BYTES));
        for framing in [Framing::Array, Framing::Lines] {
            let (comma, end) = if framing == Framing::Array { (",", "]") } else { ("", "") };
            let mut input = format!("{long}{comma}\n").into_bytes();
            input.extend(b"{\"a\": \"\xff\"}");
            input.extend(format!("{comma}\r\n{{}}{end}").bytes());
            let found = read(&input, framing);
            assert_eq!(found, [Ok((1, 1, false)), Ok((2, 2, false)), Ok((3, 3, true))]);
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let input = b"{}\r\n\n  \n{]\n{\"a\": 1}";
        let found = read(input, Framing::Lines);
        assert_eq!(found, [Ok((1, 1, true)), Ok((4, 4, false)), Ok((5, 5, true))]);
    }

    #[test]
    fn an_element_is_found_again_by_its_offset() {
        let input = b"  {\"a\": 1}, {\"b\": 2}]";
        for element in Elements::new(&input[..], Framing::Array, 0, 0) {
            let element = element.unwrap();
            let rest = &input[usize::try_from(element.offset).unwrap()..];
            let mut again = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            assert_eq!(again.next().unwrap().unwrap(), Value::Object(element.object().unwrap()));
        }
    }
}
