//! `import undo`: deletes the users that a run created. It keeps users who have logged in or changed since then.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;

use accounts::model::UserId;
use accounts::operations::{Import, Undone};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::folder::PastRun;
use super::pace::{Pace, patiently};
use crate::command::Failure;

/// How many are deleted at the same time.
const AT_ONCE: usize = 16;

/// The counts of the users.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) removed: u64,
    pub(super) used: u64,
    pub(super) changed: u64,
}

/// Undoes a run. It can be interrupted, and started again.
pub(super) async fn undo(import: &Import, run: &PastRun, pace: &Pace) -> Result<Counts, Failure> {
    let mut kept = run.create_kept_file()?;
    // A run that was interrupted has some users twice.
    let mut seen = HashSet::new();
    let mut failed = None;
    let users = run.users()?.filter_map(|user| match user {
        Ok(user) => seen.insert(user).then_some(user),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let mut counts = Counts::default();
    let mut undone = stream::iter(users)
        .map(|user| async move {
            let undone = patiently(|| async {
                pace.turn().await;
                let undone = import.undo(user).await;
                pace.ended(&undone);
                undone
            });
            Ok::<_, Failure>((user, undone.await?))
        })
        .buffer_unordered(AT_ONCE);
    while let Some((user, undone)) = undone.try_next().await? {
        match undone {
            Undone::Removed => counts.removed += 1,
            Undone::Used => {
                counts.used += 1;
                keep(&mut kept, user, "logged_in")?;
            }
            Undone::Changed => {
                counts.changed += 1;
                keep(&mut kept, user, "changed")?;
            }
            Undone::NotOurs => {}
        }
    }
    drop(undone);
    failed.map_or(Ok(counts), |error| Err(Failure::Failed(error.to_string())))
}

fn keep(kept: &mut File, user: UserId, why: &str) -> Result<(), Failure> {
    let line = json!({ "user_id": user, "why": why });
    writeln!(kept, "{line}").map_err(|error| Failure::Failed(error.to_string()))
}
