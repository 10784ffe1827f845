//! How many mails somebody gets, counted for all functions together.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::item::{Key, NewItem, n};
use super::outcome::StoreError;
use super::version::{Kind, Stored, read};
use crate::model::{Booked, Bookings, Limits, Mail};

/// How often a booking is tried again that met another.
const ATTEMPTS: u32 = 8;

/// Whose mails are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All that go to the mail's address.
    Address,
    /// Those that its user has sent to addresses that are not theirs.
    Asker,
    /// Those to the mail's address that users have sent who do not have it.
    Strangers,
    /// The notices to the mail's address that somebody wanted to sign up with it.
    SignUps,
}

/// The item.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    bookings: Bookings,
    /// Raised by each write, so that of two at once one sees what the other did.
    revision: u64,
}

impl Stored for Record {
    const KIND: Kind = Kind::Bookings;
}

impl Store {
    /// Gives the mail a moment among those that were sent or wait: see [`Bookings::book`].
    pub async fn book_mail(
        &self,
        mail: &Mail,
        counted: Counted,
        now: Timestamp,
    ) -> Result<Booked, StoreError> {
        let (key, limits) = match counted {
            Counted::Address => (Key::mails_to(&mail.to_key), Limits::ADDRESS),
            Counted::Asker => (Key::mails_of(mail.user_id), Limits::ASKER),
            Counted::Strangers => (Key::mails_to_of(&mail.to_key, "STRANGERS"), Limits::STRANGERS),
            Counted::SignUps => (Key::mails_to_of(&mail.to_key, "SIGN_UPS"), Limits::SIGN_UPS),
        };
        for attempt in 0..ATTEMPTS {
            let found = self.get(key.clone()).await?.map(read::<Record>).transpose()?;
            let Record { mut bookings, revision } = found.unwrap_or_default();
            let before = bookings.clone();
            let booked = bookings.book(mail.id, limits, mail.may_wait, now);
            let is_known = bookings == before;
            if is_known || self.write_bookings(&key, bookings, revision, limits, now).await? {
                return Ok(booked);
            }
            tokio::time::sleep(self.pause(attempt)).await;
        }
        Err(StoreError::Conflict)
    }

    /// `false` when somebody else has written since.
    async fn write_bookings(
        &self,
        key: &Key,
        bookings: Bookings,
        revision: u64,
        limits: Limits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let over_at = bookings.over_at(limits, now);
        let record = Record { bookings, revision: revision + 1 };
        let item = NewItem::new(key.clone(), Kind::Bookings).with_data(&record)?.expiring(over_at);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.attributes()))
            .condition_expression("attribute_not_exists(pk) OR revision = :revision")
            .expression_attribute_values(":revision", n(revision))
            .send()
            .await;
        let Err(error) = answer else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(error.into()),
        }
    }
}
