//! Gives an account back to a former address.

use aws_sdk_dynamodb::types::AttributeValue;

use super::REMOVE_SECONDARY;
use crate::model::{EventKind, Factor, Factors, FormerEmail, FormerEmails, Mail, NewEvent, User};
use crate::store::Store;
use crate::store::factors::version;
use crate::store::item::{Key, n, naming, s};
use crate::store::session::used_link;
use crate::store::transaction::{Part, StoreError, Transaction, TransactionResult};
use crate::store::version::KNOWN_NAME;

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
}
