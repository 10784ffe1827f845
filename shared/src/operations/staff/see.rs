//! What staff see of users, and what users see of their own trail.

use futures::future::try_join_all;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Admin;
use crate::error::AuthError;
use crate::model::{
    Actor, AuditEvent, Email, EventId, EventKind, LegacyId, Mail, Session, Trail, TrailPage, User,
    UserId, Username,
};
use crate::operations::{Accounts, Caller, Page, UserFilter, Window};
use crate::store::{MOST_EVENTS, Subject, date};
use crate::telemetry::{note, operation};

/// How many mails of a user are shown at most.
const MOST_MAILS: i32 = 50;
/// Mails of this span are shown.
const MAILS_OF: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The days of an overview.
const DAYS: i32 = 7;
/// Up to this many events of a day are counted.
pub const MOST_COUNTED: u32 = 1_000;
/// How many items of each part of the index are read for the number of mails that wait.
const MOST_WAITING: i32 = 100;

/// The state of the mails to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMails {
    /// Whether an activation mail was ever sent.
    pub registration_sent: bool,
    /// Whether a mail with a password reset link was ever sent.
    pub reset_sent: bool,
    /// The kind of the last mail that could not be sent, until one is sent.
    pub not_sent: Option<String>,
}

/// What happened lately, for the first page of staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// The last days, today last. UTC.
    pub days: Vec<Day>,
    /// How many mails are written, and neither sent nor given up.
    pub waiting_mails: usize,
}

/// The numbers of a day. Each is exact up to [`MOST_COUNTED`], which stands for all higher numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Which day.
    pub date: Date,
    /// Sign-ups.
    pub sign_ups: u32,
    /// Log-ins.
    pub log_ins: u32,
    /// Series of wrong passwords.
    pub failures: u32,
    /// Locks of accounts and of networks.
    pub locks: u32,
    /// Mails that could not be sent, or bounced.
    pub failed_mails: u32,
}

/// A part of a user's own trail.
pub type Activity = TrailPage;

