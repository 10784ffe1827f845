//! The changes of a user: for each, a page that explains the effect, and its form.

use accounts::error::{AuthError, Field, Violation, Violations};
use accounts::model::{PlainPassword, Role, SessionId, User, UserId};
use accounts::operations::Caller;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use minijinja::context;

use super::users::user as shown_user;
use super::{ConsolePages, Staff, Target, faults};
use crate::pages::sent::Sent;
use crate::pages::visit::parameter;

/// A change, by its name in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Ban,
    LiftBan,
    SetRole,
    Verify,
    EndSession,
    EndSessions,
    ExpirePassword,
    SendActivation,
    SendReset,
    ClearEmailStatus,
    LiftLocks,
    RemoveSecondFactor,
    KeepSecondFactor,
    Delete,
}

impl Change {
    const ALL: [Self; 14] = [
        Self::Ban,
        Self::LiftBan,
        Self::SetRole,
        Self::Verify,
        Self::EndSession,
        Self::EndSessions,
        Self::ExpirePassword,
        Self::SendActivation,
        Self::SendReset,
        Self::ClearEmailStatus,
        Self::LiftLocks,
        Self::RemoveSecondFactor,
        Self::KeepSecondFactor,
        Self::Delete,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::LiftBan => "lift-ban",
            Self::SetRole => "set-role",
            Self::Verify => "verify",
            Self::EndSession => "end-session",
            Self::EndSessions => "end-sessions",
            Self::ExpirePassword => "expire-password",
            Self::SendActivation => "send-activation",
            Self::SendReset => "send-reset",
            Self::ClearEmailStatus => "clear-email-status",
            Self::LiftLocks => "lift-locks",
            Self::RemoveSecondFactor => "remove-second-factor",
            Self::KeepSecondFactor => "keep-second-factor",
            Self::Delete => "delete",
        }
    }

    /// Whether it needs the password or a recent log-in. A member of staff with a second factor proves this factor
    /// instead.
    fn is_grave(self) -> bool {
        matches!(self, Self::SetRole | Self::RemoveSecondFactor | Self::Delete)
    }
}

/// The fields of the forms of all changes.
#[derive(Default)]
struct Given {
    reason: String,
    until: String,
    role: String,
    session: String,
    /// The username, typed again before a deletion.
    name: String,
    password: String,
}

impl From<&Sent<ConsolePages>> for Given {
    fn from(sent: &Sent<ConsolePages>) -> Self {
        let field = |name| sent.field(name).to_owned();
        Self {
            reason: field("reason"),
            until: field("until"),
            role: field("role"),
            session: field("session"),
            name: field("name"),
            password: field("password"),
        }
    }
}

/// The page that explains the effect of a change.
pub(super) async fn ask(
    staff: Staff,
    Target(path): Target<(UserId, String)>,
    request: Parts,
) -> Response {
    let session = parameter(&request, "session").unwrap_or_default();
    match found(&staff, path).await {
        Ok((change, user)) => {
            let given = Given { session, ..Given::default() };
            form(&staff, change, &user, &given, None, StatusCode::OK)
        }
        Err(error) => staff.refused(&error),
    }
}

/// Makes the change.
pub(super) async fn act(
    Target(path): Target<(UserId, String)>,
    sent: Sent<ConsolePages>,
) -> Response {
    let (staff, given) = (&sent.visitor, Given::from(&sent));
    let (change, user) = match found(staff, path).await {
        Ok(found) => found,
        Err(error) => return staff.refused(&error),
    };
    match make(staff, change, &user, &given).await {
        Ok(()) if change == Change::Delete => {
            staff.redirect(&format!("/users/{}/trail?done=delete", user.id))
        }
        Ok(()) => staff.redirect(&format!("/users/{}?done={}", user.id, change.name())),
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        // Only the forms of changes that need a proof have a place for this error.
        Err(error @ AuthError::Throttled { .. }) if !change.is_grave() => staff.refused(&error),
        Err(
            error @ (AuthError::Invalid(_)
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::Throttled { .. }),
        ) => form(staff, change, &user, &given, Some(&error), StatusCode::BAD_REQUEST),
        Err(error) => staff.refused(&error),
    }
}

