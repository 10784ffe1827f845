//! Mails that become due, and decoys in their place.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::item::{Key, NewItem};
use super::transaction::{Part, StoreError, Transaction};
use super::version::ItemKind;
use super::{Shards, Store};
use crate::model::session::seconds_after;
use crate::model::{Mail, MailId, MailKind};

/// How long a mail is kept at the least: longer than the stream can deliver it again.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When the sweep first looks whether a mail got stuck.
const LOOKED_AT_AFTER: SignedDuration = SignedDuration::from_mins(5);

impl Store {
    /// Writes a due mail that no other write causes. Its id is new, so an existing item means that this call wrote it
    /// before: the SDK repeats a call whose answer was lost, and by then the mail may be sent.
    pub async fn add_mail(&self, mail: &Mail) -> Result<(), StoreError> {
        self.add_new(mail_item(mail, self.shards)?).await
    }

    /// Writes a decoy, which costs as much as a mail.
    pub async fn add_decoy(&self, id: MailId, now: Timestamp) -> Result<(), StoreError> {
        self.add_new(decoy(id, now, self.shards)).await
    }

    /// Writes two decoys, which cost as much as a transaction of two items.
    pub async fn add_decoys(&self, ids: [MailId; 2], now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = Transaction::default();
        for id in ids {
            transaction.add(Part::Mail, self.put_new(decoy(id, now, self.shards))?);
        }
        self.transact(transaction).await.map(drop)
    }

    /// Writes an item whose key no other item can have, once.
    pub(super) async fn add_new(&self, item: NewItem) -> Result<(), StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(error.into()),
        }
    }

    /// As part of a transaction: writes a due mail.
    pub(super) fn put_mail(&self, mail: &Mail) -> Result<TransactWriteItem, StoreError> {
        self.put_new(mail_item(mail, self.shards)?)
    }

    /// As part of a transaction: decides that mails are due, to be sent in that order.
    pub(super) fn put_mails(&self, mails: &[Mail]) -> Result<Vec<TransactWriteItem>, StoreError> {
        mails.iter().map(|mail| self.put_mail(mail)).collect()
    }
}

/// A decoy: a write in place of a mail. It has no meaning.
fn decoy(id: MailId, now: Timestamp, shards: Shards) -> NewItem {
    let (item, now) = (NewItem::new(Key::decoy(id), ItemKind::Decoy), now.as_second());
    item.expiring(now).swept(now, shards)
}

/// The address that a link proves is read from the mail, so it is kept for as long as its link is good.
fn mail_item(mail: &Mail, shards: Shards) -> Result<NewItem, StoreError> {
    let item = NewItem::new(Key::mail(mail.id), ItemKind::Mail).with_data(mail)?;
    // The notice of the end of an account is not deleted with the account.
    let item = if mail.username.is_some() { item } else { item.of_user(mail.user_id) };
    let looked_at = seconds_after(mail.created_at, LOOKED_AT_AFTER);
    let kept = seconds_after(mail.created_at, KEPT);
    let kept = match mail.kind {
        MailKind::Link(_) => kept.max(mail.stale_at),
        MailKind::Notice(_) => kept,
    };
    Ok(item.expiring(kept).swept(looked_at, shards))
}
