//! Sign-ups that have no account yet.
//!
//! The key of a sign-up has the digest of the address, which a link names, too, and the id that the account will have.
//! So a link, a code and a mail each lead to their sign-up, and an address leads to its newest sign-up.

use super::Store;
use super::item::{Key, NewItem, n, pending_pk, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::user::{Created, Proof, Taken, Verified};
use super::version::{ItemKind, read};
use crate::model::{EventKind, Mail, NewEvent, PendingSignUp, SignUp, User, UserId};

impl Store {
    /// Writes a sign-up, the unique keys of its username, which end with it, and its mails, all or nothing. It does
    /// not check whether the address has an account: only a taken name refuses it.
    pub async fn create_pending(
        &self,
        pending: &PendingSignUp,
        mails: &[Mail],
    ) -> Result<Created, StoreError> {
        let account = &pending.account;
        let key = Key::pending(&account.first_email().digest(), account.id);
        let item = NewItem::new(key, ItemKind::Pending).with_data(pending)?;
        let item = item.swept(pending.ends_at, self.shards);
        let mut transaction = Transaction::default().with(Part::Pending, self.put_new(item)?);
        transaction.extend(Part::Username, self.put_name(account)?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Created::Done,
            TransactionResult::Refused(_) => Created::Taken(Taken { email: false, username: true }),
        })
    }

    /// The pending sign-up of that address and that id, unless it has ended.
    pub async fn pending(
        &self,
        email_digest: &str,
        id: UserId,
    ) -> Result<Option<PendingSignUp>, StoreError> {
        let found = self.get(Key::pending(email_digest, id)).await?;
        let found = found.map(read::<PendingSignUp>).transpose()?;
        Ok(found.filter(|pending| self.is_pending(pending)))
    }

    /// The newest sign-up of that address, unless it has ended.
    pub async fn newest_pending(
        &self,
        email_digest: &str,
    ) -> Result<Option<PendingSignUp>, StoreError> {
        Ok(self.newest(email_digest, 1).await?.pop())
    }

    /// Whether there is another pending sign-up with the address of that one: it may be of another person.
    pub async fn is_disputed(&self, pending: &PendingSignUp) -> Result<bool, StoreError> {
        let account = &pending.account;
        let newest = self.newest(&account.first_email().digest(), 2).await?;
        Ok(newest.iter().any(|other| other.account.id != account.id))
    }

    /// The newest sign-ups of that address that have not ended: ids sort by time.
    async fn newest(
        &self,
        email_digest: &str,
        count: i32,
    ) -> Result<Vec<PendingSignUp>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(pending_pk(email_digest)))
            .scan_index_forward(false)
            .limit(count)
            .send()
            .await?;
        let found = answer.items.unwrap_or_default().into_iter().map(read::<PendingSignUp>);
        let found: Vec<_> = found.collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter(|pending| self.is_pending(pending)).collect())
    }

    /// The sign-up of that id, whether it has its account or is pending. A pending one becomes an account in one
    /// write, so if neither is there, the account is looked for once more.
    pub async fn sign_up(
        &self,
        email_digest: &str,
        id: UserId,
    ) -> Result<Option<SignUp>, StoreError> {
        if let Some(user) = self.user(id).await? {
            return Ok(Some(SignUp::Account(Box::new(user))));
        }
        if let Some(pending) = self.pending(email_digest, id).await? {
            return Ok(Some(SignUp::Pending(Box::new(pending))));
        }
        Ok(self.user(id).await?.map(|user| SignUp::Account(Box::new(user))))
    }

    /// Replaces a pending sign-up, whose address is proven, by its account: writes the unique keys, removes the end
    /// of the username, and writes the mails. Uses up the proof.
    pub async fn create_proven(
        &self,
        user: &User,
        proof: Proof<'_>,
        mails: &[Mail],
    ) -> Result<Verified, StoreError> {
        let key = Key::pending(&user.first_email().digest(), user.id);
        let now = [(":now", n(self.clock.now().as_second()))];
        let mut transaction = Transaction::default()
            .with(Part::Pending, self.delete_if(key, "expires_at > :now", now)?);
        transaction.append(self.put_user(user)?);
        transaction.extend(Part::Username, self.keep_name(user)?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        let factor = proof.factor();
        for kind in [EventKind::SignedUp, EventKind::AddressVerified] {
            self.record(&mut transaction, NewEvent::of(kind, user.id).with(factor))?;
        }
        // A link is used up with its sign-up.
        if let Proof::Code { .. } = proof {
            transaction.add(Part::Proof, self.use_up(&user.email_key, proof)?);
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Verified::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Pending) => Verified::Changed,
            TransactionResult::Refused(refused) if refused.has(Part::Email) => Verified::Taken,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => Verified::ProofUsed,
            TransactionResult::Refused(_) => Verified::Ended,
        })
    }

    fn is_pending(&self, pending: &PendingSignUp) -> bool {
        self.clock.now().as_second() < pending.ends_at
    }
}
