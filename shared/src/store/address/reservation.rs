//! Frees the addresses that a user gives up, or reserves them for the user.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::SignedDuration;

use crate::model::{FormerEmails, User};
use crate::store::Store;
use crate::store::item::{Key, n, s};
use crate::store::transaction::StoreError;

/// How long the reservation of an address must still last, so that a write for the user may free it.
const KEPT_FOR_SURE: SignedDuration = SignedDuration::from_mins(1);

impl Store {
    /// As part of a transaction: frees an address of the user, or reserves it for the user as long as it may return.
    pub(super) fn give_up(
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
    pub(in crate::store) fn drop_kept(
        &self,
        user: &User,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        self.drop_kept_but(user, |_| false)
    }

    /// As part of a transaction: frees the addresses that are reserved for the user, except for some. A reservation
    /// that ends soon is left out: by a clock that is ahead, the address may belong to another user.
    pub(super) fn drop_kept_but(
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
    pub(in crate::store) fn drop_unique_key(
        &self,
        user: &User,
        unique_key: Key,
    ) -> Result<TransactWriteItem, StoreError> {
        let owner = [(":user", s(user.id.to_string()))];
        self.delete_if(unique_key, "user_id = :user", owner)
    }
}
