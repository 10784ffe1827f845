//! The command line: names and arguments.

use std::net::IpAddr;

use accounts::model::{EventId, Role, SessionId};
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand};
use jiff::Timestamp;

use crate::breached::Build;

const ENVIRONMENT: &str = "\
environment variables, with their defaults:
  HOST=127.0.0.1      the address to listen on
  PORT=3000           the port to listen on; 0 takes a free one
  AWS_PORT=4566       the port of the embedded AWS; 0 takes a free one
  DATA_DIR=.latchkey  the folder of the data; `:memory:` keeps nothing
  LOG_LEVEL=info      error, warn, info or debug; the commands log nothing by default
The README lists all other settings, such as SITE_NAME and ACCESS_TOKEN_LIFETIME.
docs/admin.md explains the commands for users.";

/// Without a command, starts Latchkey on this machine with a database, a mail service and a file store of its own, and
/// stops at Ctrl-C. From the sources: cargo run [-- COMMAND]
#[derive(Debug, Parser)]
#[command(
    name = "latchkey",
    version,
    after_help = ENVIRONMENT,
    help_template = "usage: {usage}\n\n{about-with-newline}\n{all-args}{after-help}"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the value of `HASURA_GRAPHQL_JWT_SECRET` for a Hasura
    HasuraJwtSecret,
    /// The filter of breached passwords
    #[command(subcommand)]
    BreachedPasswords(BreachedPasswords),
    /// Create the first superuser; the password comes from a prompt, or is a line of the standard input
    CreateSuperuser(CreateSuperuser),
    /// See and change users
    Users(Users),
    /// Locks of networks
    Networks(Networks),
    /// Import the users of another system, or undo an import
    Import(super::import::Import),
    /// Write all users into a file, with the hashes of their passwords
    Export(super::export::Export),
    /// Print the version
    Version,
}

/// What to do with breached passwords.
#[derive(Debug, Subcommand)]
pub enum BreachedPasswords {
    /// Make the file for `BREACHED_PASSWORDS` of a list
    Build(Build),
}

/// Where the users are, and how to print them.
#[derive(Debug, Args)]
pub struct Place {
    /// A table in AWS, in place of the data folder `DATA_DIR`
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) table: Option<String>,
    /// The endpoint URL of the table, if the table is not in AWS
    #[arg(long, global = true, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(super) endpoint_url: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Who does it.
#[derive(Debug, Args)]
pub struct OperatorName {
    /// Your name, for the audit trail
    #[arg(long = "as", value_name = "OPERATOR", value_parser = NonEmptyStringValueParser::new())]
    pub(super) operator: String,
}

/// `create-superuser`.
#[derive(Debug, Args)]
pub struct CreateSuperuser {
    #[arg(long, value_name = "NAME")]
    pub(super) username: String,
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: String,
    /// Your name, for the audit trail
    #[arg(
        long = "as",
        value_name = "OPERATOR",
        default_value = super::UNNAMED,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) operator: String,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `users`.
#[derive(Debug, Args)]
pub struct Users {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(subcommand)]
    pub(super) verb: UserVerb,
}

/// What to do with users. WHO is an id, an address, a name or a legacy id.
#[derive(Debug, Subcommand)]
pub(super) enum UserVerb {
    /// List users, oldest first
    #[command(group = ArgGroup::new("state"))]
    List {
        /// Only those whose usernames begin with P
        #[arg(long, value_name = "P")]
        prefix: Option<String>,
        /// Only those who are banned, or have deactivated their accounts
        #[arg(long, group = "state")]
        inactive: bool,
        /// Only those whose address is not proven
        #[arg(long, group = "state")]
        unverified: bool,
        /// Only those who have archived their accounts
        #[arg(long, group = "state")]
        archived: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100))]
        limit: i64,
        /// The page after that cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show a user with sessions, mails of the week and locks
    Show {
        /// An id, an address, a username or a legacy id
        who: String,
    },
    /// Show the audit trail of a user, newest event first; for a deleted user, WHO is the id
    Trail {
        /// An id, an address, a username or a legacy id
        who: String,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
        /// The events before that one
        #[arg(long, value_name = "ID")]
        before: Option<EventId>,
    },
    /// Print the personal data of a user, as JSON for the user: no hash, and nothing about staff
    Export {
        /// An id, an address, a username or a legacy id
        who: String,
        #[command(flatten)]
        by: OperatorName,
    },
    /// Create an account without a password and mail a link that sets one
    Invite {
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// The username; made from the address by default
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
        #[command(flatten)]
        by: OperatorName,
    },
    #[command(flatten)]
    Change(Change),
}

