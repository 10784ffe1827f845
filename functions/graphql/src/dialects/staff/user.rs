//! The types of users, as staff see them. None has a password hash, a link or a code.

use std::sync::atomic::{AtomicUsize, Ordering};

use accounts::model::{Ban, EmailStatus, Mail, MailState, Role, Session, User};
use accounts::operations::staff::{AccountLock, NetworkLock};
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use jiff::Timestamp;

use super::trail::StaffTrail;
use super::{EVENTS, accounts, part, reader};
use crate::codes::Code;
use crate::graphql_error::{GraphQlError, Nullable};
use crate::scalars::DateTime;

/// How many lists of one user a document may ask for. Each alias of a list counts, and costs one or several reads.
const MAX_LISTS: usize = 10;

/// A user, as staff see the user in a list.
#[derive(Debug, SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the schema")]
pub(super) struct StaffUserRow {
    id: ID,
    /// The primary key in the system that the user was imported from; null for others.
    legacy_id: Option<String>,
    username: String,
    email: String,
    secondary_email: Option<String>,
    first_name: String,
    last_name: String,
    /// Whether the user has proven the address, or staff vouch for it.
    is_verified: bool,
    /// A banned or deleted user is not active.
    is_active: bool,
    /// Whether the user has put the account away.
    is_archived: bool,
    role: StaffRole,
    /// The present ban. A ban with an end ends by itself.
    ban: Option<StaffBan>,
    created_at: DateTime,
    email_status: StaffEmailStatus,
    /// Null without a second address.
    secondary_email_status: Option<StaffEmailStatus>,
    /// The kind of the last mail that could not be sent to the user, until one is sent.
    mail_not_sent: Option<String>,
    /// Whether an activation mail was ever sent.
    registration_sent: bool,
    /// Whether a mail with a password reset link was ever sent.
    reset_sent: bool,
    /// Whether a log-in of the user needs a second factor.
    has_second_factor: bool,
    /// When the second factors of the user end; null unless staff have removed them.
    second_factor_ends_at: Option<DateTime>,
}

impl From<&User> for StaffUserRow {
    fn from(user: &User) -> Self {
        let has_second = user.secondary_email.is_some();
        Self {
            id: ID(user.id.to_string()),
            legacy_id: user.legacy_id.clone(),
            username: user.username.clone(),
            email: user.email.clone(),
            secondary_email: user.secondary_email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            is_verified: user.is_verified,
            is_active: user.is_active,
            is_archived: user.is_archived,
            role: user.role.into(),
            ban: user.ban.as_ref().map(StaffBan::from),
            created_at: DateTime(user.created_at),
            email_status: user.email_status.into(),
            secondary_email_status: has_second.then(|| user.secondary_email_status.into()),
            mail_not_sent: user.mail_not_sent.clone(),
            registration_sent: user.registration_sent,
            reset_sent: user.reset_sent,
            has_second_factor: user.has_second_factor,
            second_factor_ends_at: user.second_factor_ends_at.and_then(at),
        }
    }
}

/// A user, as staff see the user. Each list is read only if the document asks for it.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct StaffUser {
    #[graphql(skip)]
    user: User,
    /// How many lists were read.
    #[graphql(skip)]
    lists: AtomicUsize,
    #[graphql(flatten)]
    row: StaffUserRow,
}

impl From<User> for StaffUser {
    fn from(user: User) -> Self {
        Self { row: StaffUserRow::from(&user), lists: AtomicUsize::new(0), user }
    }
}

impl StaffUser {
    fn count_list(&self) -> Result<(), GraphQlError> {
        if self.lists.fetch_add(1, Ordering::Relaxed) < MAX_LISTS {
            return Ok(());
        }
        let refused = format!("A document may ask for {MAX_LISTS} lists of one user.");
        Err(GraphQlError::new(Code::TOO_COMPLEX, refused))
    }
}

#[ComplexObject]
impl StaffUser {
    /// The newest log-in that the audit trail has, or that of an imported user before the import.
    async fn last_login(&self, ctx: &Context<'_>) -> Nullable<DateTime> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            let at = accounts(ctx).admin(&caller)?.last_log_in(&self.user).await?;
            Ok(at.map(DateTime))
        };
        read.await.transpose()
    }

    /// The live sessions, newest first, at most 100.
    async fn sessions(&self, ctx: &Context<'_>) -> Nullable<Vec<StaffSession>> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            let sessions = accounts(ctx).admin(&caller)?.sessions(&self.user).await?;
            Ok(sessions.into_iter().map(StaffSession::from).collect())
        };
        Some(read.await)
    }

    /// How many devices the user trusts: log-ins on them need no second factor. `staffEndSessions` ends all trusts.
    async fn trusted_devices(&self, ctx: &Context<'_>) -> Nullable<usize> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            Ok(accounts(ctx).admin(&caller)?.count_trusted_devices(&self.user).await?)
        };
        Some(read.await)
    }

    /// The mails of the last seven days, newest first, at most 50.
    async fn mails(&self, ctx: &Context<'_>) -> Nullable<Vec<StaffMail>> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            let mails = accounts(ctx).admin(&caller)?.mails(self.user.id).await?;
            Ok(mails.iter().map(|mail| StaffMail::new(mail, &self.user)).collect())
        };
        Some(read.await)
    }

    /// The locks of log-ins after wrong passwords.
    async fn locks(&self, ctx: &Context<'_>) -> Nullable<Vec<StaffLock>> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            let locks = accounts(ctx).admin(&caller)?.locks(&self.user).await?;
            Ok(locks.into_iter().map(StaffLock::from).collect())
        };
        Some(read.await)
    }

    /// The audit trail, newest event first, at most 100 events at a time.
    async fn trail(
        &self,
        ctx: &Context<'_>,
        before: Option<ID>,
        #[graphql(default_with = "EVENTS")] count: i32,
    ) -> Nullable<StaffTrail> {
        let read = async {
            self.count_list()?;
            let caller = reader(ctx).await?;
            let admin = accounts(ctx).admin(&caller)?;
            let (before, count) = part(before.as_ref(), count)?;
            Ok(admin.trail(self.user.id, before, count).await?.into())
        };
        Some(read.await)
    }
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum StaffRole {
    User,
    /// Staff act on users.
    Staff,
    /// Superusers act on all others, and give roles.
    Superuser,
}

