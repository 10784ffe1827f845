//! The arguments of `import`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::source::{Format, SourceOptions};
use crate::command::arguments::{OperatorName, Place};

/// `import`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Import {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) start: Start,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// An import to start or to continue. With a verb, the required options are missing.
#[derive(Debug, Args)]
pub(super) struct Start {
    /// The users
    #[arg(required = true)]
    pub(super) file: Option<PathBuf>,
    /// The format of the file
    #[arg(long, value_enum, required = true)]
    pub(super) from: Option<Format>,
    /// Validate each record against the table, and write nothing to the table
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The folder of the run; FILE.import by default, FILE.dry-run for a dry run
    #[arg(long, value_name = "FOLDER")]
    pub(super) run: Option<PathBuf>,
    /// The write capacity to use, in units a second; 1000 by default with --table, no limit without
    #[arg(long, value_name = "N")]
    pub(super) wcu: Option<NonZeroU32>,
    /// Import the roles staff and superuser, too; without it, all become users
    #[arg(long)]
    pub(super) with_staff: bool,
    #[command(flatten)]
    pub(super) source: SourceOptions,
    /// Your name, for the audit trail
    #[arg(
        long = "as",
        value_name = "OPERATOR",
        required = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) operator: Option<String>,
}

/// Another action on a run.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Delete the users that a run created; keep those who have logged in, or whose accounts have changed, since then
    Undo {
        /// The folder of the run
        #[arg(long, value_name = "FOLDER")]
        run: PathBuf,
        /// The write capacity to use, in units a second; 1000 by default with --table, no limit without
        #[arg(long, value_name = "N")]
        wcu: Option<NonZeroU32>,
        #[command(flatten)]
        by: OperatorName,
    },
}
