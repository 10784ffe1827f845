//! The addresses of a user, and their guards.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::ending::{KEEP, STANDS};
use super::item::{Key, n, s};
use super::outcome::{Outcome, StoreError, refused_update};
use super::session::blacklisted;
use super::user::guard;
use super::version::read;
use crate::model::{EmailStatus, Mail, MailId, User, UserId};

/// What makes a user one without a second address.
const REMOVE_SECONDARY: &str =
    "REMOVE secondary_email, secondary_email_key, secondary_email_status";

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
    /// which is free from then on; decides on the notice of it, if any, and uses up the token. The account
    /// stays by that.
    pub async fn change_email(
        &self,
        user: &User,
        mail: &Mail,
        notice: Option<&Mail>,
    ) -> Result<NewAddress, StoreError> {
        let mut items = vec![
            self.change_addresses(
                user,
                &format!(
                    "SET email = :new, email_key = :new_key, is_verified = :true {KEEP}, email_status"
                ),
                [
                    (":new", s(&mail.to)),
                    (":new_key", s(&mail.to_key)),
                    (":true", AttributeValue::Bool(true)),
                ],
            )?,
            self.use_up_link(mail)?,
        ];
        items.extend(notice.map(|notice| self.put_mail(notice)).transpose()?);
        // Another spelling of the same address has the same guard.
        if mail.to_key == user.email_key {
            items.extend(self.keep_guards(user)?);
        } else {
            items.push(self.put_guard(guard(Key::email(&mail.to_key), user.id, None))?);
            items.push(self.drop_guard(user, &user.email_key)?);
            if user.ends_at.is_some() {
                items.push(self.keep_guard(Key::username(&user.username_key), user.id)?);
            }
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
                "SET secondary_email = :new, secondary_email_key = :new_key REMOVE secondary_email_status",
                [(":new", s(&mail.to)), (":new_key", s(&mail.to_key))],
            )?,
            self.use_up_link(mail)?,
            self.put_guard(guard(Key::email(&mail.to_key), user.id, None))?,
        ];
        if let Some(before) = &user.secondary_email_key {
            items.push(self.drop_guard(user, before)?);
        }
        self.take_address(items).await
    }

    /// Notes whether mail to the address arrives, if it is the user's. `false` when it is not (any more).
    pub async fn set_email_status(
        &self,
        user: UserId,
        email_key: &str,
        status: EmailStatus,
    ) -> Result<bool, StoreError> {
        for (attribute, key) in
            [("email_status", "email_key"), ("secondary_email_status", "secondary_email_key")]
        {
            let answer = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(Key::user(user).attributes()))
                .update_expression(format!("SET {attribute} = :status"))
                .condition_expression(format!("{key} = :key"))
                .expression_attribute_values(":status", s(status.name()))
                .expression_attribute_values(":key", s(email_key))
                .send()
                .await;
            match answer {
                Ok(_) => return Ok(true),
                Err(error) => refused_update(error).map(drop)?,
            }
        }
        Ok(false)
    }

    /// Lets mail go to all addresses of the user again. `false` when there is no such user.
    pub async fn clear_email_status(&self, user: UserId) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression("REMOVE email_status, secondary_email_status")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
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
             secondary_email = :email, secondary_email_key = :email_key, \
             email_status = if_not_exists(secondary_email_status, :ok), \
             secondary_email_status = if_not_exists(email_status, :ok)",
            [
                (":secondary", s(secondary)),
                (":email", s(&user.email)),
                (":ok", s(EmailStatus::Ok.name())),
            ],
        )?;
        Ok(matches!(self.transact(vec![swap]).await?, Outcome::Done))
    }

    /// Gives the second address up, guard and all. `false` when the addresses changed meanwhile.
    pub async fn remove_secondary_email(&self, user: &User) -> Result<bool, StoreError> {
        let Some(key) = &user.secondary_email_key else { return Ok(false) };
        let items =
            vec![self.change_addresses(user, REMOVE_SECONDARY, [])?, self.drop_guard(user, key)?];
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
        all.push((":now", n(self.clock.now().as_second())));
        let update = format!("{update} ADD address_changes :one");
        let condition = format!("{addresses} AND epoch = :epoch AND {STANDS}");
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
