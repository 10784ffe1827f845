//! Sessions, and the ids of links that were used.

mod log_in;
mod rotate;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

use super::item::{Key, NewItem, n, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult, refused_update};
use super::version::{ItemKind, read};
use super::{Shards, Store};
use crate::model::{Actor, EventKind, Factors, Mail, NewEvent, Session, SessionId, User, UserId};

pub(super) use log_in::{FactorsAtLogIn, logged_in};
pub use log_in::{SecondStep, TwoStepLogIn};
pub use rotate::{PresentedToken, Rotated};

/// How many sessions of a user are read at most, dead ones among them that were not swept yet.
const MOST_READ: i32 = 200;

/// The result of the end of a session and of the trust in its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnded {
    /// Both have ended.
    Done,
    /// The session has ended before: nothing is written.
    Gone,
    /// The factors have changed: read them again.
    Changed,
}

impl Store {
    /// Ends a session, and with it its tokens: each request reads the session. `false` when the session does not exist
    /// (any more).
    pub async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let event = NewEvent::of(EventKind::SessionEnded, user).about(session);
        let mut transaction = self.session_end((user, session), now)?;
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// The same, with the factors after the end of a trust, all or nothing.
    pub async fn end_session_and_trust(
        &self,
        session: SessionId,
        factors: &Factors,
        now: Timestamp,
    ) -> Result<SessionEnded, StoreError> {
        let user = factors.user_id;
        let mut transaction = self.session_end((user, session), now)?;
        transaction.append(self.put_factors(factors)?);
        let event = NewEvent::of(EventKind::SessionEnded, user).about(session);
        self.record(&mut transaction, event)?;
        self.record(&mut transaction, NewEvent::of(EventKind::DeviceTrustEnded, user).times(1))?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => SessionEnded::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Session) => SessionEnded::Gone,
            TransactionResult::Refused(_) => SessionEnded::Changed,
        })
    }

    /// The same, for a session whose refresh token was used twice, with the notice of it, if any.
    pub async fn end_session_with_notice(
        &self,
        user: UserId,
        session: SessionId,
        notice: Option<&Mail>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.session_end((user, session), now)?;
        let notice = notice.map(|notice| self.put_mail(notice)).transpose()?;
        transaction.extend(Part::Mail, notice);
        let event = NewEvent::of(EventKind::RefreshTokenReused, user).about(session);
        self.record(&mut transaction, event.by(Actor::Anonymous))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// As part of a transaction: ends a session that has not ended.
    pub(super) fn session_end(
        &self,
        (user, session): (UserId, SessionId),
        now: Timestamp,
    ) -> Result<Transaction, StoreError> {
        let end = self.delete_if(
            Key::session(user, session),
            "expires_at > :now",
            [(":now", n(now.as_second()))],
        )?;
        Ok(Transaction::default().with(Part::Session, end))
    }

    /// The user's sessions that have not expired as far as DynamoDB knows, newest first, at most `MOST_READ`. Some
    /// may have ended: see [`Session::is_live`].
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :user AND begins_with(sk, :session)")
            .expression_attribute_values(":user", s(Key::user(user).pk))
            .expression_attribute_values(":session", s("SESSION#"))
            // The id of a session begins with the time of its log-in.
            .scan_index_forward(false)
            .limit(MOST_READ)
            .send()
            .await?;
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Raises the epoch of the user and of one session, so that only this session goes on. `false` when the session
    /// has ended, or the epoch has changed since the caller was read: then nothing is written.
    pub async fn end_other_sessions(
        &self,
        user: &User,
        kept: SessionId,
    ) -> Result<bool, StoreError> {
        let epochs = || [(":epoch", n(user.epoch)), (":next", n(user.epoch + 1))];
        let (update, condition) = ("SET epoch = :next", "epoch = :epoch");
        let event = NewEvent::of(EventKind::OtherSessionsEnded, user.id).about(kept);
        let (user, kept) = (Key::user(user.id), Key::session(user.id, kept));
        let mut transaction = Transaction::default()
            .with(Part::User, self.update_if(user, update, condition, epochs())?)
            .with(Part::Session, self.update_if(kept, update, condition, epochs())?);
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// Raises the user's epoch, which ends all earlier sessions.
    pub async fn end_all_sessions(&self, user: UserId) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression("SET epoch = epoch + :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", n(1));
        request.send().await.map(drop).or_else(|error| refused_update(error).map(drop))
    }

    /// As part of a transaction: writes a new session.
    pub(super) fn put_session(&self, session: &Session) -> Result<TransactWriteItem, StoreError> {
        self.put_new(session_item(session, self.shards)?)
    }
}

/// Swept from its first possible end on. A refresh moves `expires_at` only, so that it costs no write
/// to the index; the sweep moves the rest when it meets the session.
fn session_item(session: &Session, shards: Shards) -> Result<NewItem, StoreError> {
    let item = NewItem::new(Key::session(session.user_id, session.id), ItemKind::Session);
    Ok(item.with_data(session)?.swept(session.expires_at, shards))
}

/// The id of a link that was used. The item lives until the link would have expired.
pub(super) fn used_link(jti: &str, exp: i64, shards: Shards) -> NewItem {
    NewItem::new(Key::jti(jti), ItemKind::TokenId).expiring(exp).swept(exp, shards)
}
