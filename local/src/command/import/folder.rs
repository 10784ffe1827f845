//! The folder of a run: its input, its position, the refused entries, and the ids of the users that it may have
//! created.
//!
//! | file | content |
//! |---|---|
//! | `run.json` | the input by its SHA-256, the options, the id of the run |
//! | `position.json` | how many entries are done, the counts, and the length of `rejects.jsonl` at that time |
//! | `rejects.jsonl` | a line for each entry that was refused: its line in the input, and the codes |
//! | `users.txt` | the ids of the users that the run was going to create. The run writes each id here before it writes the user |
//! | `kept.jsonl` | after `undo`: the users who were kept, and why |
//!
//! A process may be killed at any moment. The position is only a hint: a later process validates the entries after it
//! again, and the table already has the users that were written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use accounts::model::UserId;
use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::command::Failure;

/// The input of a run, with its options. A folder belongs to one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The SHA-256 of the input, in hexadecimal digits.
    pub(super) input_sha256: String,
    pub(super) format: String,
    /// The options of the format.
    pub(super) options: String,
    pub(super) with_staff: bool,
    pub(super) is_dry: bool,
    /// Where the users go.
    pub(super) place: String,
}

/// `run.json`
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    #[serde(rename = "run")]
    id: String,
    operator: String,
    started_at: Timestamp,
    #[serde(flatten)]
    identity: Identity,
}

/// `position.json`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// How many entries of the input are done.
    pub(super) done: u64,
    /// Whether these are all.
    pub(super) is_finished: bool,
    pub(super) counts: Counts,
    rejects_bytes: u64,
}

/// The counts of the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    /// Users that the run created.
    pub(super) new: u64,
    /// Users that an earlier import created from the same record.
    pub(super) unchanged: u64,
    /// Entries that are in `rejects.jsonl`.
    pub(super) rejected: u64,
    /// New users without a password.
    pub(super) without_password: u64,
    /// Those of them whose hash no log-in could verify.
    pub(super) unknown_hashes: u64,
    /// New users who were staff or superusers, and now have the role of a user.
    pub(super) demoted: u64,
    /// New users with a second factor.
    pub(super) with_second_factor: u64,
    /// New users who lack a second factor that they had in the other system.
    pub(super) lost_factors: u64,
}

/// A folder, which this process alone uses.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    run: Run,
    position: Position,
    rejects: File,
    users: File,
    _lock: File,
}

impl Folder {
    /// The folder of a new run, or of a run that continues.
    pub(super) fn open(
        path: &Path,
        identity: Identity,
        operator: &str,
        run: String,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let about = |error| unusable(path, error);
        fs::create_dir_all(path).map_err(about)?;
        let lock = lock(path)?;
        let known = path.join("run.json");
        let before: Option<Run> =
            if known.exists() { Some(read_json(&known).map_err(about)?) } else { None };
        // A dry run starts from the beginning, but never in the folder of a run that has created users.
        let before = before.filter(|before| !(before.identity.is_dry && identity.is_dry));
        let run = if let Some(run) = before {
            if run.identity != identity {
                let text = format!(
                    "{} is the folder of another run: the input, an option or the table differs. Name \
                     another folder with --run.",
                    path.display()
                );
                return Err(Failure::Usage(text));
            }
            run
        } else {
            let operator = operator.to_owned();
            let run = Run { id: run, operator, started_at: now, identity };
            write_json(&known, &run).map_err(about)?;
            for stale in ["position.json", "rejects.jsonl", "users.txt"] {
                remove(&path.join(stale)).map_err(about)?;
            }
            run
        };
        if path.join("kept.jsonl").exists() {
            let text =
                format!("the run of {} was undone: name another folder with --run", path.display());
            return Err(Failure::Usage(text));
        }
        let position = path.join("position.json");
        let position: Position = if position.exists() {
            read_json(&position).map_err(about)?
        } else {
            Position::default()
        };
        let mut rejects = open_appending(&path.join("rejects.jsonl")).map_err(about)?;
        // Cuts off the rejects that are after the position: the run writes them again.
        rejects.set_len(position.rejects_bytes).map_err(about)?;
        rejects.seek(SeekFrom::End(0)).map_err(about)?;
        let users = open_appending(&path.join("users.txt")).map_err(about)?;
        Ok(Self { path: path.to_owned(), run, position, rejects, users, _lock: lock })
    }