async fn found(staff: &Staff, path: Option<(UserId, String)>) -> Result<(Change, User), AuthError> {
    let (id, name) = path.ok_or(AuthError::NotFound)?;
    let change = Change::ALL.into_iter().find(|change| change.name() == name);
    let change = change.ok_or(AuthError::NotFound)?;
    Ok((change, staff.admin()?.user(id).await?))
}

async fn make(staff: &Staff, change: Change, user: &User, given: &Given) -> Result<(), AuthError> {
    let admin = staff.admin()?;
    let password = || {
        let typed = given.password.as_str();
        (!typed.is_empty()).then(|| PlainPassword::new(typed.to_owned()))
    };
    let id = user.id;
    match change {
        Change::Ban => admin.ban(id, &given.reason, until(&given.until)?).await,
        Change::LiftBan => admin.lift_ban(id, &given.reason).await,
        Change::SetRole => {
            let role = Role::named(&given.role).ok_or(AuthError::NotFound)?;
            admin.set_role(id, role, password()).await
        }
        Change::Verify => admin.verify(id).await,
        Change::EndSession => {
            let session: Result<SessionId, _> = given.session.parse();
            admin.end_session(id, session.map_err(|_| AuthError::NotFound)?).await
        }
        Change::EndSessions => admin.end_sessions(id).await,
        Change::ExpirePassword => admin.expire_password(id).await,
        Change::SendActivation => admin.send_activation(id).await,
        Change::SendReset => admin.send_reset(id).await,
        Change::ClearEmailStatus => admin.clear_email_status(id).await,
        Change::LiftLocks => admin.lift_locks(id).await,
        Change::RemoveSecondFactor => {
            admin.remove_second_factor(id, &given.reason, false, password()).await
        }
        Change::KeepSecondFactor => admin.keep_second_factor(id).await,
        Change::Delete if given.name.trim() != user.username => {
            Err(Violations::of(Field::Username, [Violation::Required]).into())
        }
        Change::Delete => admin.delete(id, &given.reason, password()).await,
    }
}

/// The end of a ban, in UTC, as an `<input type="datetime-local">` sends it.
fn until(typed: &str) -> Result<Option<Timestamp>, AuthError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let moment = typed.parse::<DateTime>().and_then(|moment| moment.to_zoned(TimeZone::UTC));
    let refused = || Violations::of(Field::Until, [Violation::NotInFuture]);
    Ok(Some(moment.map_err(|_| refused())?.timestamp()))
}

fn form(
    staff: &Staff,
    change: Change,
    user: &User,
    given: &Given,
    error: Option<&AuthError>,
    status: StatusCode,
) -> Response {
    let Caller { user: own, session } = &staff.caller;
    // A separate page takes the proof of a second factor.
    let needs_none = own.has_second_factor || session.is_recent(own, staff.site().accounts.now());
    let password_error = match error {
        Some(AuthError::InvalidPassword) => Some("console_password_wrong"),
        Some(AuthError::ReauthenticationRequired) => Some("console_password_missing"),
        Some(AuthError::Throttled { .. }) => Some("console_password_throttled"),
        _ => None,
    };
    let faults = faults(error);
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
    let shown = context! {
        user => shown_user(user),
        change => change.name(),
        about => change.name().replace('-', "_"),
        asks_password => change.is_grave() && (!needs_none || password_error.is_some()),
        password_error,
        reason => &given.reason,
        until => &given.until,
        role => if given.role.is_empty() { user.role.name() } else { given.role.as_str() },
        session => &given.session,
        name_typed => &given.name,
        roles,
        is_wrong => error.is_some(),
        ..faults
    };
    staff.page(status, "console_act.html", shown)
}
