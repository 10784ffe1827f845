//! Sessions, and the ids of links that were used.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jiff::{SignedDuration, Timestamp};

use super::ending::{KEEP, STANDS};
use super::factors::{HAS_NONE, version};
use super::guessing::FAILURES;
use super::item::{Key, NewItem, n, naming, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult, refused_update};
use super::version::{ItemKind, KNOWN, KNOWN_NAME, known, read};
use super::{Shards, Store};
use crate::model::{
    Actor, Client, EventKind, Factor, Factors, Mail, NewEvent, PasswordHash, Session, SessionId,
    User, UserId,
};

/// How many sessions of a user are read at most, dead ones among them that were not swept yet.
const MOST_READ: i32 = 200;

/// The refresh token of a request: the part that the store needs.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken {
    /// The user of the token.
    pub user_id: UserId,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// Which of the session's refresh tokens it is; `None` where there is one for all the time.
    pub generation: Option<u64>,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session as it is now: either rotated by this call, or by another with the same token
    /// within the grace.
    Done(Session),
    /// The token was used before, and the grace period has ended: an attacker may have a copy. The session is still
    /// alive.
    Reused(Session),
    /// The session does not exist, or has expired.
    Gone,
}

/// The second step of a log-in.
#[derive(Clone, Debug)]
pub struct SecondStep<'a> {
    /// The token of the first step, which is used up: its id, and when it expires, in epoch seconds. `None` for a passkey
    /// that is both steps.
    pub first: Option<(&'a str, i64)>,
    /// The factors after the step, of the revision that was read.
    pub factors: &'a Factors,
    /// Whether it is the step that adds the first of them.
    pub is_first_factor: bool,
    /// The notices.
    pub mails: &'a [Mail],
    /// What else happened.
    pub events: Vec<NewEvent>,
}

/// The result of a second step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondStepped {
    /// The session is written.
    Done,
    /// The token of the first step was used before.
    Used,
    /// The user or the factors have changed: read them again.
    Changed,
    /// Another user has the passkey that was to be added.
    Taken,
}