/// The user and the operator of a change.
#[derive(Debug, Args)]
pub(super) struct ChangeArguments {
    /// An id, an address, a username or a legacy id
    pub(super) who: String,
    #[command(flatten)]
    pub(super) by: OperatorName,
}

/// A change of one user.
#[derive(Debug, Subcommand)]
pub(super) enum Change {
    /// Ban a user and end all sessions
    Ban {
        #[command(flatten)]
        arguments: ChangeArguments,
        /// Why, for staff
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When the ban ends by itself, such as 2027-01-31T12:00:00Z
        #[arg(long, value_name = "RFC3339")]
        until: Option<Timestamp>,
    },
    /// Lift a ban
    Unban {
        #[command(flatten)]
        arguments: ChangeArguments,
        /// Why, for staff
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Make the address count as proven
    Verify {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Give a user another role and end all sessions
    SetRole {
        #[command(flatten)]
        arguments: ChangeArguments,
        #[arg(value_parser = roles())]
        role: Role,
    },
    /// End all sessions, or one
    EndSessions {
        #[command(flatten)]
        arguments: ChangeArguments,
        /// Only that session
        #[arg(long, value_name = "ID")]
        session: Option<SessionId>,
    },
    /// Make the password useless, end all sessions and mail a reset link
    ExpirePassword {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Mail a link that sets a new password
    SendReset {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Mail the activation link again
    SendActivation {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Let mail go to a user again after a bounce or a complaint
    ClearEmailStatus {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Lift the locks of an account
    Unlock {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Let the second factors of a user end in three days, and mail that to the user
    RemoveSecondFactor {
        #[command(flatten)]
        arguments: ChangeArguments,
        /// At once: only if you are certain who asks
        #[arg(long)]
        now: bool,
        /// Why, for staff
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Withdraw `remove-second-factor`
    KeepSecondFactor {
        #[command(flatten)]
        arguments: ChangeArguments,
    },
    /// Delete a user for good; without --yes, only list what would be deleted
    Delete {
        #[command(flatten)]
        arguments: ChangeArguments,
        /// Really delete
        #[arg(long)]
        yes: bool,
        /// Why, for staff
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
}

impl Change {
    /// The user and the operator of the change.
    pub(super) fn arguments(&self) -> &ChangeArguments {
        match self {
            Self::Ban { arguments, .. }
            | Self::Unban { arguments, .. }
            | Self::Verify { arguments }
            | Self::SetRole { arguments, .. }
            | Self::EndSessions { arguments, .. }
            | Self::ExpirePassword { arguments }
            | Self::SendReset { arguments }
            | Self::SendActivation { arguments }
            | Self::ClearEmailStatus { arguments }
            | Self::Unlock { arguments }
            | Self::RemoveSecondFactor { arguments, .. }
            | Self::KeepSecondFactor { arguments }
            | Self::Delete { arguments, .. } => arguments,
        }
    }
}

/// `networks`.
#[derive(Debug, Args)]
pub struct Networks {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(subcommand)]
    pub(super) verb: NetworkVerb,
}

/// What to do with networks.
#[derive(Debug, Subcommand)]
pub(super) enum NetworkVerb {
    /// Show the locks of the network of an IP address
    Show { ip: IpAddr },
    /// Lift them
    Unlock {
        ip: IpAddr,
        #[command(flatten)]
        by: OperatorName,
    },
}

fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::name))
        .try_map(|name| Role::named(&name).ok_or("no role"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Each command that changes something: the trail has the name of the operator.
    #[test]
    fn no_change_goes_without_the_name_of_the_operator() {
        let reads = ["list", "show", "trail", "help"];
        let mut all = Cli::command();
        all.build();
        for group in ["users", "networks"] {
            let group = all.find_subcommand(group).unwrap();
            for verb in group.get_subcommands().filter(|it| !reads.contains(&it.get_name())) {
                let name = verb.get_arguments().find(|it| it.get_long() == Some("as"));
                assert!(name.is_some_and(clap::Arg::is_required_set), "{}", verb.get_name());
            }
        }
    }
}
