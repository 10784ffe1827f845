//! The addresses of a user, and their guards.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::item::{Key, n, s};
use super::outcome::{Outcome, StoreError};
use super::session::blacklisted;
use super::user::{guard, read};
use crate::model::{Mail, MailId, User};

/// What became of an address that was to become somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewAddress {
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

    /// Makes the address that the mail went to the first one, proven by that, in place of the one before,
    /// which is free from then on; decides on the notice of it, and uses up the token.
    pub async fn change_email(
        &self,
        user: &User,
        mail: &Mail,
        notice: &Mail,
    ) -> Result<NewAddress, StoreError> {
        let mut items = vec![
            self.change_addresses(
                user,
                "SET email = :new, email_key = :new_key, is_verified = :true",
                [
                    (":new", s(&mail.to)),
                    (":new_key", s(&mail.to_key)),
                    (":true", AttributeValue::Bool(true)),
                ],
            )?,
            self.use_up_link(mail)?,
            self.put_mail(notice)?,
        ];
        // Another spelling of the same address has the same guard.
        if mail.to_key != user.email_key {
            items.push(self.put_new(guard(Key::email(&mail.to_key), user.id))?);
            items.push(self.drop_guard(user, &user.email_key)?);
        }
        self.take_address(items).await
    }

    /// Takes the address that the mail went to, gives the one before up, and uses up the token.
    pub async fn set_secondary_email(
        &self,
        user: &User,
        mail: &Mail,
    ) -> Result<NewAddress, StoreError> {
        let mut items = vec![
            self.change_addresses(
                user,
                "SET secondary_email = :new, secondary_email_key = :new_key",
                [(":new", s(&mail.to)), (":new_key", s(&mail.to_key))],
            )?,
            self.use_up_link(mail)?,
            self.put_new(guard(Key::email(&mail.to_key), user.id))?,
        ];
        if let Some(before) = &user.secondary_email_key {
            items.push(self.drop_guard(user, before)?);
        }
        self.take_address(items).await
    }

    fn use_up_link(&self, mail: &Mail) -> Result<TransactWriteItem, StoreError> {
        self.put_new(blacklisted(&mail.id.to_string(), mail.stale_at))
    }

    /// `items` are the user, the token, and the rest, guards among it. The same token at the same time
    /// meets its own guard, too: an address is taken only if user and token are as they should be.
    async fn take_address(&self, items: Vec<TransactWriteItem>) -> Result<NewAddress, StoreError> {
        Ok(match self.transact(items).await? {
            Outcome::Done => NewAddress::Done,
            Outcome::Refused(refused) if refused[0] || refused[1] => NewAddress::Refused,
            Outcome::Refused(_) => NewAddress::Taken,
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

    /// As part of a transaction: changes the addresses of a user, and counts that, if they, and the epoch,
    /// are as the caller knows them.
    fn change_addresses<const N: usize>(
        &self,
        user: &User,
        update: &str,
        values: [(&'static str, AttributeValue); N],
    ) -> Result<TransactWriteItem, StoreError> {
        let (addresses, mut all) = same_addresses(user);
        all.extend(values);
        all.push((":epoch", n(user.epoch)));
        all.push((":one", n(1)));
        let update = format!("{update} ADD address_changes :one");
        let condition = format!("{addresses} AND epoch = :epoch");
        self.update_if(Key::user(user.id), &update, &condition, all)
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

/// The condition that the addresses of a user are as the caller knows them, and its values.
pub(super) fn same_addresses(user: &User) -> (&'static str, Vec<(&'static str, AttributeValue)>) {
    let first = (":email_key", s(&user.email_key));
    if let Some(key) = &user.secondary_email_key {
        let condition = "email_key = :email_key AND secondary_email_key = :was_key";
        (condition, vec![first, (":was_key", s(key))])
    } else {
        let condition = "email_key = :email_key AND attribute_not_exists(secondary_email_key)";
        (condition, vec![first])
    }
}
