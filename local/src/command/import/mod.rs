//! `import`: users of another system.
//!
//! A source (`source/`) reads a format and gives records; the rest of the import is the same for all formats.

pub mod source;

use accounts::model::Record;

/// A record of the input, or why the input has none there. Positions grow, and the same input always gives the same
/// entries in the same order: a run that was interrupted continues by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line of a text, from 1; the position in the array, from 1, of a format without lines.
    pub line: u64,
    /// The user.
    pub record: Result<Record, Reject>,
}

/// Why a part of the input is no record. The run goes on, and `rejects.jsonl` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// For programs: a word such as `malformed`.
    pub code: &'static str,
    /// For a person. It quotes no hash and no other secret of the input.
    pub text: String,
}

impl Reject {
    /// The input is not in its format there.
    pub fn malformed(text: impl Into<String>) -> Self {
        Self { code: "malformed", text: text.into() }
    }
}

/// The input cannot be read, or cannot be read any further: the run stops.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The file cannot be read.
    #[error("the input cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file is of another format, or damaged so that the rest of it means nothing.
    #[error("line {line}: {text}")]
    Malformed {
        /// Where.
        line: u64,
        /// Why, without any secret of the input.
        text: String,
    },
}

/// The records of an input, one after another, in constant memory.
pub type Records = Box<dyn Iterator<Item = Result<Entry, Broken>> + Send>;