    /// The id of the run.
    pub(super) fn run(&self) -> &str {
        &self.run.id
    }

    /// How far the run is.
    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    /// Notes the id of a user before the run creates the user. When this returns, the operating system has the note.
    pub(super) fn note_user(&mut self, user: UserId) -> Result<(), Failure> {
        let written = self.users.write_all(format!("{user}\n").as_bytes());
        written.map_err(|error| unusable(&self.path, error))
    }

    /// Notes an entry that was refused.
    pub(super) fn reject(
        &mut self,
        line: u64,
        codes: &[String],
        text: Option<&str>,
    ) -> Result<(), Failure> {
        let entry = json!({ "line": line, "codes": codes, "text": text });
        let entry = format!("{entry}\n");
        self.rejects.write_all(entry.as_bytes()).map_err(|error| unusable(&self.path, error))?;
        self.position.rejects_bytes += entry.len() as u64;
        Ok(())
    }

    /// Notes how far the run is. Either all of it is noted, or the note before stays.
    pub(super) fn note(
        &mut self,
        done: u64,
        counts: Counts,
        is_finished: bool,
    ) -> Result<(), Failure> {
        self.position = Position { done, is_finished, counts, ..self.position };
        let path = self.path.join("position.json");
        write_json(&path, &self.position).map_err(|error| unusable(&self.path, error))
    }
}

/// A run to undo.
#[derive(Debug)]
pub(super) struct PastRun {
    pub(super) id: String,
    path: PathBuf,
    _lock: File,
}

impl PastRun {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let run = path.join("run.json");
        if !run.exists() {
            return Err(Failure::Usage(format!("{} is no folder of a run", path.display())));
        }
        let lock = lock(path)?;
        let run: Run = read_json(&run).map_err(|error| unusable(path, error))?;
        if run.identity.is_dry {
            return Err(Failure::Usage("a dry run has made nothing".to_owned()));
        }
        Ok(Self { id: run.id, path: path.to_owned(), _lock: lock })
    }

    /// The users that the run may have created.
    pub(super) fn users(
        &self,
    ) -> Result<impl Iterator<Item = io::Result<UserId>> + use<>, Failure> {
        let users = File::open(self.path.join("users.txt"));
        let users = users.map_err(|error| unusable(&self.path, error))?;
        let lines = BufReader::new(users).lines();
        // The run never wrote the user of an incomplete line.
        Ok(lines.filter_map(|line| line.map(|line| line.parse().ok()).transpose()))
    }

    /// Creates an empty `kept.jsonl`. From now on, the run counts as undone.
    pub(super) fn create_kept_file(&self) -> Result<File, Failure> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(true).write(true).mode(0o600);
        options.open(self.path.join("kept.jsonl")).map_err(|error| unusable(&self.path, error))
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => context.update(&buffer[..read]),
        }
    }
    let hex: Vec<String> =
        context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex.concat())
}

fn lock(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).write(true).open(path.join("lock"));
    let lock = lock.map_err(|error| unusable(path, error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => {
            Err(Failure::Failed(format!("another process uses the folder {}", path.display())))
        }
        Err(fs::TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

fn open_appending(path: &Path) -> io::Result<File> {
    // The codes of rejects and the ids of users are for the operator alone.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec_pretty(value)?)?;
    fs::rename(new, path)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unusable(path: &Path, error: io::Error) -> Failure {
    Failure::Failed(format!("the folder {} cannot be used: {error}", path.display()))
}
