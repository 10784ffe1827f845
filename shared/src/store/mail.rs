//! The outbox.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::item::{Key, NewItem, n, s};
use super::outcome::{StoreError, refused_update};
use super::user::read;
use crate::model::session::seconds_after;
use crate::model::{Mail, MailId, MailState};

/// How long a mail is remembered: longer than the stream can deliver it again.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When the sweep first looks whether a mail got stuck.
const LOOKED_AT_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The mail is the caller's to send, until the lease runs out.
    Yes(Box<Mail>),
    /// Somebody else is sending it.
    Busy,
    /// It was sent, or will never be.
    Finished,
    /// There is no such mail.
    Missing,
}

impl Store {
    /// Takes the mail for sending, so that nobody else does before the lease runs out.
    pub async fn claim_mail(
        &self,
        id: MailId,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression("SET #state = :sending, lease_until = :until")
            .condition_expression("#state IN (:due, :sending) AND lease_until <= :now")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":due", state(MailState::Due))
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":until", n(seconds_after(now, lease)))
            .expression_attribute_values(":now", n(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(claimed) => {
                Ok(Claimed::Yes(Box::new(read(claimed.attributes.unwrap_or_default())?)))
            }
            Err(error) => match refused_update(error)?.map(read::<Mail>).transpose()? {
                None => Ok(Claimed::Missing),
                Some(Mail { state: MailState::Due | MailState::Sending, .. }) => Ok(Claimed::Busy),
                Some(_) => Ok(Claimed::Finished),
            },
        }
    }

    /// Gives a claimed mail back, so that the next attempt need not wait for the lease.
    pub async fn release_mail(&self, id: MailId) -> Result<(), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression("SET lease_until = :over")
            .condition_expression("#state = :sending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":over", n(0))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => refused_update(error).map(drop),
        }
    }

    /// Marks a claimed mail as sent, dropped or refused. It is kept for a while, so that it is known
    /// when it is delivered again, and leaves the sweep index.
    pub async fn finish_mail(
        &self,
        id: MailId,
        ending: MailState,
        message_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let message_id = message_id.map_or(AttributeValue::Null(true), s);
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression(
                "SET #state = :ending, message_id = :message_id REMOVE sweep_pk, sweep_at",
            )
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":ending", state(ending))
            .expression_attribute_values(":message_id", message_id)
            .send()
            .await
            .map(drop)
            .or_else(|error| refused_update(error).map(drop))
    }

    /// Puts a mail that got stuck back into the stream: it is not finished, and nobody holds a lease.
    /// `false` when that is not so (any more).
    pub(super) async fn requeue_mail(&self, key: Key, now: Timestamp) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET #state = :due, sweep_at = :again, lease_until = :now")
            .condition_expression(
                "#state IN (:due, :sending) AND lease_until <= :now AND sweep_at <= :now",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":due", state(MailState::Due))
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":again", n(seconds_after(now, LOOKED_AT_AFTER)))
            .expression_attribute_values(":now", n(now.as_second()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
    }

    /// Decides that a mail is due, for nothing but itself.
    pub async fn add_mail(&self, mail: &Mail) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.table);
        request.set_item(Some(mail_item(mail)?.attributes())).send().await?;
        Ok(())
    }

    /// As part of a transaction: decides that a mail is due.
    pub(super) fn put_mail(&self, mail: &Mail) -> Result<TransactWriteItem, StoreError> {
        self.put_new(mail_item(mail)?)
    }
}

fn mail_item(mail: &Mail) -> Result<NewItem, StoreError> {
    let item = NewItem::new(Key::mail(mail.id), "mail").with_data(mail)?;
    let looked_at = seconds_after(mail.created_at, LOOKED_AT_AFTER);
    Ok(item.expiring(seconds_after(mail.created_at, KEPT)).swept(looked_at))
}

fn state(state: MailState) -> AttributeValue {
    s(match state {
        MailState::Due => "due",
        MailState::Sending => "sending",
        MailState::Sent => "sent",
        MailState::Dropped => "dropped",
        MailState::Refused => "refused",
    })
}