impl From<Role> for StaffRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Staff => Self::Staff,
            Role::Superuser => Self::Superuser,
        }
    }
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::User => Self::User,
            StaffRole::Staff => Self::Staff,
            StaffRole::Superuser => Self::Superuser,
        }
    }
}

/// Whether mail to an address arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum StaffEmailStatus {
    /// As far as Latchkey knows.
    Ok,
    /// The other server says that the mailbox does not exist.
    Bounced,
    /// The recipient called a mail unwanted.
    Complained,
}

impl From<EmailStatus> for StaffEmailStatus {
    fn from(status: EmailStatus) -> Self {
        match status {
            EmailStatus::Ok => Self::Ok,
            EmailStatus::Bounced => Self::Bounced,
            EmailStatus::Complained => Self::Complained,
        }
    }
}

/// A ban.
#[derive(Debug, SimpleObject)]
struct StaffBan {
    /// May be empty. The user does not see it.
    reason: String,
    /// When it ends by itself; null if only staff lift it.
    until: Option<DateTime>,
    /// Since when.
    at: DateTime,
}

impl From<&Ban> for StaffBan {
    fn from(ban: &Ban) -> Self {
        let until = ban.ends_at.and_then(at);
        Self { reason: ban.reason.clone(), until, at: DateTime(ban.at) }
    }
}

/// A session of a user.
#[derive(Debug, SimpleObject)]
struct StaffSession {
    id: ID,
    created_at: DateTime,
    /// When its tokens were last refreshed.
    last_used_at: DateTime,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl From<Session> for StaffSession {
    fn from(session: Session) -> Self {
        Self {
            id: ID(session.id.to_string()),
            created_at: DateTime(session.created_at),
            last_used_at: DateTime(session.rotated_at),
            ip_address: session.ip,
            user_agent: session.user_agent,
        }
    }
}

/// A mail to a user, without its content.
#[derive(Debug, SimpleObject)]
struct StaffMail {
    /// `activation`, `password_reset`, `new_device` …
    kind: &'static str,
    state: StaffMailState,
    created_at: DateTime,
    /// The present address of the user that it went to; null for any other address.
    to: Option<String>,
}

impl StaffMail {
    fn new(mail: &Mail, user: &User) -> Self {
        let is_own = user.email_keys().any(|key| *key == mail.to_key);
        Self {
            kind: mail.kind.name(),
            state: mail.state.into(),
            created_at: DateTime(mail.created_at),
            to: is_own.then(|| mail.to.clone()),
        }
    }
}

/// The state of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum StaffMailState {
    /// Written, or waiting for another try.
    Due,
    /// Being sent.
    Sending,
    /// SES accepted it.
    Sent,
    /// Not sent, because it was too old, or because its address is rate limited or accepts no mail.
    Dropped,
    /// SES will never accept it.
    Refused,
    /// Every try to send it failed.
    Failed,
}

impl From<MailState> for StaffMailState {
    fn from(state: MailState) -> Self {
        match state {
            MailState::Due => Self::Due,
            MailState::Sending => Self::Sending,
            MailState::Sent => Self::Sent,
            MailState::Dropped => Self::Dropped,
            MailState::Refused => Self::Refused,
            MailState::Failed => Self::Failed,
        }
    }
}

/// A lock of log-ins, or of costly requests.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffLock {
    /// `account`, `ip`, `password_disabled` …
    rule: &'static str,
    /// When it ends; null for a password that is disabled until a reset.
    until: Option<DateTime>,
}

impl From<AccountLock> for StaffLock {
    fn from(lock: AccountLock) -> Self {
        Self { rule: lock.rule.name(), until: lock.until.and_then(at) }
    }
}

/// The network of an IP address.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffNetwork {
    locks: Vec<StaffLock>,
}

impl From<Vec<NetworkLock>> for StaffNetwork {
    fn from(locks: Vec<NetworkLock>) -> Self {
        let lock = |lock: NetworkLock| StaffLock { rule: lock.rule.name(), until: at(lock.until) };
        Self { locks: locks.into_iter().map(lock).collect() }
    }
}

/// A moment, from epoch seconds.
fn at(seconds: i64) -> Option<DateTime> {
    Timestamp::from_second(seconds).ok().map(DateTime)
}
