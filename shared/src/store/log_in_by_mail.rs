//! Log-ins by a mailed link or code.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::ending::{ACTIVE, KEEP, STANDS};
use super::factors::version;
use super::guessing::FAILURES;
use super::item::{Key, n, naming, s};
use super::session::{FactorsAtLogIn, logged_in, used_link};
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::version::KNOWN_NAME;
use crate::model::{Actor, EventKind, Factor, Factors, Mail, NewEvent, Session, User};

/// A log-in by mail, and what is written with it.
#[derive(Clone, Copy, Debug)]
pub struct MailedStep<'a> {
    /// The id of the request, which is used up.
    pub request: &'a str,
    /// When the request expires, in epoch seconds.
    pub expires_at: i64,
    /// Whether it was the link or the code.
    pub factor: Factor,
    /// Whether names, position and picture of an account whose address was never proven are cleared.
    pub is_cleared: bool,
    /// The mails.
    pub mails: &'a [Mail],
}

/// The result of a log-in by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailedLogIn {
    /// The session is written.
    Done,
    /// The request was used before.
    Used,
    /// The user has changed: read the user again.
    Changed,
}

/// The result of a sign-up by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailedSignUp {
    /// The account and the session are written.
    Done,
    /// The request was used before.
    Used,
    /// Another account has the address.
    AddressTaken,
    /// Another account has the username.
    NameTaken,
}

impl Store {
    /// Writes an account whose address the mail of a request has proven, and its session, if it gets one. Uses up the
    /// request, all or nothing.
    pub async fn sign_up_by_mail(
        &self,
        user: &User,
        session: Option<&Session>,
        step: MailedStep<'_>,
    ) -> Result<MailedSignUp, StoreError> {
        let MailedStep { request, expires_at, factor, mails, .. } = step;
        let event = NewEvent::of(EventKind::SignedUp, user.id).with(factor);
        let mut transaction = self.creation(user, mails, session, event)?;
        let proof = used_link(request, expires_at, self.shards);
        transaction.add(Part::Proof, self.put_new(proof)?);
        if let Some(session) = session {
            self.record(&mut transaction, logged_in(session))?;
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => MailedSignUp::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => MailedSignUp::Used,
            TransactionResult::Refused(refused)
                if refused.has(Part::Email) || refused.has(Part::User) =>
            {
                MailedSignUp::AddressTaken
            }
            TransactionResult::Refused(_) => MailedSignUp::NameTaken,
        })
    }

    /// Writes the session of a log-in by mail, and uses up the request, all or nothing. Changes the user as
    /// [`Store::log_in`] does. Without a session, the log-in goes on with another step, and that step changes the user.
    ///
    /// The mail proves the address. If the user had not proven it before, an attacker may have made the account: the same
    /// transaction removes the password and the second factors, and raises the epoch. `session` is of the next epoch then.
    pub async fn log_in_by_mail(
        &self,
        user: &User,
        session: Option<&Session>,
        step: MailedStep<'_>,
    ) -> Result<MailedLogIn, StoreError> {
        let has_factors = user.had_second_factor || (user.has_second_factor && !user.is_verified);
        let ended = if has_factors { Some(self.factors(user.id).await?.emptied()) } else { None };
        let ended = ended.as_ref();
        let mut transaction = if !user.is_verified {
            self.claim(user, session, step, ended)?
        } else if let Some(session) = session.filter(|_| user.changes_at_log_in()) {
            let factors = ended.map_or(FactorsAtLogIn::Stay, FactorsAtLogIn::End);
            self.change_at_log_in(user, session, None, factors)?
        } else {
            Transaction::default().with(Part::User, self.same_epoch(user)?)
        };
        let proof = used_link(step.request, step.expires_at, self.shards);
        transaction.add(Part::Proof, self.put_new(proof)?);
        transaction.extend(Part::Mail, self.put_mails(step.mails)?);
        if let Some(session) = session {
            transaction.add(Part::Session, self.put_session(session)?);
            self.record(&mut transaction, logged_in(session))?;
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => MailedLogIn::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => MailedLogIn::Used,
            TransactionResult::Refused(_) => MailedLogIn::Changed,
        })
    }

    /// Uses up a request, for a log-in that goes on with a second factor. `false` if it was used before.
    pub async fn use_log_in_request(
        &self,
        request: &str,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(used_link(request, expires_at, self.shards).attributes()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        let Err(error) = answer else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(error.into()),
        }
    }

    /// Whether a request was used.
    pub async fn is_log_in_request_used(&self, request: &str) -> Result<bool, StoreError> {
        Ok(self.get(Key::jti(request)).await?.is_some())
    }

    /// As a part of a transaction: the owner of the address takes over an account that may be an attacker's. `ended` are
    /// the second factors of the account, if it has any.
    fn claim(
        &self,
        user: &User,
        session: Option<&Session>,
        step: MailedStep<'_>,
        ended: Option<&Factors>,
    ) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction::default().with(Part::User, self.claimed(user, step)?);
        transaction.append(self.keep_unique_keys(user)?);
        if let Some(ended) = ended {
            transaction.append(self.passkey_keys(ended)?);
            transaction.add(Part::Factors, self.delete(Key::factors(user.id))?);
        }
        self.record_proof(&mut transaction, user, step.factor)?;
        let others = match session {
            Some(session) => NewEvent::of(EventKind::OtherSessionsEnded, user.id).about(session.id),
            None => NewEvent::of(EventKind::AllSessionsEnded, user.id),
        };
        self.record(&mut transaction, others.with(step.factor))?;
        for (is_made, change, by) in [
            (step.is_cleared, EventKind::ProfileChanged, Actor::Oneself),
            (user.is_archived, EventKind::Unarchived, Actor::Oneself),
            (user.had_ban, EventKind::BanEnded, Actor::Oneself),
            (ended.is_some(), EventKind::SecondFactorRemoved, Actor::System),
        ] {
            if is_made {
                let event = NewEvent::of(change, user.id).by(by);
                self.record(&mut transaction, event.with(step.factor))?;
            }
        }
        Ok(transaction)
    }

    /// As part of a transaction: the user item of [`Store::claim`].
    fn claimed(&self, user: &User, step: MailedStep<'_>) -> Result<TransactWriteItem, StoreError> {
        let mut values = vec![
            (":true", AttributeValue::Bool(true)),
            (":false", AttributeValue::Bool(false)),
            (":epoch", n(user.epoch)),
            (":next", n(user.epoch + 1)),
            (":key", s(&user.email_key)),
            (":version", n(version(false))),
            (":now", n(self.clock.now().as_second())),
        ];
        let mut set = "SET is_verified = :true, is_active = :true, is_archived = :false, \
                       epoch = :next, #version = :version"
            .to_owned();
        let mut remove = format!(
            "{KEEP}, {FAILURES}, password, compared_password, ban, is_unused, pending_email, \
             pending_secondary_email, has_second_factor, second_factor_ends_at"
        );
        if step.is_cleared {
            set.push_str(", first_name = :empty, last_name = :empty");
            remove.push_str(", gender, #position, department, locale, profile_picture");
            values.push((":empty", s("")));
        }
        let condition = format!(
            "is_verified = :false AND epoch = :epoch AND email_key = :key AND {ACTIVE} AND {STANDS}"
        );
        let update = format!("{set} {remove}");
        let item = self.update_if(Key::user(user.id), &update, &condition, values)?;
        let item = naming(item, KNOWN_NAME);
        Ok(if step.is_cleared { naming(item, ("#position", "position")) } else { item })
    }
}
