//! The formats of the systems that users come from.

mod jsonl;

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Broken, Records};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines of Latchkey
    Jsonl,
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
        }
    }
}

/// Options of single formats. They are part of the identity of a run, as the input is.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {}

/// Opens an input. A format whose records are spread over the file may read it twice.
///
/// # Errors
/// If the file cannot be read, or if its beginning shows that it is of another format.
pub fn open(format: Format, path: &Path, _options: &SourceOptions) -> Result<Records, Broken> {
    match format {
        Format::Jsonl => jsonl::open(path),
    }
}
