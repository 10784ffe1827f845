use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The reason why the embedded AWS did not start. `Display` is one line for the user of the program. The caller adds
/// the name of the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something listens on that port already.
    #[error("port {port} is taken")]
    PortTaken {
        /// The requested port.
        port: u16,
    },
    /// The server cannot listen on the address, for another reason.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The data folder cannot be created, or is not writable.
    #[error("the data folder {} cannot be written: {source}", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process has this data folder open.
    #[error("the data folder {} is in use by another process", path.display())]
    DataDirInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database refused to open or to create the table.
    #[error("the database: {0}")]
    Database(String),
    /// The template cannot be read, or lacks a needed part.
    #[error("the template: {0}")]
    Template(String),
    /// The data folder holds a table of another shape than the template's.
    #[error(
        "the table \"{table}\" in the data folder has another {part} than the template: \
         use another folder, or remove this one"
    )]
    TableDiffers {
        /// The table's name.
        table: String,
        /// The part that differs, for example "key schema".
        part: &'static str,
    },
    /// No bucket can have that name.
    #[error("\"{name}\" is no name for a bucket")]
    BucketName {
        /// The requested name.
        name: String,
    },
    /// A clock was given together with a data folder; the database takes one only in memory.
    #[error("a clock of one's own works in memory only")]
    ClockNeedsMemory,
}