/// What becomes of the second factors of a user at a log-in.
#[derive(Clone, Copy, Debug)]
pub(super) enum FactorsAtLogIn<'a> {
    /// They stay.
    Stay,
    /// They have ended, and their items go.
    End(&'a Factors),
    /// The user adds the first one. The transaction has its items.
    First,
}

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
    /// Writes the session of a log-in. The same transaction changes the user: it sets the new hash, if any, takes the
    /// account out of the archive, and removes the end of the account, because it is in use. If another log-in made
    /// these changes first, it still writes the session.
    pub async fn log_in(
        &self,
        user: &User,
        session: &Session,
        rehashed: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        let event = logged_in(session);
        if rehashed.is_some() || user.changes_at_log_in() {
            let ended = if user.had_second_factor {
                Some(self.factors(user.id).await?.emptied())
            } else {
                None
            };
            let factors = ended.as_ref().map_or(FactorsAtLogIn::Stay, FactorsAtLogIn::End);
            let mut transaction = self.change_at_log_in(user, session, rehashed, factors)?;
            transaction.add(Part::Session, self.put_session(session)?);
            self.record(&mut transaction, event.clone())?;
            if let TransactionResult::Done = self.transact(transaction).await? {
                return Ok(());
            }
        }
        let items =
            [session_item(session, self.shards)?].into_iter().chain(self.event_items(event)?);
        self.put_all(items.collect()).await
    }

    /// Writes the session of a log-in with two steps, uses up the token of the first step, and writes the factors after
    /// the second step, all or nothing. Changes the user as [`Store::log_in`] does. Notes that a superuser has a second
    /// factor. A log-in on a trusted device proves no second factor: it does not stop the removal that staff have asked
    /// for.
    pub async fn log_in_by_two_steps(
        &self,
        user: &User,
        session: &Session,
        step: SecondStep<'_>,
    ) -> Result<SecondStepped, StoreError> {
        let keeps_factors = user.second_factor_ends_at.is_some() && !session.is_by_trusted_device();
        let mut transaction = if step.is_first_factor {
            self.change_at_log_in(user, session, None, FactorsAtLogIn::First)?
        } else if user.changes_at_log_in() || keeps_factors {
            self.change_at_log_in(user, session, None, FactorsAtLogIn::Stay)?
        } else {
            Transaction::default().with(Part::User, self.same_epoch(user)?)
        };
        if let Some((jti, expires_at)) = step.first {
            transaction.add(Part::Proof, self.put_new(used_link(jti, expires_at, self.shards))?);
        }
        transaction.append(self.put_factors(step.factors)?);
        transaction.extend(Part::Site, self.note_secured(user.role, step.factors)?);
        transaction.add(Part::Session, self.put_session(session)?);
        transaction.extend(Part::Mail, self.put_mails(step.mails)?);
        for event in step.events {
            self.record(&mut transaction, event)?;
        }
        self.record(&mut transaction, logged_in(session))?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => SecondStepped::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => SecondStepped::Used,
            TransactionResult::Refused(refused)
                if refused.has(Part::Passkey) && step.factors.added.is_some() =>
            {
                SecondStepped::Taken
            }
            TransactionResult::Refused(_) => SecondStepped::Changed,
        })
    }

    /// Replaces the hash of a password by another hash of the same password. Nothing is written if the user has another
    /// password by now.
    pub async fn rehash(&self, user: &User, rehashed: &PasswordHash) -> Result<(), StoreError> {
        let old = user.password.as_ref().map_or("", PasswordHash::expose);
        let request = self.client.update_item().table_name(&self.table);
        let answer = request
            .set_key(Some(Key::user(user.id).attributes()))
            .update_expression("SET password = :new")
            .condition_expression("password = :old")
            .expression_attribute_values(":old", s(old))
            .expression_attribute_values(":new", s(rehashed.expose()))
            .send()
            .await;
        answer.map(drop).or_else(|error| refused_update(error).map(drop))
    }

    /// As a part of a transaction: what a log-in changes about the user, and the events of that. Wrong passwords count until the right one, and not until a log-in
    /// by mail: otherwise the user's log-ins would give an attacker further guesses.
    pub(super) fn change_at_log_in(
        &self,
        user: &User,
        session: &Session,
        rehashed: Option<&PasswordHash>,
        factors: FactorsAtLogIn<'_>,
    ) -> Result<Transaction, StoreError> {
        let is_first = matches!(factors, FactorsAtLogIn::First);
        let mut values = vec![(":false", AttributeValue::Bool(false)), (":epoch", n(user.epoch))];
        let mut set = "SET is_archived = :false".to_owned();
        let mut remove = format!("{KEEP}, is_unused");
        let keeps_factors = !session.is_by_trusted_device();
        if keeps_factors {
            remove.push_str(", second_factor_ends_at");
        }
        if !session.began_by_mail() {
            remove.push_str(", ");
            remove.push_str(FAILURES);
        }
        let mut condition = "epoch = :epoch".to_owned();
        if let Some(old) = &user.password {
            condition.push_str(" AND password = :old");
            values.push((":old", s(old.expose())));
            if let Some(new) = rehashed {
                set.push_str(", password = :new");
                values.push((":new", s(new.expose())));
            }
        }
        if user.had_ban {
            set.push_str(", is_active = :true");
            remove.push_str(", ban");
            values.push((":true", AttributeValue::Bool(true)));
        }
        if is_first {
            set.push_str(", #version = :version, has_second_factor = :first");
            condition = format!("{condition} AND is_verified = :first AND {STANDS} AND {HAS_NONE}");
            values.push((":first", AttributeValue::Bool(true)));
        } else if user.had_second_factor {
            set.push_str(", #version = :version");
            remove.push_str(", has_second_factor");
            // Another request may have added a factor since the user was read.
            condition.push_str(" AND second_factor_ends_at <= :now");
        }
        if is_first || user.had_second_factor {
            values.push((":now", n(self.clock.now().as_second())));
            values.push((":version", n(version(is_first))));
        }
        let update =
            self.update_if(Key::user(user.id), &format!("{set} {remove}"), &condition, values)?;
        let has_version = is_first || user.had_second_factor;
        let update = if has_version { naming(update, KNOWN_NAME) } else { update };
        let mut transaction = Transaction::default().with(Part::User, update);
        transaction.append(self.keep_unique_keys(user)?);
        if let FactorsAtLogIn::End(ended) = factors {
            transaction.append(self.passkey_keys(ended)?);
            transaction.add(Part::Factors, self.delete(Key::factors(user.id))?);
        }
        for (is_made, change, by) in [
            (user.is_archived, EventKind::Unarchived, Actor::Oneself),
            (user.had_ban, EventKind::BanEnded, Actor::Oneself),
            (user.had_second_factor, EventKind::SecondFactorRemoved, Actor::System),
            // By a proof of a second factor: without one, there is no log-in.
            (
                user.second_factor_ends_at.is_some() && keeps_factors,
                EventKind::SecondFactorRemovalCanceled,
                Actor::Oneself,
            ),
        ] {
            if is_made {
                self.record(&mut transaction, NewEvent::of(change, user.id).by(by))?;
            }
        }
        Ok(transaction)
    }

    /// Rotates the refresh token by one conditional update. If the condition fails, the answer has the present item,
    /// so grace and theft can be distinguished without another read.
    pub async fn rotate_session(
        &self,
        presented: PresentedToken,
        expires_at: i64,
        client: &Client,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let Client { ip, user_agent, .. } = client.for_keeping();
        let request = self.client.update_item().table_name(&self.table);
        let request = match presented.generation {
            None => request.condition_expression(format!("expires_at > :now AND {KNOWN}")),
            Some(generation) => request
                .condition_expression(format!(
                    "generation = :generation AND expires_at > :now AND {KNOWN}"
                ))
                .expression_attribute_values(":generation", n(generation)),
        };
        let answer = request
            .set_key(Some(Key::session(presented.user_id, presented.session_id).attributes()))
            .update_expression(
                "SET generation = generation + :one, rotated_at = :rotated_at, \
                 expires_at = :expires_at, ip = :ip, user_agent = :user_agent",
            )
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":known", known(ItemKind::Session))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":rotated_at", s(now.to_string()))
            .expression_attribute_values(":expires_at", n(expires_at))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":ip", text_or_null(ip))
            .expression_attribute_values(":user_agent", text_or_null(user_agent))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(updated) => Ok(Rotated::Done(read(updated.attributes.unwrap_or_default())?)),
            Err(error) => match refused_update(error)? {
                Some(item) => Ok(compare(read(item)?, presented, grace, now)),
                None => Ok(Rotated::Gone),
            },
        }
    }

    /// Records the use of a session that has no refresh tokens, and until when it lives now. Without effect on one that
    /// has ended.
    pub async fn record_use(
        &self,
        session: &Session,
        expires_at: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let request = self.client.update_item().table_name(&self.table);
        let answer = request
            .set_key(Some(Key::session(session.user_id, session.id).attributes()))
            .update_expression("SET rotated_at = :now_text, expires_at = :expires_at")
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now_text", s(now.to_string()))
            .expression_attribute_values(":expires_at", n(expires_at))
            .expression_attribute_values(":now", n(now.as_second()))
            .send()
            .await;
        answer.map(drop).or_else(|error| refused_update(error).map(drop))
    }

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
    pub async fn end_session_and_tell(
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

/// The event of a log-in, by the last factor that the user has proven.
pub(super) fn logged_in(session: &Session) -> NewEvent {
    let event = NewEvent::of(EventKind::LoggedIn, session.user_id).about(session.id);
    event.with(session.factors.last().copied().unwrap_or(Factor::Password))
}

/// The id of a link that was used. The item lives until the link would have expired.
pub(super) fn used_link(jti: &str, exp: i64, shards: Shards) -> NewItem {
    NewItem::new(Key::jti(jti), ItemKind::TokenId).expiring(exp).swept(exp, shards)
}

fn compare(
    session: Session,
    presented: PresentedToken,
    grace: SignedDuration,
    now: Timestamp,
) -> Rotated {
    let Some(generation) = presented.generation else { return Rotated::Gone };
    let is_grace =
        session.generation == generation + 1 && now.duration_since(session.rotated_at) <= grace;
    if now.as_second() >= session.expires_at || session.generation < generation {
        Rotated::Gone
    } else if is_grace {
        Rotated::Done(session)
    } else {
        Rotated::Reused(session)
    }
}

fn text_or_null(text: Option<String>) -> AttributeValue {
    text.map_or(AttributeValue::Null(true), s)
}
