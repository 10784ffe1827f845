//! `export`: all users in a file, for a move to another system.

mod django;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use accounts::Accounts;
use clap::{Args, ValueEnum};
use django::Django;
use serde_json::json;

use super::arguments::{OperatorName, Place};
use super::reach::Connection;
use super::{Done, Failure, document};

/// `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The new file; only its owner can read it, because it has the hashes of all passwords
    file: PathBuf,
    /// The format of the file
    #[arg(long, value_enum)]
    to: Format,
    /// For django: the user model
    #[arg(long, value_name = "APP.MODEL", default_value = "auth.user")]
    user_model: String,
    /// For django: also the rows of `graphql_auth.UserStatus`
    #[arg(long)]
    user_status: bool,
    #[command(flatten)]
    by: OperatorName,
    #[command(flatten)]
    place: Place,
}

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON lines of Latchkey, which `import` reads
    Jsonl,
    /// A fixture for `loaddata` of Django
    Django,
}

/// The counts of the written users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    users: u64,
    /// Users whose hash the format cannot express. They need a password reset.
    lost_passwords: u64,
}

/// Writes all users into a file.
///
/// # Errors
/// If the file exists, or cannot be written; if the table does not answer.
pub async fn export(command: Export) -> Result<Done, Failure> {
    let Export { file, to, user_model, user_status, by, place } = command;
    let connection = Connection::connect(&place, false).await?;
    let result = async {
        let output = Output::create(&file)?;
        match to {
            Format::Jsonl => lines(&connection.accounts, &by.operator, output).await,
            Format::Django => {
                let django = Django { user_model, has_status: user_status };
                django.write(&connection.accounts, &by.operator, output).await
            }
        }
    };
    let result = Box::pin(result).await;
    connection.close().await;
    let Counts { users, lost_passwords } = result?;
    let json = json!({
        "operation": "export",
        "file": file,
        "users": users,
        "lost_passwords": lost_passwords,
    });
    let mut text = format!("{users} users are in {}.", file.display());
    if lost_passwords > 0 {
        let _ = write!(
            text,
            " {lost_passwords} of them have a hash that the format cannot have: they need a reset."
        );
    }
    Ok(Done { output: document(&place, &json, text), ..Done::default() })
}

async fn lines(accounts: &Accounts, operator: &str, mut output: Output) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut users = accounts.export(operator).await?;
    while let Some(record) = users.next().await? {
        let line = serde_json::to_string(&record).map_err(io::Error::from);
        output.write(&line.map_err(|error| output.unusable(&error))?)?;
        output.write("\n")?;
        counts.users += 1;
    }
    output.finish()?;
    Ok(counts)
}

/// A file that gets its name when it is complete.
#[derive(Debug)]
struct Output {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
}

impl Output {
    fn create(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            return Err(Failure::Usage(format!("{} exists: name another file", path.display())));
        }
        let mut part = path.to_owned().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let _ = fs::remove_file(&part);
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part);
        let file = file.map_err(|error| unusable(path, &error))?;
        Ok(Self { path: path.to_owned(), part, file: BufWriter::new(file) })
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.file.write_all(text.as_bytes()).map_err(|error| unusable(&self.path, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        let renamed = synced.and_then(|()| fs::rename(&self.part, &self.path));
        renamed.map_err(|error| unusable(&self.path, &error))
    }

    fn unusable(&self, error: &io::Error) -> Failure {
        unusable(&self.path, error)
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{} cannot be written: {error}", path.display()))
}
