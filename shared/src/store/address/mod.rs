//! The addresses of a user, and their unique keys.

mod request;
mod reservation;
mod restore;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::ending::{KEEP, STANDS};
use super::item::{Key, n, s};
use super::session::used_link;
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::unique_key::unique_key;
use crate::model::{
    Actor, EmailStatus, EventKind, Factor, FormerEmails, Mail, MailKind, NewEvent, Purpose, User,
    UserId,
};
use request::pending_name;

pub use restore::{Restored, Restoring};

/// The attributes of a second address.
const REMOVE_SECONDARY: &str = "secondary_email, secondary_email_key, secondary_email_status";

/// The result of a write that gives an address to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewAddress {
    /// It is done, and the token is used up.
    Done,
    /// An account has it.
    Taken,
    /// The token was used before, the session of the request has ended, or the account changed in the meantime.
    Refused,
}

impl Store {
    /// Makes the address of the mail the first one, and records that it is proven. The address before it is reserved
    /// for the user as long as it may return, and otherwise free. Writes the notices, uses up the token, and removes
    /// the end of the account.
    pub async fn change_email(
        &self,
        user: &User,
        mail: &Mail,
        former: &FormerEmails,
        notices: &[Mail],
    ) -> Result<NewAddress, StoreError> {
        let remove = format!("{}, email_status, pending_email", KEEP.trim_start_matches("REMOVE "));
        let change = self.change_addresses_as_requested(
            user,
            Purpose::EmailChange,
            former,
            ("email = :new, email_key = :new_key, is_verified = :true", &remove),
            [
                (":new", s(&mail.to)),
                (":new_key", s(&mail.to_key)),
                (":true", AttributeValue::Bool(true)),
            ],
        )?;
        let mut rest = Transaction::default();
        rest.extend(Part::Mail, self.put_mails(notices)?);
        let event = NewEvent::of(EventKind::EmailChanged, user.id).with(Factor::Link);
        self.record(&mut rest, event)?;
        self.record_proof(&mut rest, user, Factor::Link)?;
        let kept = self.drop_kept_but(user, |key| {
            key == mail.to_key || former.may_return(key, self.clock.now()).is_some()
        })?;
        rest.extend(Part::Email, kept);
        // Another spelling of the same address has the same unique key.
        if mail.to_key == user.email_key {
            rest.append(self.keep_unique_keys(user)?);
        } else {
            let new = unique_key(Key::email(&mail.to_key), user.id, None);
            rest.add(Part::Email, self.put_unique_key(new)?);
            rest.add(Part::Email, self.give_up(user, &user.email_key, former)?);
            if user.ends_at.is_some() {
                rest.extend(Part::Username, self.keep_name(user)?);
            }
        }
        self.take_address(user, mail, (change, rest)).await
    }

    /// Makes the address of the mail the second one, removes the one before, writes the notices, and uses up the
    /// token.
    pub async fn set_secondary_email(
        &self,
        user: &User,
        mail: &Mail,
        former: &FormerEmails,
        notices: &[Mail],
    ) -> Result<NewAddress, StoreError> {
        let change = self.change_addresses_as_requested(
            user,
            Purpose::SecondaryEmail,
            former,
            (
                "secondary_email = :new, secondary_email_key = :new_key",
                "secondary_email_status, pending_secondary_email",
            ),
            [(":new", s(&mail.to)), (":new_key", s(&mail.to_key))],
        )?;
        let new = unique_key(Key::email(&mail.to_key), user.id, None);
        let mut rest = Transaction::default().with(Part::Email, self.put_unique_key(new)?);
        rest.extend(Part::Mail, self.put_mails(notices)?);
        let event = NewEvent::of(EventKind::SecondaryEmailAdded, user.id).with(Factor::Link);
        self.record(&mut rest, event)?;
        if let Some(before) = &user.secondary_email_key {
            rest.add(Part::Email, self.give_up(user, before, former)?);
        }
        self.take_address(user, mail, (change, rest)).await
    }

