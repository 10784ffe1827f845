//! Writes the session of a log-in, and what the log-in changes about the user.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{session_item, used_link};
use crate::model::{
    Actor, EventKind, Factor, Factors, Mail, NewEvent, PasswordHash, Session, User,
};
use crate::store::Store;
use crate::store::ending::{KEEP, STANDS};
use crate::store::factors::{HAS_NONE, version};
use crate::store::guessing::FAILURES;
use crate::store::item::{Key, n, naming, s};
use crate::store::transaction::{Part, StoreError, Transaction, TransactionResult, refused_update};
use crate::store::version::KNOWN_NAME;

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
pub enum TwoStepLogIn {
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
pub(in crate::store) enum FactorsAtLogIn<'a> {
    /// They stay.
    Stay,
    /// They have ended, and their items go.
    End(&'a Factors),
    /// The user adds the first one. The transaction has its items.
    First,
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
    ) -> Result<TwoStepLogIn, StoreError> {
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
            TransactionResult::Done => TwoStepLogIn::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => TwoStepLogIn::Used,
            TransactionResult::Refused(refused)
                if refused.has(Part::Passkey) && step.factors.added.is_some() =>
            {
                TwoStepLogIn::Taken
            }
            TransactionResult::Refused(_) => TwoStepLogIn::Changed,
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

    /// As part of a transaction: what a log-in changes about the user, and the events of that. A log-in by mail does
    /// not reset the count of wrong passwords, because the user's log-ins would then give an attacker further guesses.
    /// Any other log-in resets it.
    pub(in crate::store) fn change_at_log_in(
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
}

/// The event of a log-in, by the last factor that the user has proven.
pub(in crate::store) fn logged_in(session: &Session) -> NewEvent {
    let event = NewEvent::of(EventKind::LoggedIn, session.user_id).about(session.id);
    event.with(session.factors.last().copied().unwrap_or(Factor::Password))
}