impl Admin<'_> {
    /// A page of all users, as [`Accounts::list_users`].
    ///
    /// # Errors
    /// [`AuthError::BadPage`], [`AuthError::Unavailable`].
    pub async fn users(&self, filter: UserFilter, window: Window) -> Result<Page, AuthError> {
        operation!(self.accounts.clock, "users", async {
            note("by", self.actor());
            self.accounts.list_all(filter, window).await
        })
    }

    /// The user with that id, address, name or legacy id, exactly, in this order. An address may be a second one.
    /// `legacy:42` is only the legacy id.
    ///
    /// # Errors
    /// [`AuthError::NotFound`], also for a text that is none of these; [`AuthError::Unavailable`].
    pub async fn find(&self, text: &str) -> Result<User, AuthError> {
        operation!(self.accounts.clock, "find", async {
            note("by", self.actor());
            let text = text.trim();
            if let Ok(id) = text.parse::<UserId>() {
                return self.target(id).await;
            }
            let store = &self.accounts.store;
            let email = Email::parse(text).ok().map(Subject::Email);
            let name = Username::parse(text).ok().map(Subject::Username);
            let prefixed = text.strip_prefix("legacy:");
            let legacy_id = LegacyId::parse(prefixed.unwrap_or(text)).map(Subject::LegacyId);
            for subject in [email, name, legacy_id].into_iter().flatten() {
                if let Some(id) = store.find_user(&subject).await?
                    && let Some(user) = store.user(id).await?
                {
                    note("user", user.id);
                    return Ok(user);
                }
            }
            Err(AuthError::NotFound)
        })
    }

    /// The user of that id.
    ///
    /// # Errors
    /// [`AuthError::NotFound`], [`AuthError::Unavailable`].
    pub async fn user(&self, id: UserId) -> Result<User, AuthError> {
        operation!(self.accounts.clock, "user", async {
            self.note(id);
            self.target(id).await
        })
    }

    /// The state of the mails to a user.
    pub fn sent_mails(&self, user: &User) -> SentMails {
        let User { registration_sent, reset_sent, mail_not_sent, .. } = user;
        SentMails {
            registration_sent: *registration_sent,
            reset_sent: *reset_sent,
            not_sent: mail_not_sent.clone(),
        }
    }

    /// The live sessions of a user, newest first, at most 100.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn sessions(&self, user: &User) -> Result<Vec<Session>, AuthError> {
        let mut sessions = self.accounts.live_sessions(user).await?;
        sessions.truncate(super::PAGE);
        Ok(sessions)
    }

    /// How many devices a user trusts. To end all of them, end all sessions of the user.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn count_trusted_devices(&self, user: &User) -> Result<usize, AuthError> {
        Ok(self.accounts.devices_of(user).await?.len())
    }

    /// The newest log-in among the last events of a user; else that of an imported user before the import.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn last_log_in(&self, user: &User) -> Result<Option<Timestamp>, AuthError> {
        let page = self.accounts.store.trail(Trail::Of(user.id), None, MOST_EVENTS).await?;
        let newest = page.events.iter().find(|event| event.event == EventKind::LoggedIn);
        Ok(newest.map(|event| event.at).or(user.last_login))
    }

    /// The mails to a user of the last seven days, newest first, at most 50.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn mails(&self, user: UserId) -> Result<Vec<Mail>, AuthError> {
        let since = self.accounts.clock.now() - MAILS_OF;
        let mut mails = self.accounts.store.mails(user, MOST_MAILS).await?;
        mails.retain(|mail| mail.created_at >= since);
        Ok(mails)
    }

    /// A page of the trail of a user, newest event first. A deleted user still has one.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn trail(
        &self,
        user: UserId,
        before: Option<EventId>,
        count: usize,
    ) -> Result<TrailPage, AuthError> {
        Ok(self.accounts.store.trail(Trail::Of(user), before, count).await?)
    }

    /// A page of the events that are about no user, newest event first: those about networks.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn trail_of_no_user(
        &self,
        before: Option<EventId>,
        count: usize,
    ) -> Result<TrailPage, AuthError> {
        Ok(self.accounts.store.trail(Trail::OfNoUser, before, count).await?)
    }

    /// A page of what a member of staff, or an operator, did to others, newest event first.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn acts(
        &self,
        actor: &Actor,
        before: Option<EventId>,
        count: usize,
    ) -> Result<TrailPage, AuthError> {
        Ok(self.accounts.store.trail(Trail::By(actor), before, count).await?)
    }

    /// What happened in the last seven days. Costs the same for each number of users.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn overview(&self) -> Result<Overview, AuthError> {
        operation!(self.accounts.clock, "overview", async {
            note("by", self.actor());
            let store = &self.accounts.store;
            let now = self.accounts.clock.now();
            let today = date(now);
            let days = (0..DAYS).rev().map(|back| {
                let date = today.saturating_sub(back.days());
                async move {
                    let count = |kind| store.count_events(date, kind, MOST_COUNTED);
                    let (sign_ups, log_ins, failures, of_accounts, of_networks, failed, bounced) =
                        tokio::try_join!(
                            count(EventKind::SignedUp),
                            count(EventKind::LoggedIn),
                            count(EventKind::LogInFailed),
                            count(EventKind::Locked),
                            count(EventKind::NetworkLocked),
                            count(EventKind::MailFailed),
                            count(EventKind::MailBounced),
                        )?;
                    let locks = (of_accounts + of_networks).min(MOST_COUNTED);
                    let failed_mails = (failed + bounced).min(MOST_COUNTED);
                    Ok::<_, AuthError>(Day {
                        date,
                        sign_ups,
                        log_ins,
                        failures,
                        locks,
                        failed_mails,
                    })
                }
            });
            let shards = store.shards().all();
            let waiting = shards.map(|shard| store.waiting_mails(shard, MOST_WAITING, now));
            let waiting = async { Ok::<_, AuthError>(try_join_all(waiting).await?) };
            let (days, waiting) = tokio::try_join!(try_join_all(days), waiting)?;
            Ok(Overview { days, waiting_mails: waiting.into_iter().sum() })
        })
    }
}

impl Accounts {
    /// A page of the caller's own trail, newest event first, without what identifies staff.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn recent_activity(
        &self,
        caller: &Caller,
        before: Option<EventId>,
        count: usize,
    ) -> Result<Activity, AuthError> {
        operation!(self.clock, "recent_activity", async {
            note("user", caller.user.id);
            let page = self.store.trail(Trail::Of(caller.user.id), before, count).await?;
            let events = page.events.into_iter().filter_map(AuditEvent::for_its_user);
            Ok(TrailPage { events: events.collect(), ..page })
        })
    }
}