    /// Records whether mail to the address arrives, and in the audit trail why it does not. `false` if the address does
    /// not belong to the user (any more): then nothing is written.
    pub async fn set_email_status(
        &self,
        user: UserId,
        email_key: &str,
        status: EmailStatus,
        cause: Option<String>,
    ) -> Result<bool, StoreError> {
        let event = match status {
            EmailStatus::Ok => None,
            EmailStatus::Bounced => Some(EventKind::MailBounced),
            EmailStatus::Complained => Some(EventKind::MailComplained),
        };
        for (attribute, key) in
            [("email_status", "email_key"), ("secondary_email_status", "secondary_email_key")]
        {
            let update = format!("SET {attribute} = :status");
            let condition = format!("{key} = :key");
            let values = [(":status", s(status.name())), (":key", s(email_key))];
            let set = self.update_if(Key::user(user), &update, &condition, values)?;
            let mut transaction = Transaction::default().with(Part::User, set);
            if let Some(event) = event {
                let event = NewEvent::of(event, user).by(Actor::System);
                self.record(&mut transaction, NewEvent { detail: cause.clone(), ..event })?;
            }
            if let TransactionResult::Done = self.transact(transaction).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `change` is the change of the user, and `rest` has the other items, such as unique keys. If user, token or
    /// session fails its condition, the result is [`NewAddress::Refused`], even if a unique key is taken, too: of two
    /// calls with the same token at the same time, the later one finds the unique key of the earlier one.
    async fn take_address(
        &self,
        user: &User,
        mail: &Mail,
        (change, rest): (TransactWriteItem, Transaction),
    ) -> Result<NewAddress, StoreError> {
        let proof = self.put_new(used_link(&mail.id.to_string(), mail.stale_at, self.shards))?;
        let mut transaction =
            Transaction::default().with(Part::User, change).with(Part::Proof, proof);
        let pending = match mail.kind {
            MailKind::Link(purpose) => user.pending(purpose),
            MailKind::Notice(_) => None,
        };
        let session = pending.map(|pending| self.session_stands(user, pending)).transpose()?;
        transaction.extend(Part::Session, session);
        transaction.append(rest);
        let proofs = [Part::User, Part::Proof, Part::Session];
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => NewAddress::Done,
            TransactionResult::Refused(refused) if proofs.iter().any(|part| refused.has(*part)) => {
                NewAddress::Refused
            }
            TransactionResult::Refused(_) => NewAddress::Taken,
        })
    }

    /// Swaps the two addresses, and writes the notices of it. Both unique keys belong to the user already. `false`
    /// when the addresses changed in the meantime.
    pub async fn swap_emails(
        &self,
        user: &User,
        former: &FormerEmails,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        let secondary = user.secondary_email.clone().unwrap_or_default();
        let swap = self.change_addresses(
            user,
            former,
            (
                "email = :secondary, email_key = :was_key, \
                 secondary_email = :email, secondary_email_key = :email_key, \
                 email_status = if_not_exists(secondary_email_status, :ok), \
                 secondary_email_status = if_not_exists(email_status, :ok)",
                "pending_email",
            ),
            [
                (":secondary", s(secondary)),
                (":email", s(&user.email)),
                (":ok", s(EmailStatus::Ok.name())),
            ],
        )?;
        let mut transaction = Transaction::default().with(Part::User, swap);
        let kept =
            self.drop_kept_but(user, |key| former.may_return(key, self.clock.now()).is_some())?;
        transaction.extend(Part::Email, kept);
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        self.record(&mut transaction, NewEvent::of(EventKind::EmailsSwapped, user.id))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// Removes the second address, and writes the notices of it. `false` when the addresses changed in the meantime.
    pub async fn remove_secondary_email(
        &self,
        user: &User,
        former: &FormerEmails,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        let Some(key) = &user.secondary_email_key else { return Ok(false) };
        let change = self.change_addresses(user, former, ("", REMOVE_SECONDARY), [])?;
        let mut transaction = Transaction::default()
            .with(Part::User, change)
            .with(Part::Email, self.give_up(user, key, former)?);
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        self.record(&mut transaction, NewEvent::of(EventKind::SecondaryEmailRemoved, user.id))?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// As part of a transaction: as [`Self::change_addresses`], if the last request has not changed since the caller
    /// read it, either.
    fn change_addresses_as_requested(
        &self,
        user: &User,
        purpose: Purpose,
        former: &FormerEmails,
        change: (&str, &str),
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let name = pending_name(purpose);
        let mut values: Vec<_> = values.into_iter().collect();
        let condition = if let Some(pending) = user.pending(purpose) {
            values.push((":pending", serde_dynamo::to_attribute_value(pending)?));
            format!(" AND {name} = :pending")
        } else {
            format!(" AND attribute_not_exists({name})")
        };
        self.change_addresses_if(user, &condition, former, change, values)
    }

    /// As part of a transaction: changes the addresses of a user, and counts the change, if no other write has
    /// changed them since the caller read them. The parts of an update name the attributes to set and to remove.
    fn change_addresses(
        &self,
        user: &User,
        former: &FormerEmails,
        change: (&str, &str),
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        self.change_addresses_if(user, "", former, change, values.into_iter().collect())
    }

    fn change_addresses_if(
        &self,
        user: &User,
        further_condition: &str,
        former: &FormerEmails,
        (set, remove): (&str, &str),
        values: Vec<(&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let (addresses, mut all) = same_addresses(user);
        all.extend(values);
        all.push((":epoch", n(user.epoch)));
        all.push((":one", n(1)));
        all.push((":former", serde_dynamo::to_attribute_value(former)?));
        all.push((":changes", n(user.address_changes)));
        all.push((":now", n(self.clock.now().as_second())));
        let set = if set.is_empty() { String::new() } else { format!(", {set}") };
        let update =
            format!("SET former_emails = :former{set} REMOVE {remove} ADD address_changes :one");
        let unchanged = if user.address_changes == 0 {
            "(attribute_not_exists(address_changes) OR address_changes = :changes)"
        } else {
            "address_changes = :changes"
        };
        let condition = format!(
            "{addresses} AND epoch = :epoch AND {STANDS} AND {unchanged}{further_condition}"
        );
        self.update_if(Key::user(user.id), &update, &condition, all)
    }
}

/// The condition that the addresses of a user have not changed since the caller read them, and its values.
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
