//! The second address of a user, and its guard.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::item::{Key, n, s};
use super::outcome::{Outcome, StoreError};
use super::session::blacklisted;
use super::user::{guard, read};
use crate::model::{Mail, MailId, User};

/// What became of an address that was to become somebody's second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondaryEmail {
    /// It is, and the token is used up.
    Done,
    /// Somebody has it.
    Taken,
    /// The token was used before, or the account changed meanwhile.
    Refused,
}

impl Store {
    /// The mail of that id.
    pub async fn mail(&self, id: MailId) -> Result<Option<Mail>, StoreError> {
        self.get(Key::mail(id)).await?.map(read).transpose()
    }

    /// Takes the address that the mail went to, gives the one before up, and uses up the token.
    pub async fn set_secondary_email(
        &self,
        user: &User,
        mail: &Mail,
        jti: &str,
        exp: i64,
    ) -> Result<SecondaryEmail, StoreError> {
        let mut items = vec![
            self.put_new(guard(Key::email(&mail.to_key), user.id))?,
            self.change_addresses(
                user,
                "SET secondary_email = :new, secondary_email_key = :new_key",
                [(":new", s(&mail.to)), (":new_key", s(&mail.to_key))],
            )?,
            self.put_new(blacklisted(jti, exp))?,
        ];
        if let Some(before) = &user.secondary_email_key {
            items.push(self.drop_guard(user, before)?);
        }
        Ok(match self.transact(items).await? {
            Outcome::Done => SecondaryEmail::Done,
            Outcome::Refused(refused) if refused[0] => SecondaryEmail::Taken,
            Outcome::Refused(_) => SecondaryEmail::Refused,
        })
    }

    /// Swaps the two addresses. Both guards lead to the user anyway. `false` when the addresses
    /// changed meanwhile.
    pub async fn swap_emails(&self, user: &User) -> Result<bool, StoreError> {
        let secondary = user.secondary_email.clone().unwrap_or_default();
        let swap = self.change_addresses(
            user,
            "SET email = :secondary, email_key = :was_key, \
             secondary_email = :email, secondary_email_key = :email_key",
            [(":secondary", s(secondary)), (":email", s(&user.email))],
        )?;
        Ok(matches!(self.transact(vec![swap]).await?, Outcome::Done))
    }

    /// Gives the second address up, guard and all. `false` when the addresses changed meanwhile.
    pub async fn remove_secondary_email(&self, user: &User) -> Result<bool, StoreError> {
        let Some(key) = &user.secondary_email_key else { return Ok(false) };
        let items = vec![
            self.change_addresses(user, "REMOVE secondary_email, secondary_email_key", [])?,
            self.drop_guard(user, key)?,
        ];
        Ok(matches!(self.transact(items).await?, Outcome::Done))
    }

    /// As part of a transaction: changes the addresses of a user if they, and the epoch, are as the caller
    /// knows them.
    fn change_addresses<const N: usize>(
        &self,
        user: &User,
        update: &str,
        values: [(&'static str, AttributeValue); N],
    ) -> Result<TransactWriteItem, StoreError> {
        let mut values = Vec::from(values);
        values.push((":email_key", s(&user.email_key)));
        values.push((":epoch", n(user.epoch)));
        let condition = if let Some(key) = &user.secondary_email_key {
            values.push((":was_key", s(key)));
            "email_key = :email_key AND epoch = :epoch AND secondary_email_key = :was_key"
        } else {
            "email_key = :email_key AND epoch = :epoch \
             AND attribute_not_exists(secondary_email_key)"
        };
        self.update_if(Key::user(user.id), update, condition, values)
    }

    /// As part of a transaction: gives an address of the user free.
    pub(super) fn drop_guard(
        &self,
        user: &User,
        key: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let owner = [(":user", s(user.id.to_string()))];
        self.delete_if(Key::email(key), "user_id = :user", owner)
    }
}
