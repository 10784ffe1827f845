//! A user's own sessions: see them, end them.

use super::{Accounts, Caller};
use crate::error::{AuthError, Report};
use crate::model::{Mail, Notice, PasswordHash, Session, SessionId, User};
use crate::store::{MailedLogIn, MailedStep, SecondStep, StoreError, TwoStepLogIn};
use crate::telemetry::{note, operation};

/// How many live sessions a user has at most.
const MOST_LIVE: usize = 50;
/// How many sessions one log-in ends at most. Only a user with more than [`MOST_LIVE`] sessions from an early
/// deployment, which had no limit, has so many to end.
const MOST_ENDED: usize = 10;
/// How many sessions are listed at most.
const MOST_LISTED: usize = 100;

impl Accounts {
    /// Opens a session for a user who has logged in. A user has 50 live sessions at most: beyond that, the oldest
    /// ones end. It reads them while it writes the new one, so that a log-in takes no longer. Several log-ins at the
    /// same moment may miss each other; the next one ends the surplus. Returns the other sessions of the user that the
    /// table has, live or not; `None` if they could not be read.
    pub(super) async fn open_session(
        &self,
        user: &User,
        session: &Session,
        rehashed: Option<&PasswordHash>,
    ) -> Result<Option<Vec<Session>>, AuthError> {
        let (opened, others) =
            tokio::join!(self.store.log_in(user, session, rehashed), self.store.sessions(user.id));
        opened?;
        Ok(self.end_surplus(user, session, others).await)
    }

    /// The same, for a log-in with two steps.
    pub(super) async fn open_session_by_two_steps(
        &self,
        user: &User,
        session: &Session,
        step: SecondStep<'_>,
    ) -> Result<(TwoStepLogIn, Option<Vec<Session>>), AuthError> {
        let opened = self.store.log_in_by_two_steps(user, session, step);
        let (opened, others) = tokio::join!(opened, self.store.sessions(user.id));
        let opened = opened?;
        if opened != TwoStepLogIn::Done {
            return Ok((opened, None));
        }
        Ok((opened, self.end_surplus(user, session, others).await))
    }

    /// The same, for a log-in by mail.
    pub(super) async fn open_session_by_mail(
        &self,
        user: &User,
        session: &Session,
        step: MailedStep<'_>,
    ) -> Result<(MailedLogIn, Option<Vec<Session>>), AuthError> {
        let opened = self.store.log_in_by_mail(user, Some(session), step);
        let (opened, others) = tokio::join!(opened, self.store.sessions(user.id));
        let opened = opened?;
        if opened != MailedLogIn::Done {
            return Ok((opened, None));
        }
        Ok((opened, self.end_surplus(user, session, others).await))
    }

    /// Ends the oldest sessions beyond those that a user may have. Gives the other sessions.
    async fn end_surplus(
        &self,
        user: &User,
        session: &Session,
        others: Result<Vec<Session>, StoreError>,
    ) -> Option<Vec<Session>> {
        let now = self.clock.now();
        let others = others.map(|mut all| {
            all.retain(|other| other.id != session.id);
            all
        });
        let known = others.as_ref().ok().cloned();
        let ended = async {
            let mut live = others?;
            live.retain(|other| other.is_live(user, now));
            // Newest first, and one place is the new session's.
            let oldest = live.iter().skip(MOST_LIVE - 1).rev().take(MOST_ENDED);
            let end = async |old: &Session| self.store.end_session(user.id, old.id, now).await;
            let ended: Vec<_> = oldest.map(end).collect();
            futures::future::try_join_all(ended).await
        };
        match ended.await {
            Ok(ended) if ended.is_empty() => {}
            Ok(ended) => note("ended", ended.len()),
            // The log-in is done. The next one ends the surplus.
            Err(error) => {
                let error = AuthError::from(error);
                let error = Report(&error);
                tracing::warn!(%error, user = %user.id, "the oldest sessions did not end");
            }
        }
        known
    }

    /// Mails the user that a log-in came from an unknown device. If the table does not answer, the log-in is done all
    /// the same.
    pub(super) async fn mail_new_device(&self, user: &User, session: &Session) {
        let notice = self.new_notice(Notice::NewDevice, user, &user.first_email());
        let notice = notice.in_one_of(session.languages.clone());
        let mail = Mail { ip: session.ip.clone(), ..notice };
        if let Err(error) = self.store.add_mail(&mail).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), user = %user.id, "a new device was not mailed");
        }
    }

    /// The caller's live sessions, newest first, at most 100, this one among them.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, AuthError> {
        operation!(self.clock, "sessions", async {
            note("user", caller.user.id);
            let mut sessions = self.live_sessions(&caller.user).await?;
            sessions.truncate(MOST_LISTED);
            Ok(sessions)
        })
    }

    /// The live sessions of a user, newest first.
    pub(super) async fn live_sessions(&self, user: &User) -> Result<Vec<Session>, AuthError> {
        let now = self.clock.now();
        let mut sessions = self.store.sessions(user.id).await?;
        sessions.retain(|session| session.is_live(user, now));
        sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
        Ok(sessions)
    }

    /// Ends one of the caller's sessions: its tokens are refused from the next request on. If the session was opened on
    /// a trusted device, the trust ends, too: a user who ends a session from the list has lost the device, or does not
    /// know it.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for a session that has ended or belongs to another user; [`AuthError::Unavailable`].
    pub async fn end_session(&self, caller: &Caller, id: SessionId) -> Result<(), AuthError> {
        operation!(self.clock, "end_session", async {
            note("user", caller.user.id);
            let sessions = self.sessions(caller).await?;
            let session = sessions.iter().find(|session| session.id == id);
            let session = session.ok_or(AuthError::NotFound)?;
            if self.end_session_and_trust(&caller.user, session).await? {
                note("session", id);
                Ok(())
            } else {
                Err(AuthError::NotFound)
            }
        })
    }

    /// Ends all sessions of the caller but this one, also those that are being opened now.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when this session, or all of them, ended in the meantime;
    /// [`AuthError::Unavailable`].
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "end_other_sessions", async {
            note("user", caller.user.id);
            if self.store.end_other_sessions(&caller.user, caller.session.id).await? {
                Ok(())
            } else {
                Err(AuthError::Unauthenticated)
            }
        })
    }
}
