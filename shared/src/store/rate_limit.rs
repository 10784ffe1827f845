//! The rate limits of mails, counted for all functions together.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::item::{Key, NewItem, n, unbuildable};
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult};
use super::version::{ItemKind, Stored, read};
use crate::model::{Limits, Mail, MailKind, Notice, Quota, Slot, SlotRequest, Slots};

/// How often a write that met another write is tried again.
const ATTEMPTS: u32 = 8;

/// Which mails are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// Those with links to the mail's address, except [`Self::Unproven`].
    Links,
    /// Those with links to the mail's address, for an account that is not verified.
    Unproven,
    /// Those of [`Self::Links`] that are caused by users who do not have the address.
    Strangers,
    /// Those that the mail's user causes to addresses that are not theirs.
    Requester,
    /// The mails of that kind to the mail's address: notices, and links that warn its owner.
    Kind(MailKind),
    /// The notices to the mail's address about sign-ups with this address.
    SignUps,
}

impl QuotaScope {
    fn limits(self) -> Limits {
        match self {
            Self::Links => Limits::LINKS,
            Self::Unproven => Limits::UNPROVEN,
            Self::Strangers => Limits::STRANGERS,
            Self::Requester => Limits::REQUESTER,
            Self::Kind(MailKind::Notice(Notice::NewDevice)) => Limits::NEW_DEVICES,
            Self::Kind(MailKind::Notice(Notice::PasswordGuessed | Notice::PasswordDisabled)) => {
                Limits::GUESSES
            }
            Self::Kind(_) => Limits::NOTICES,
            Self::SignUps => Limits::SIGN_UPS,
        }
    }

    fn key(self, mail: &Mail) -> Key {
        match self {
            Self::Links => Key::mails_to(&mail.to_key),
            Self::Unproven => Key::mails_to_of(&mail.to_key, "UNPROVEN"),
            Self::Strangers => Key::mails_to_of(&mail.to_key, "STRANGERS"),
            Self::Requester => Key::mails_of(mail.user_id),
            Self::Kind(kind) => Key::mails_to_of(&mail.to_key, &kind.name().to_ascii_uppercase()),
            Self::SignUps => Key::mails_to_of(&mail.to_key, "SIGN_UPS"),
        }
    }
}

/// The item.
#[derive(Default, Serialize, Deserialize)]
struct MailQuota {
    #[serde(rename = "bookings")]
    slots: Slots,
    /// Each write raises it, so that of two writes at once, one sees the other.
    revision: u64,
}

impl Stored for MailQuota {
    const KIND: ItemKind = ItemKind::MailQuota;
}

impl Store {
    /// Gives the mail one moment in all of those quotas, or in none of them: see [`Quota::take_slot`].
    pub async fn take_slot(
        &self,
        mail: &Mail,
        counted: &[QuotaScope],
        now: Timestamp,
    ) -> Result<Slot, StoreError> {
        // Mails of one user go to many addresses, so no two of them have the same content.
        let says = mail.says().filter(|_| !counted.contains(&QuotaScope::Requester));
        let request = SlotRequest { mail: mail.id, says, may_wait: mail.may_wait };
        for attempt in 0..ATTEMPTS {
            let found = try_join_all(counted.iter().map(|counted| self.get(counted.key(mail))));
            let mut quotas = Vec::new();
            let mut revisions = Vec::new();
            for (counted, found) in counted.iter().zip(found.await?) {
                let MailQuota { slots, revision } =
                    found.map(read::<MailQuota>).transpose()?.unwrap_or_default();
                quotas.push(Quota { limits: counted.limits(), slots });
                revisions.push(revision);
            }
            let is_known = quotas.iter().any(|quota| quota.slots.hold(mail.id));
            let slot = Quota::take_slot(&mut quotas, &request, now);
            let is_taken = match slot {
                Slot::Now | Slot::At(_) => !is_known,
                Slot::Repeated | Slot::Full => false,
            };
            if !is_taken {
                return Ok(slot);
            }
            let mut puts = Vec::new();
            for ((counted, quota), revision) in counted.iter().zip(quotas).zip(revisions) {
                puts.push(self.put_quota(counted.key(mail), quota, revision, now)?);
            }
            if self.write_quotas(puts).await? {
                return Ok(slot);
            }
            tokio::time::sleep(self.pause(attempt)).await;
        }
        Err(StoreError::Conflict)
    }

    /// On the condition that no other function has written since.
    fn put_quota(
        &self,
        key: Key,
        quota: Quota,
        revision: u64,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let ends_at = quota.ends_at(now);
        let record = MailQuota { slots: quota.slots, revision: revision + 1 };
        let item = NewItem::new(key, ItemKind::MailQuota).with_data(&record)?.expiring(ends_at);
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression("attribute_not_exists(pk) OR revision = :revision")
            .expression_attribute_values(":revision", n(revision))
            .build()
            .map_err(unbuildable)
    }

    /// All or none: `false` when another function has written one of them since. A single one needs no
    /// transaction, which costs twice as much.
    async fn write_quotas(&self, mut puts: Vec<Put>) -> Result<bool, StoreError> {
        if puts.len() > 1 {
            let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build());
            let mut transaction = Transaction::default();
            transaction.extend(Part::Quota, items);
            return Ok(matches!(self.transact(transaction).await?, TransactionResult::Done));
        }
        let Some(put) = puts.pop() else { return Ok(true) };
        let values: Option<Item> = put.expression_attribute_values;
        let answer = self
            .client
            .put_item()
            .table_name(put.table_name)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(values)
            .send()
            .await;
        let Err(error) = answer else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(error.into()),
        }
    }
}
