//! What staff change.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Admin, Plan};
use crate::error::{AuthError, BadPage, Field, Refusal, Violation, Violations};
use crate::model::name::Name;
use crate::model::{
    Ban, Email, EventKind, Mail, NewEvent, PlainPassword, Purpose, Role, SessionId, User, UserId,
};
use crate::store::StaffChange;
use crate::telemetry::{note, operation};

/// The most users of one action.
pub const MAX_BATCH: usize = 50;

/// The answer of one action on several users.
#[derive(Debug)]
pub struct Batch {
    /// Its id in the audit trail; `None` if nothing was tried.
    pub batch: Option<String>,
    /// The users, in their order.
    pub rows: Vec<BatchRow>,
}

/// The answer for one of several users.
#[derive(Debug)]
pub struct BatchRow {
    /// The user.
    pub id: UserId,
    /// Whether it is done.
    pub answer: Result<(), AuthError>,
    /// The user after that, if the table has the user.
    pub user: Option<User>,
}

impl Admin<'_> {
    /// Bans a user, and ends all sessions of the user in the same write. A ban with an end ends by itself. A ban of a
    /// banned user replaces the ban before.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a reason that is too long, or an end that has passed; [`AuthError::NotFound`];
    /// [`AuthError::PermissionDenied`] for oneself, and for staff unless by a superuser;
    /// [`Refusal::LastOfStaff`] if an operator bans the last superuser; [`AuthError::Throttled`] instead of
    /// [`AuthError::PermissionDenied`] beyond the limit of refused changes; [`AuthError::Unauthenticated`] when the
    /// caller is no longer staff, or all sessions of the caller ended in the meantime; [`AuthError::Unavailable`].
    pub async fn ban(
        &self,
        user: UserId,
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "ban", async {
            let ban = self.parse_ban(reason, until)?;
            self.change("ban", user, |user| {
                let event = NewEvent::of(EventKind::Banned, user.id).because(given(&ban.reason));
                let event = match until {
                    Some(until) => event.about(until),
                    None => event,
                };
                let before = user.ban.as_ref().map(|before| before.was_inactive);
                let was_inactive = before.unwrap_or(!user.is_active);
                let ban = Ban { was_inactive, ..ban.clone() };
                Ok(Plan::new(StaffChange::Ban(ban), event))
            })
            .await
            .map(drop)
        })
    }

    /// Bans several users, at most [`MAX_BATCH`], each as [`Admin::ban`] does it. Their events have the same batch id.
    /// The error of one user does not stop the others.
    ///
    /// # Errors
    /// [`AuthError::BadPage`] for too many users; [`AuthError::Invalid`]; [`AuthError::Unavailable`]. Then none is
    /// banned.
    pub async fn ban_all(
        &self,
        users: &[UserId],
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<Batch, AuthError> {
        let users = distinct(users)?;
        self.parse_ban(reason, until)?;
        let admin = self.clone().in_batch();
        let mut answers = Vec::new();
        // One after the other: each write has a condition on the same member of staff.
        for user in &users {
            answers.push(admin.ban(*user, reason, until).await);
        }
        // An answer without the users is better than an error after the bans.
        let mut now = self.accounts.store.users(&users).await.unwrap_or_default();
        let rows = users.into_iter().zip(answers);
        let rows = rows.map(|(id, answer)| BatchRow { id, answer, user: now.remove(&id) });
        Ok(Batch { batch: admin.batch, rows: rows.collect() })
    }

    /// What [`Admin::ban_all`] would answer at the moment. Changes nothing, and writes no event.
    ///
    /// # Errors
    /// As [`Admin::ban_all`].
    pub async fn try_ban_all(
        &self,
        users: &[UserId],
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<Batch, AuthError> {
        operation!(self.accounts.clock, "try_ban", async {
            note("by", self.actor());
            let users = distinct(users)?;
            self.parse_ban(reason, until)?;
            let mut now = self.accounts.store.users(&users).await?;
            let rows = users.into_iter().map(|id| {
                let user = now.remove(&id);
                let answer = match &user {
                    None => Err(AuthError::NotFound),
                    Some(user) if self.may_change(user) => Ok(()),
                    Some(_) => Err(AuthError::PermissionDenied),
                };
                BatchRow { id, answer, user }
            });
            Ok(Batch { batch: None, rows: rows.collect() })
        })
    }

    fn parse_ban(&self, reason: &str, until: Option<Timestamp>) -> Result<Ban, AuthError> {
        let at = self.accounts.clock.now();
        let reason = parse_reason(reason)?;
        if until.is_some_and(|until| until <= at) {
            return Err(Violations::of(Field::Until, vec![Violation::NotInFuture]).into());
        }
        Ok(Ban { reason, ends_at: until.map(Timestamp::as_second), at, was_inactive: false })
    }

    /// Lets a banned user in again, or a user who has deactivated the account. The user logs in anew.
    ///
    /// # Errors
    /// As [`Admin::ban`].
    pub async fn lift_ban(&self, user: UserId, reason: &str) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "lift_ban", async {
            let reason = parse_reason(reason)?;
            self.change("lift_ban", user, |user| {
                let event = NewEvent::of(EventKind::BanLifted, user.id).because(given(&reason));
                Ok(Plan::new(StaffChange::LiftBan, event))
            })
            .await
            .map(drop)
        })
    }

    /// Gives a user another role, and ends all sessions in the same write: tokens claim the old one. Only a superuser
    /// can do this, with the password, or soon after a log-in.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`AuthError::PermissionDenied`] also for staff who are no superusers;
    /// [`AuthError::ReauthenticationRequired`], [`AuthError::InvalidPassword`], [`AuthError::Throttled`].
    pub async fn set_role(
        &self,
        user: UserId,
        role: Role,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "set_role", async {
            note("role", role);
            self.check_role("set_role", user, Role::Superuser).await?;
            self.confirm(password).await?;
            self.change("set_role", user, |user| {
                let event = NewEvent::of(EventKind::RoleChanged, user.id).about(role);
                Ok(Plan::new(StaffChange::Role(role), event))
            })
            .await
            .map(drop)
        })
    }

    /// Makes the address of a user count as proven, because staff know that it is the user's. The account no longer has
    /// an end.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`Refusal::AlreadyVerified`].
    pub async fn verify(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "verify", async {
            self.change("verify", user, |user| {
                if user.is_verified {
                    return Err(Refusal::AlreadyVerified.into());
                }
                let event = NewEvent::of(EventKind::AddressVerified, user.id);
                Ok(Plan::new(StaffChange::Verify, event))
            })
            .await
            .map(drop)
        })
    }

    /// Ends one session of a user: its tokens are refused from the next request on.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`AuthError::NotFound`] also for a session that has ended.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "end_session_of", async {
            note("session", session);
            let sessions = self.accounts.store.sessions(user).await?;
            let found = sessions.iter().find(|it| it.id == session);
            let now = self.accounts.clock.now();
            self.change("end_session", user, |user| {
                if !found.is_some_and(|session| session.is_live(user, now)) {
                    return Err(AuthError::NotFound);
                }
                let event = NewEvent::of(EventKind::SessionEnded, user.id).about(session);
                Ok(Plan::new(StaffChange::EndSession(session), event))
            })
            .await
            .map(drop)
        })
    }

    /// Ends all sessions of a user, also those that are being opened now.
    ///
    /// # Errors
    /// As [`Admin::ban`].
    pub async fn end_sessions(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "end_sessions_of", async {
            self.change("end_sessions", user, |user| {
                let event = NewEvent::of(EventKind::AllSessionsEnded, user.id);
                Ok(Plan::new(StaffChange::EndAllSessions, event))
            })
            .await
            .map(drop)
        })
    }

    /// Makes the password of a user useless, ends all sessions, and mails a reset link, by which the user chooses
    /// another one.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`AuthError::Throttled`] beyond the limit of mails of the caller.
    pub async fn expire_password(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "expire_password", async {
            self.change("expire_password", user, |user| {
                let event = NewEvent::of(EventKind::PasswordExpired, user.id);
                let mails = vec![self.link(Purpose::PasswordReset, user, &user.first_email())];
                Ok(Plan { mails, ..Plan::new(StaffChange::ExpirePassword, event) })
            })
            .await
            .map(drop)
        })
    }

    /// Mails a user a link by which the user can choose a new password.
    ///
    /// # Errors
    /// As [`Admin::ban`], but the role of the user does not matter; [`AuthError::Throttled`] beyond the limit of mails
    /// of the caller.
    pub async fn send_reset(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "send_reset", async {
            self.help("send_reset", user, |user| {
                let event = NewEvent::of(EventKind::ResetSent, user.id);
                let purpose =
                    user.password.as_ref().map_or(Purpose::PasswordSet, |_| Purpose::PasswordReset);
                let mails = vec![self.link(purpose, user, &user.first_email())];
                Ok(Plan { mails, ..Plan::new(StaffChange::Nothing, event) })
            })
            .await
            .map(drop)
        })
    }

    /// Mails a user the activation link again.
    ///
    /// # Errors
    /// As [`Admin::send_reset`]; [`Refusal::AlreadyVerified`].
    pub async fn send_activation(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "send_activation", async {
            self.help("send_activation", user, |user| {
                if user.is_verified {
                    return Err(Refusal::AlreadyVerified.into());
                }
                let event = NewEvent::of(EventKind::ActivationSent, user.id);
                let mails = vec![self.link(Purpose::Activation, user, &user.first_email())];
                Ok(Plan { mails, ..Plan::new(StaffChange::Nothing, event) })
            })
            .await
            .map(drop)
        })
    }

    /// Lets mail go to a user again after a bounce or a complaint.
    ///
    /// # Errors
    /// As [`Admin::send_reset`].
    pub async fn clear_email_status(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "clear_email_status", async {
            self.help("clear_email_status", user, |user| {
                let event = NewEvent::of(EventKind::EmailStatusCleared, user.id);
                Ok(Plan::new(StaffChange::ClearEmailStatus, event))
            })
            .await
            .map(drop)
        })
    }

    /// Deletes a user for good: the account, its name and addresses, sessions, mails and picture. One write ends the
    /// account; then its other items are deleted. The audit trail stays, with the id of the user. Wants the password,
    /// or a log-in of the last minutes.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`AuthError::ReauthenticationRequired`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Throttled`].
    pub async fn delete(
        &self,
        user: UserId,
        reason: &str,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "delete", async {
            let reason = parse_reason(reason)?;
            self.check_role("delete", user, Role::Staff).await?;
            self.confirm(password).await?;
            let deleted = self
                .change("delete", user, |user| {
                    let event = NewEvent::of(EventKind::Deleted, user.id).because(given(&reason));
                    Ok(Plan::new(StaffChange::Delete, event))
                })
                .await?;
            self.accounts.erase(&deleted).await;
            Ok(())
        })
    }

    /// A mail that staff cause, in the language of the user.
    pub(super) fn link(&self, purpose: Purpose, user: &User, email: &Email) -> Mail {
        self.accounts.new_link(purpose, user, email)
    }
}

/// The users, each once.
fn distinct(users: &[UserId]) -> Result<Vec<UserId>, AuthError> {
    let mut seen = HashSet::new();
    let distinct: Vec<_> = users.iter().copied().filter(|user| seen.insert(*user)).collect();
    if distinct.len() > MAX_BATCH {
        let requested = i64::try_from(distinct.len()).unwrap_or(i64::MAX);
        let page = BadPage::TooMany { argument: "users", requested, limit: MAX_BATCH };
        return Err(AuthError::BadPage(page));
    }
    Ok(distinct)
}

pub(super) fn parse_reason(reason: &str) -> Result<String, Violations> {
    let refused = |found| Violations::of(Field::Reason, found);
    Ok(Name::parse_reason(reason).map_err(refused)?.as_str().to_owned())
}

/// A reason that is not empty.
fn given(reason: &str) -> Option<String> {
    (!reason.is_empty()).then(|| reason.to_owned())
}
