//! The commands for users: for scripts, and when the console is out of reach.
//!
//! They use the same operations as staff, in the name of an operator, so that each change is in the audit trail.

mod arguments;
pub mod export;
mod failure;
pub mod import;
mod password;
mod reach;
mod show;

use accounts::AuthError;
use accounts::model::User;
use accounts::operations::staff::{Invitation, Superuser};
use accounts::operations::{Admin, UserFilter, Window};
use serde_json::{Value, json};

pub use arguments::{
    BreachedPasswords, Cli, Command, CreateSuperuser, Networks, OperatorName, Place, Users,
};
use arguments::{Change, NetworkVerb, UserVerb};
pub use export::Export;
pub use failure::Failure;
pub use import::Import;
use reach::{Connection, MailSender};

/// The name of an operator who gives none.
const UNNAMED: &str = "unnamed";

/// The result of a command.
#[derive(Debug, Default)]
pub struct Done {
    /// For the standard output.
    pub output: String,
    /// A note for a person. It goes to the standard error output, so that scripts read the result alone.
    pub note: Option<String>,
    /// The exit code, for scripts.
    pub code: u8,
}

/// Creates a superuser.
///
/// # Errors
/// If that is refused or fails.
pub async fn create_superuser(command: CreateSuperuser) -> Result<Done, Failure> {
    let CreateSuperuser { username, email, operator, place } = command;
    // The prompt comes before the lock of the data folder, because a person needs time to answer it.
    let password = password::read()?;
    let connection = Connection::connect(&place, true).await?;
    let names = (&*username, &*email);
    let result = connection.accounts.create_superuser(names, password, &operator).await;
    connection.close().await;
    let (id, is_new, text) = match result? {
        Superuser::Created(id) => {
            (id, true, format!("{email} is a superuser now. The id is {id}."))
        }
        Superuser::Exists(id) => (
            id,
            false,
            format!("{email} is a superuser already. Nothing was changed. The id is {id}."),
        ),
        Superuser::IsNone(id) => {
            let text = format!(
                "The account of {email} is no superuser. Nothing was changed. This makes it one: \
                 latchkey users set-role {id} superuser --as OPERATOR"
            );
            return Err(Failure::Refused { code: "unique", text });
        }
    };
    let json = json!({ "operation": "create_superuser", "user_id": id, "is_new": is_new });
    Ok(Done { output: document(&place, &json, text), ..Done::default() })
}

/// Shows or changes users.
///
/// # Errors
/// If that is refused or fails.
pub async fn users(command: Users) -> Result<Done, Failure> {
    let Users { place, verb } = command;
    let connection = Connection::connect(&place, false).await?;
    let done = Box::pin(run_user_verb(&connection, &place, verb)).await;
    connection.close().await;
    done
}

/// Shows or lifts the locks of networks.
///
/// # Errors
/// If that is refused or fails.
pub async fn networks(command: Networks) -> Result<Done, Failure> {
    let Networks { place, verb } = command;
    let connection = Connection::connect(&place, false).await?;
    let done = run_network_verb(&connection, &place, verb).await;
    connection.close().await;
    done
}

async fn run_network_verb(
    connection: &Connection,
    place: &Place,
    verb: NetworkVerb,
) -> Result<Done, Failure> {
    let output = match verb {
        NetworkVerb::Show { ip } => {
            let locks = connection.accounts.operator(UNNAMED)?.network(ip).await?;
            let json = json!({ "ip": ip, "locks": show::network_json(&locks) });
            document(place, &json, show::network_text(&locks))
        }
        NetworkVerb::Unlock { ip, by } => {
            connection.accounts.operator(&by.operator)?.lift_network(ip).await?;
            let json = json!({ "operation": "lift_network", "ip": ip });
            document(place, &json, format!("The locks of the network of {ip} are lifted."))
        }
    };
    Ok(Done { output, ..Done::default() })
}

