//! `import`: users of another system.
//!
//! A source (`source/`) reads a format and gives records; the rest of the import is the same for all formats.

mod arguments;
mod folder;
mod pace;
mod progress;
mod run;
pub mod source;
mod undo;

use std::num::NonZeroU32;
use std::path::Path;

use accounts::model::Record;
use accounts::random::Random;
use serde_json::json;

pub use arguments::Import;
use arguments::{Start, Verb};
use folder::{Counts, Folder, Identity, PastRun};
use pace::Pace;
use progress::Progress;
use run::Run;

use super::arguments::{OperatorName, Place};
use super::reach::Connection;
use super::{Done, Failure, document};

/// A record of the input, or the reason why the input has no record there. Positions grow, and the same input always
/// gives the same entries in the same order: an interrupted run needs that to continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line of a text, from 1; the position in the array, from 1, of a format without lines.
    pub line: u64,
    /// The user.
    pub record: Result<Record, Reject>,
    /// Whether the record lacks second factors that the user has in the other system.
    pub has_lost_factors: bool,
}

/// The reason why a part of the input is no record. The run continues, and `rejects.jsonl` has the reason.
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
pub enum InputError {
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
pub type Records = Box<dyn Iterator<Item = Result<Entry, InputError>> + Send>;

/// Imports users, or undoes an import.
///
/// # Errors
/// If that is refused or fails.
pub async fn import(command: Import) -> Result<Done, Failure> {
    let Import { place, start, verb } = command;
    match verb {
        Some(Verb::Undo { run, wcu, by }) => Box::pin(undo(&place, &run, wcu, &by)).await,
        None => Box::pin(begin(&place, start)).await,
    }
}

async fn begin(place: &Place, start: Start) -> Result<Done, Failure> {
    let Start { file, from, dry_run, run, wcu, with_staff, source, operator } = start;
    let (Some(file), Some(from), Some(operator)) = (file, from, operator) else {
        return Err(Failure::Usage("name a file, its format and yourself".to_owned()));
    };
    let run = run.unwrap_or_else(|| {
        let mut folder = file.clone().into_os_string();
        folder.push(if dry_run { ".dry-run" } else { ".import" });
        folder.into()
    });
    // This pass counts the entries, and fails for a damaged input before the run writes anything.
    let all =
        source::open(from, &file, &source)?.try_fold(0, |all, entry| entry.map(|_| all + 1))?;
    let connection = Connection::connect(place, true).await?;
    let identity = Identity {
        input_sha256: folder::sha256(&file).map_err(InputError::Unreadable)?,
        format: from.name().to_owned(),
        options: format!("{source:?}"),
        with_staff,
        is_dry: dry_run,
        place: connection.place.clone(),
    };
    let result = async {
        let accounts = &connection.accounts;
        let id = Random::System.id(accounts.now()).to_string();
        let mut folder = Folder::open(&run, identity, &operator, id, accounts.now())?;
        let import = accounts.import(&operator, folder.run(), with_staff)?;
        let was_finished = folder.position().is_finished;
        let (counts, finds_all) = if was_finished {
            (folder.position().counts, true)
        } else {
            let speed = Pace::new(wcu, place.table.is_some(), connection.meter.clone());
            let progress = Progress::new(folder.position().done, all);
            let (folder, import) = (&mut folder, &import);
            let run = Run { import, folder, pace: &speed, progress, is_dry: dry_run };
            Box::pin(run.run(source::open(from, &file, &source)?)).await?
        };
        let summary = Summary { folder: &run, counts, was_finished, finds_all, is_dry: dry_run };
        Ok(summary.done(place))
    };
    let result = result.await;
    connection.close().await;
    result
}

/// What a run did, for the operator.
struct Summary<'a> {
    folder: &'a Path,
    counts: Counts,
    was_finished: bool,
    finds_all: bool,
    is_dry: bool,
}

impl Summary<'_> {
    fn done(&self, place: &Place) -> Done {
        let Self { folder, counts, was_finished, finds_all, is_dry } = self;
        let json = json!({
            "operation": "import",
            "is_dry_run": is_dry,
            "was_finished": was_finished,
            "folder": folder,
            "counts": counts,
        });
        let mut text = String::new();
        let mut line = |line: &str| text.extend([line, "\n"]);
        let Counts { new, unchanged, rejected, without_password, unknown_hashes, .. } = *counts;
        let Counts { demoted, with_second_factor, lost_factors, .. } = *counts;
        line(match (was_finished, is_dry) {
            (true, _) => "The run had finished before. Nothing was changed. It counted:",
            (false, true) => "Nothing was written. The run would count:",
            (false, false) => "The run has finished. It counted:",
        });
        line(&format!("  {new} new users"));
        line(&format!("  {unchanged} users who had been imported before: nothing was changed"));
        line(&format!("  {rejected} records that were refused"));
        line(&format!("{without_password} of the new users have no password: they need a reset."));
        if unknown_hashes > 0 {
            line(&format!("{unknown_hashes} of these have a hash that no log-in can verify."));
        }
        if with_second_factor > 0 {
            line(&format!("{with_second_factor} of the new users have a second factor."));
        }
        if lost_factors > 0 {
            line(&format!(
                "{lost_factors} of the new users have lost second factors that cannot be taken over."
            ));
        }
        if demoted > 0 {
            line(&format!(
                "{demoted} of the new users were staff. With --with-staff, they stay so."
            ));
        }
        if !finds_all {
            line("The input is so long that not all duplicates in it were looked for.");
        }
        let folder = folder.display();
        let note = if rejected > 0 {
            format!("{folder}/rejects.jsonl has the records that were refused.")
        } else {
            format!("The folder of the run is {folder}.")
        };
        let code = if rejected > 0 { 2 } else { 0 };
        Done { output: document(place, &json, text), note: Some(note), code }
    }
}

async fn undo(
    place: &Place,
    folder: &Path,
    wcu: Option<NonZeroU32>,
    by: &OperatorName,
) -> Result<Done, Failure> {
    let run = PastRun::open(folder)?;
    let connection = Connection::connect(place, false).await?;
    let import = connection.accounts.import(&by.operator, &run.id, false)?;
    let speed = Pace::new(wcu, place.table.is_some(), connection.meter.clone());
    let result = Box::pin(undo::undo(&import, &run, &speed)).await;
    connection.close().await;
    let undo::Counts { removed, used, changed } = result?;
    let kept = used + changed;
    let json = json!({
        "operation": "undo_import",
        "removed": removed,
        "kept": kept,
        "kept_used": used,
        "kept_changed": changed,
    });
    let text = format!(
        "{removed} users are deleted for good. {kept} were kept: {used} have logged in, and the accounts \
         of {changed} have changed."
    );
    let note = format!("{}/kept.jsonl has the users who were kept.", folder.display());
    Ok(Done {
        output: document(place, &json, text),
        note: Some(note).filter(|_| kept > 0),
        ..Done::default()
    })
}
