//! Requests for an address that is not proven yet.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use crate::model::{EventKind, Factor, Mail, NewEvent, Pending, Purpose, User};
use crate::store::Store;
use crate::store::item::{Key, n, s};
use crate::store::session::used_link;
use crate::store::transaction::{Part, StoreError, Transaction, TransactionResult};

impl Store {
    /// Records the last request for an address and its session, and writes the mails of it. `false` when that session
    /// has ended, or the epoch has changed: then nothing is written.
    pub async fn request_address(
        &self,
        user: &User,
        purpose: Purpose,
        pending: &Pending,
        mails: &[Mail],
    ) -> Result<bool, StoreError> {
        let ask = self.update_if(
            Key::user(user.id),
            &format!("SET {} = :pending", pending_name(purpose)),
            "epoch = :epoch AND is_active = :true",
            [
                (":pending", serde_dynamo::to_attribute_value(pending)?),
                (":epoch", n(user.epoch)),
                (":true", AttributeValue::Bool(true)),
            ],
        )?;
        let event = if purpose == Purpose::SecondaryEmail {
            EventKind::SecondaryEmailAsked
        } else {
            EventKind::EmailChangeAsked
        };
        let mut transaction = Transaction::default()
            .with(Part::User, ask)
            .with(Part::Session, self.session_stands(user, pending)?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        self.record(&mut transaction, NewEvent::of(event, user.id))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// Removes the last request for another first address, ends the session of the request, and uses up the token.
    /// `false` when the token was used before, or the user made another request in the meantime.
    pub async fn cancel_email_change(
        &self,
        user: &User,
        pending: &Pending,
        (jti, exp): (&str, i64),
    ) -> Result<bool, StoreError> {
        let forget = self.update_if(
            Key::user(user.id),
            "REMOVE pending_email",
            "pending_email = :pending AND email_key = :key",
            [
                (":pending", serde_dynamo::to_attribute_value(pending)?),
                (":key", s(&user.email_key)),
            ],
        )?;
        let end = self.delete(Key::session(user.id, pending.session))?;
        let mut transaction = Transaction::default()
            .with(Part::User, forget)
            .with(Part::Session, end)
            .with(Part::Proof, self.put_new(used_link(jti, exp, self.shards))?);
        let event = NewEvent::of(EventKind::EmailChangeCanceled, user.id).with(Factor::Link);
        self.record(&mut transaction, event)?;
        let event = NewEvent::of(EventKind::SessionEnded, user.id).about(pending.session);
        self.record(&mut transaction, event.with(Factor::Link))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// As part of a transaction: succeeds only if the session of the request is alive.
    pub(super) fn session_stands(
        &self,
        user: &User,
        pending: &Pending,
    ) -> Result<TransactWriteItem, StoreError> {
        let values = [(":epoch", n(user.epoch)), (":now", n(self.clock.now().as_second()))];
        let session = Key::session(user.id, pending.session);
        self.check(session, "epoch = :epoch AND expires_at > :now", values)
    }
}

/// The attribute of a user item with the last request.
pub(super) fn pending_name(purpose: Purpose) -> &'static str {
    if purpose == Purpose::SecondaryEmail { "pending_secondary_email" } else { "pending_email" }
}