async fn run_user_verb(
    connection: &Connection,
    place: &Place,
    verb: UserVerb,
) -> Result<Done, Failure> {
    let reader = connection.accounts.operator(UNNAMED)?;
    match verb {
        UserVerb::List { prefix, inactive, unverified, archived, limit, after } => {
            let filter = UserFilter {
                username_starts_with: prefix,
                is_active: inactive.then_some(false),
                is_verified: unverified.then_some(false),
                is_archived: archived.then_some(true),
                ..UserFilter::default()
            };
            let window = Window { first: Some(limit), after, ..Window::default() };
            list(&reader, place, filter, window).await
        }
        UserVerb::Show { who } => {
            let user = reader.find(&who).await?;
            let (sessions, mails, locks) = tokio::try_join!(
                reader.sessions(&user),
                reader.mails(user.id),
                reader.locks(&user)
            )?;
            let (sessions, mails, locks) = (&*sessions, &*mails, &*locks);
            let all = show::Details { user: &user, sessions, mails, locks };
            Ok(Done { output: document(place, &all.json(), all.text()), ..Done::default() })
        }
        UserVerb::Trail { who, limit, before } => {
            // A deleted user has a trail, too.
            let id = match who.trim().parse() {
                Ok(id) => id,
                Err(_) => reader.find(&who).await?.id,
            };
            let page = reader.trail(id, before, limit.into()).await?;
            let json = json!({ "user_id": id, "events": page.events, "next": page.next });
            let events = page.events.iter().map(|event| show::event_text(event) + "\n");
            let note = page.next.map(|next| format!("There are older events: add --before {next}"));
            Ok(Done { output: document(place, &json, events.collect()), note, ..Done::default() })
        }
        UserVerb::Export { who, by } => {
            let admin = connection.accounts.operator(&by.operator)?;
            let user = admin.find(&who).await?;
            let data = admin.export_user(user.id).await?;
            let json = serde_json::to_string_pretty(&data);
            let json = json.map_err(|error| Failure::Failed(error.to_string()))?;
            Ok(Done { output: json + "\n", ..Done::default() })
        }
        UserVerb::Invite { email, username, by } => {
            let admin = connection.accounts.operator(&by.operator)?;
            let user = admin.invite(Invitation { email, username }).await?;
            let output = changed(place, "invite", &user, "invited.");
            Ok(Done { output, note: Some(connection.mail_note()), ..Done::default() })
        }
        UserVerb::Change(change) => change_user(connection, place, change).await,
    }
}

async fn change_user(
    connection: &Connection,
    place: &Place,
    change: Change,
) -> Result<Done, Failure> {
    let arguments = change.arguments();
    let admin = connection.accounts.operator(&arguments.by.operator)?;
    let user = admin.find(&arguments.who).await?;
    let mut note = None;
    let mut mails = || note = Some(connection.mail_note());
    let (operation, text) = match change {
        Change::Ban { reason, until, .. } => {
            admin.ban(user.id, &reason, until).await?;
            let until = until.map_or_else(String::new, |until| format!(" until {until}"));
            ("ban", format!("banned{until}, all sessions ended."))
        }
        Change::Unban { reason, .. } => {
            admin.lift_ban(user.id, &reason).await?;
            ("lift_ban", "the ban is lifted. The user can log in again.".to_owned())
        }
        Change::Verify { .. } => {
            admin.verify(user.id).await?;
            ("verify", "the address counts as proven.".to_owned())
        }
        Change::SetRole { role, .. } => {
            admin.set_role(user.id, role, None).await?;
            ("set_role", format!("the role is {role}, all sessions ended."))
        }
        Change::EndSessions { session: None, .. } => {
            admin.end_sessions(user.id).await?;
            ("end_sessions", "all sessions ended.".to_owned())
        }
        Change::EndSessions { session: Some(session), .. } => {
            let ended = admin.end_session(user.id, session).await;
            if matches!(ended, Err(AuthError::NotFound)) {
                return Err(Failure::NotFound("such session".to_owned()));
            }
            ended?;
            ("end_session", "the session ended.".to_owned())
        }
        Change::ExpirePassword { .. } => {
            admin.expire_password(user.id).await?;
            mails();
            ("expire_password", "the password is useless, all sessions ended.".to_owned())
        }
        Change::SendReset { .. } => {
            admin.send_reset(user.id).await?;
            mails();
            ("send_reset", "a link is mailed.".to_owned())
        }
        Change::SendActivation { .. } => {
            admin.send_activation(user.id).await?;
            mails();
            ("send_activation", "a link is mailed.".to_owned())
        }
        Change::ClearEmailStatus { .. } => {
            admin.clear_email_status(user.id).await?;
            ("clear_email_status", "mail goes to the addresses again.".to_owned())
        }
        Change::Unlock { .. } => {
            admin.lift_locks(user.id).await?;
            ("lift_locks", "the locks are lifted.".to_owned())
        }
        Change::RemoveSecondFactor { now, reason, .. } => {
            admin.remove_second_factor(user.id, &reason, now, None).await?;
            mails();
            let end = if now { "have ended." } else { "end in three days." };
            ("remove_second_factor", format!("the second factors {end}"))
        }
        Change::KeepSecondFactor { .. } => {
            admin.keep_second_factor(user.id).await?;
            ("keep_second_factor", "the second factors stay.".to_owned())
        }
        Change::Delete { yes: false, .. } => return preview(&admin, place, &user).await,
        Change::Delete { yes: true, reason, .. } => {
            if user.profile_picture.is_some() && !connection.has_bucket {
                let problem = "the user has a picture: set PICTURES_BUCKET to its bucket, \
                               or the picture would stay";
                return Err(Failure::Usage(problem.to_owned()));
            }
            admin.delete(user.id, &reason, None).await?;
            ("delete", "deleted for good.".to_owned())
        }
    };
    Ok(Done { output: changed(place, operation, &user, &text), note, ..Done::default() })
}

