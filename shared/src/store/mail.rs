//! The outbox.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::item::{Key, NewItem, n, s, unbuildable};
use super::outcome::{Outcome, StoreError, refused_update};
use super::version::{KNOWN, KNOWN_NAME, Kind, known, read};
use crate::model::code::Purpose;
use crate::model::session::seconds_after;
use crate::model::{Mail, MailId, MailKind, MailState};

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

/// How it ended with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SES has it, and calls it that.
    Sent(String),
    /// SES has it, and none of its kind was sent to the user before.
    FirstSent(String),
    /// It had gone stale, or its address has had enough or takes none.
    Dropped,
    /// SES will never take it.
    Refused,
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
            .condition_expression(format!(
                "#state IN (:due, :sending) AND lease_until <= :now AND {KNOWN}"
            ))
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":known", known(Kind::Mail))
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

    /// Puts a claimed mail off until that epoch second: nobody takes it before, and the sweep makes it due
    /// then.
    pub async fn postpone_mail(&self, id: MailId, until: i64) -> Result<(), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression("SET lease_until = :until, sweep_at = :until")
            .condition_expression("#state = :sending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":until", n(until))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => refused_update(error).map(drop),
        }
    }

    /// Writes down how it ended with a claimed mail. It is kept for a while, so that it is known when it is
    /// delivered again, and leaves the sweep index. Of the first of its kind that was sent to a user, the
    /// user item is told in the same transaction, unless the user is gone.
    pub async fn finish_mail(&self, mail: &Mail, ending: &Ending) -> Result<(), StoreError> {
        let finish = self.finish(mail.id, ending)?;
        if let (Ending::FirstSent(_), Some(flag)) = (ending, flag(mail.kind)) {
            let note = self.update_if(
                Key::user(mail.user_id),
                &format!("SET {flag} = :true"),
                "attribute_exists(pk)",
                [(":true", AttributeValue::Bool(true))],
            )?;
            let item = TransactWriteItem::builder().update(finish.clone()).build();
            if let Outcome::Done = self.transact(vec![item, note]).await? {
                return Ok(());
            }
        }
        self.client
            .update_item()
            .table_name(finish.table_name)
            .set_key(Some(finish.key))
            .update_expression(finish.update_expression)
            .set_condition_expression(finish.condition_expression)
            .set_expression_attribute_names(finish.expression_attribute_names)
            .set_expression_attribute_values(finish.expression_attribute_values)
            .send()
            .await
            .map(drop)
            .or_else(|error| refused_update(error).map(drop))
    }

    fn finish(&self, id: MailId, ending: &Ending) -> Result<Update, StoreError> {
        let (ending, message_id) = match ending {
            Ending::Sent(message_id) | Ending::FirstSent(message_id) => {
                (MailState::Sent, s(message_id))
            }
            Ending::Dropped => (MailState::Dropped, AttributeValue::Null(true)),
            Ending::Refused => (MailState::Refused, AttributeValue::Null(true)),
        };
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression(
                "SET #state = :ending, message_id = :message_id REMOVE sweep_pk, sweep_at",
            )
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":ending", state(ending))
            .expression_attribute_values(":message_id", message_id)
            .build()
            .map_err(unbuildable)
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

    /// Writes what costs as much as a mail, and means nothing.
    pub async fn add_decoy(&self, id: MailId, now: Timestamp) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.table);
        request.set_item(Some(decoy(id, now).attributes())).send().await?;
        Ok(())
    }

    /// As part of a transaction: decides that a mail is due.
    pub(super) fn put_mail(&self, mail: &Mail) -> Result<TransactWriteItem, StoreError> {
        self.put_new(mail_item(mail)?)
    }
}

/// What is written where a mail would be, and means nothing.
pub(super) fn decoy(id: MailId, now: Timestamp) -> NewItem {
    NewItem::new(Key::decoy(id), Kind::Decoy).expiring(now.as_second()).swept(now.as_second())
}

fn mail_item(mail: &Mail) -> Result<NewItem, StoreError> {
    let item = NewItem::new(Key::mail(mail.id), Kind::Mail).with_data(mail)?.of_user(mail.user_id);
    let looked_at = seconds_after(mail.created_at, LOOKED_AT_AFTER);
    Ok(item.expiring(seconds_after(mail.created_at, KEPT)).swept(looked_at))
}

/// The attribute of a user item that says that a mail of this kind was sent.
fn flag(kind: MailKind) -> Option<&'static str> {
    match kind {
        MailKind::Link(Purpose::Activation) => Some("registration_sent"),
        MailKind::Link(Purpose::PasswordReset) => Some("reset_sent"),
        MailKind::Link(Purpose::PasswordSet | Purpose::SecondaryEmail | Purpose::EmailChange)
        | MailKind::Notice(_) => None,
    }
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
