//! Changes by staff to the accounts of others, and the conditions that keep the last of the staff from leaving.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::ending::STANDS;
use super::item::{Key, n, naming, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use crate::model::{Role, User, UserId};

/// The name in expressions for `role`, which is a reserved word.
pub(super) const ROLE: (&str, &str) = ("#role", "role");
/// The condition that a user is one of the staff. Goes with the values of [`staff`] and with [`ROLE`].
const IS_STAFF: &str = "#role = :staff AND is_active = :true AND is_verified = :true";

/// A change by staff to the account of another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffChange {
    /// It is banned, or not any more. All sessions end.
    Active(bool),
    /// It has that role. All sessions end.
    Role(Role),
    /// Mail goes to all of its addresses again.
    ClearEmailStatus,
}

/// The result of a change by staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedByStaff {
    /// It is done.
    Done,
    /// There is no such user.
    NoUser,
    /// The caller is no staff any more, or all sessions of the caller have ended.
    NotStaff,
}

impl StaffChange {
    fn update(self) -> (String, Vec<(&'static str, AttributeValue)>) {
        let set = |name: &str, value: AttributeValue| {
            let update = format!("SET {name} = :value, epoch = epoch + :one");
            (update, vec![(":value", value), (":one", n(1))])
        };
        match self {
            Self::Active(is_active) => set("is_active", AttributeValue::Bool(is_active)),
            Self::Role(role) => set(ROLE.0, s(role.name())),
            Self::ClearEmailStatus => {
                ("REMOVE email_status, secondary_email_status".to_owned(), Vec::new())
            }
        }
    }
}

impl Store {
    /// Changes the account of another if `by` is one of the staff at that moment, in the epoch that the caller knows.
    /// A user who loses the role does nothing by it any more. Of two users who take it from each other, one keeps it.
    pub async fn change_by_staff(
        &self,
        by: &User,
        user: UserId,
        change: StaffChange,
    ) -> Result<ChangedByStaff, StoreError> {
        let (update, mut values) = change.update();
        values.push((":now", n(self.clock.now().as_second())));
        let is_named = update.contains(ROLE.0);
        let transaction = if user == by.id {
            // A transaction takes an item once.
            values.extend(staff());
            values.push((":epoch", n(by.epoch)));
            let condition = format!("{IS_STAFF} AND epoch = :epoch AND {STANDS}");
            let change = self.update_if(Key::user(user), &update, &condition, values)?;
            Transaction::default().with(Part::Staff, naming(change, ROLE))
        } else {
            let condition = format!("attribute_exists(pk) AND {STANDS}");
            let change = self.update_if(Key::user(user), &update, &condition, values)?;
            let change = if is_named { naming(change, ROLE) } else { change };
            let staff = self.check_staff(by.id, "epoch = :epoch", (":epoch", n(by.epoch)))?;
            Transaction::default().with(Part::Staff, staff).with(Part::User, change)
        };
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => ChangedByStaff::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Staff) => {
                ChangedByStaff::NotStaff
            }
            TransactionResult::Refused(_) => ChangedByStaff::NoUser,
        })
    }

    /// As part of a transaction in which a member of staff leaves: succeeds only if this user is staff and the
    /// account is not archived.
    pub(super) fn stays(&self, staff: &User) -> Result<TransactWriteItem, StoreError> {
        let is_there = (":false", AttributeValue::Bool(false));
        self.check_staff(staff.id, "is_archived = :false", is_there)
    }

    fn check_staff(
        &self,
        user: UserId,
        condition: &str,
        value: (&'static str, AttributeValue),
    ) -> Result<TransactWriteItem, StoreError> {
        let values = staff().into_iter().chain([value]);
        let check = self.check(Key::user(user), &format!("{IS_STAFF} AND {condition}"), values)?;
        Ok(naming(check, ROLE))
    }
}

/// The values of [`IS_STAFF`].
fn staff() -> [(&'static str, AttributeValue); 2] {
    [(":staff", s(Role::Staff.name())), (":true", AttributeValue::Bool(true))]
}