/// The result of a change of that user.
fn changed(place: &Place, operation: &str, user: &User, text: &str) -> String {
    let json = json!({ "operation": operation, "user_id": user.id });
    document(place, &json, format!("{} ({}): {text}", user.username, user.id))
}

async fn list(
    admin: &Admin<'_>,
    place: &Place,
    filter: UserFilter,
    window: Window,
) -> Result<Done, Failure> {
    let page = admin.users(filter, window).await?;
    let line = |user: &User| {
        let line =
            if place.json { show::user_json(user).to_string() } else { show::user_line(user) };
        line + "\n"
    };
    let next = page.end.filter(|_| page.has_next);
    Ok(Done {
        output: page.rows.iter().map(|row| line(&row.user)).collect(),
        note: next.map(|next| format!("There may be more users: add --after {next}")),
        ..Done::default()
    })
}

/// What a deletion would delete.
async fn preview(admin: &Admin<'_>, place: &Place, user: &User) -> Result<Done, Failure> {
    let (sessions, mails) = tokio::try_join!(admin.sessions(user), admin.mails(user.id))?;
    let (sessions, mails) = (sessions.len(), mails.len());
    let json = json!({
        "operation": "delete",
        "is_done": false,
        "user_id": user.id,
        "username": user.username,
        "email": user.email,
        "secondary_email": user.secondary_email,
        "sessions": sessions,
        "mails": mails,
        "has_picture": user.profile_picture.is_some(),
    });
    let emails = [Some(&user.email), user.secondary_email.as_ref()];
    let emails: Vec<&str> = emails.into_iter().flatten().map(String::as_str).collect();
    let picture = if user.profile_picture.is_some() { "the picture, " } else { "" };
    let text = format!(
        "Nothing was changed. With --yes, these are deleted for good: the account {} ({}) with {}, \
         {picture}{sessions} sessions and {mails} mails. The audit trail stays, with the id.",
        user.username,
        user.id,
        emails.join(" and "),
    );
    Ok(Done { output: document(place, &json, text), ..Done::default() })
}

/// The result, as JSON or as text.
fn document(place: &Place, json: &Value, text: String) -> String {
    let mut output = if place.json { json.to_string() } else { text };
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    output
}

impl Connection {
    /// Who sends the mail of a command.
    fn mail_note(&self) -> String {
        let note = match self.sender {
            MailSender::Server => "The server that runs sends the mail.",
            MailSender::NextServer => "The server sends the mail when it runs next.",
            MailSender::Function => "The function email-event sends the mail.",
        };
        note.to_owned()
    }
}
