//! The addresses of a user, and their unique keys.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::SignedDuration;

use super::Store;
use super::ending::{KEEP, STANDS};
use super::factors::version;
use super::item::{Key, n, naming, s};
use super::session::used_link;
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::user::unique_key;
use super::version::KNOWN_NAME;
use crate::model::Purpose;
use crate::model::{
    Actor, EmailStatus, EventKind, Factor, Factors, FormerEmail, FormerEmails, Mail, MailKind,
    NewEvent, Pending, User, UserId,
};

/// How long the reservation of an address must still last, so that a write for the user may free it.
const KEPT_FOR_SURE: SignedDuration = SignedDuration::from_mins(1);
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

/// How an account is given back to a former address.
#[derive(Clone, Copy, Debug)]
pub struct Restoring<'a> {
    /// The address that takes the account back.
    pub returning: &'a FormerEmail,
    /// The former addresses after that.
    pub former: &'a FormerEmails,
    /// The second factors that go with it, if any.
    pub factors: Option<&'a Factors>,
}

/// The result of a write that gives an account back to a former address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It is done, and the token is used up.
    Done,
    /// The token was used before.
    Used,
    /// The account changed in the meantime: read it again.
    Changed,
    /// An account has the address.
    Taken,
}

impl Store {
    /// Records the last request for an address and its session, and writes the mails of it. `false` when that session
    /// has ended, or the epoch has changed: then nothing is written.
    pub async fn ask_for_address(
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
        let change = self.change_addresses_as_asked(
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
        let change = self.change_addresses_as_asked(
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

    /// Records whether mail to the address arrives, and in the audit trail why it does not, if the address belongs to the
    /// user. `false` when it is not (any
    /// more).
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

    /// `change` is the change of the user, and `rest` has the other items, such as unique keys. The same token at the
    /// same time meets its own unique key, too: an address is taken only if user, token and session meet their
    /// conditions.
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

    /// As part of a transaction: succeeds only if the session of the request is alive.
    fn session_stands(
        &self,
        user: &User,
        pending: &Pending,
    ) -> Result<TransactWriteItem, StoreError> {
        let values = [(":epoch", n(user.epoch)), (":now", n(self.clock.now().as_second()))];
        let session = Key::session(user.id, pending.session);
        self.check(session, "epoch = :epoch AND expires_at > :now", values)
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

    /// Gives the account back to a former first address: makes that the only address, proven, removes the password,
    /// ends all sessions, writes the mails, and uses up the token. `former` has the addresses that may still return.
    pub async fn restore_email(
        &self,
        user: &User,
        Restoring { returning, former, factors }: Restoring<'_>,
        (jti, exp): (&str, i64),
        mails: &[Mail],
    ) -> Result<Restored, StoreError> {
        let FormerEmail { email, email_key, .. } = returning;
        let mut remove = format!(
            "password, email_status, pending_email, pending_secondary_email, {REMOVE_SECONDARY}"
        );
        let mut set =
            "email = :new, email_key = :new_key, is_verified = :true, epoch = epoch + :one"
                .to_owned();
        let mut values = vec![
            (":new", s(email)),
            (":new_key", s(email_key)),
            (":true", AttributeValue::Bool(true)),
        ];
        if factors.is_some() {
            remove.push_str(", has_second_factor, second_factor_ends_at");
            set.push_str(", #version = :version");
            values.push((":version", n(version(false))));
        }
        let mut change = self.change_addresses(user, former, (&set, &remove), values)?;
        let mut transaction = Transaction::default();
        if let Some(factors) = factors {
            change = naming(change, KNOWN_NAME);
            transaction.append(self.put_factors(&factors.clone().emptied())?);
            let event = NewEvent::of(EventKind::SecondFactorRemoved, user.id);
            self.record(&mut transaction, event.with(Factor::Link))?;
        }
        let mut transaction = transaction
            .with(Part::User, change)
            .with(Part::Proof, self.put_new(used_link(jti, exp, self.shards))?)
            .with(Part::Email, self.keep_unique_key(Key::email(email_key), user.id)?);
        let kept = self.drop_kept_but(user, |key| {
            key == email_key || former.may_return(key, self.clock.now()).is_some()
        })?;
        transaction.extend(Part::Email, kept);
        for key in user.email_keys().filter(|key| key != email_key) {
            transaction.add(Part::Email, self.give_up(user, key, former)?);
        }
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        let event = NewEvent::of(EventKind::EmailRestored, user.id).with(Factor::Link);
        self.record(&mut transaction, event)?;
        self.record_proof(&mut transaction, user, Factor::Link)?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Restored::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => Restored::Used,
            TransactionResult::Refused(refused)
                if refused.has(Part::User) || refused.has(Part::Factors) =>
            {
                Restored::Changed
            }
            TransactionResult::Refused(_) => Restored::Taken,
        })
    }

    /// As part of a transaction: as [`Self::change_addresses`], if the last request has not changed since the caller
    /// read it, either.
    fn change_addresses_as_asked(
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

    /// As part of a transaction: frees an address of the user, or reserves it for the user as long as it may return.
    fn give_up(
        &self,
        user: &User,
        key: &str,
        former: &FormerEmails,
    ) -> Result<TransactWriteItem, StoreError> {
        match former.may_return(key, self.clock.now()) {
            Some(former) => {
                let values = [(":user", s(user.id.to_string())), (":until", n(former.until))];
                let until = "SET expires_at = :until";
                self.update_if(Key::email(key), until, "user_id = :user", values)
            }
            None => self.drop_unique_key(user, Key::email(key)),
        }
    }

    /// As part of a transaction: frees the addresses that are reserved for the user.
    pub(super) fn drop_kept(&self, user: &User) -> Result<Vec<TransactWriteItem>, StoreError> {
        self.drop_kept_but(user, |_| false)
    }

    /// As part of a transaction: frees the addresses that are reserved for the user, except for some. A reservation
    /// that ends soon is left out: by a clock that is ahead, the address may belong to another user.
    fn drop_kept_but(
        &self,
        user: &User,
        stays: impl Fn(&str) -> bool,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let soon = self.clock.now() + KEPT_FOR_SURE;
        let kept = user.former_emails.returning(soon);
        let kept = kept.filter(|former| !user.has_email(&former.email_key));
        let kept = kept.filter(|former| !stays(&former.email_key));
        kept.map(|former| self.drop_unique_key(user, Key::email(&former.email_key))).collect()
    }

    /// As part of a transaction: frees a unique key of the user.
    pub(super) fn drop_unique_key(
        &self,
        user: &User,
        unique_key: Key,
    ) -> Result<TransactWriteItem, StoreError> {
        let owner = [(":user", s(user.id.to_string()))];
        self.delete_if(unique_key, "user_id = :user", owner)
    }
}

/// The attribute of a user item with the last request.
fn pending_name(purpose: Purpose) -> &'static str {
    if purpose == Purpose::SecondaryEmail { "pending_secondary_email" } else { "pending_email" }
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
