//! Archived, deactivated and banned accounts, and roles. Each change ends all sessions in the same write.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Store;
use super::ending::STANDS;
use super::item::{Key, n, naming, s};
use super::staff::ROLE;
use super::transaction::{Part, StoreError, Transaction, TransactionResult, refused_update};
use crate::model::{EventKind, Mail, NewEvent, Role, User, UserId};

impl Store {
    /// Archives the account, raises the epoch, and writes the notices of it. A member of staff can leave only if
    /// `stays` is staff, too, and stays. `false` when the account, or `stays`, has changed.
    pub async fn archive(
        &self,
        user: &User,
        stays: Option<&User>,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        let event = NewEvent::of(EventKind::Archived, user.id);
        self.leave(user, stays, ("is_archived", true), notices, event).await
    }

    /// Makes an account inactive that its owner deletes; all else as in [`Store::archive`].
    pub async fn deactivate(
        &self,
        user: &User,
        stays: Option<&User>,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        let event = NewEvent::of(EventKind::Deactivated, user.id);
        self.leave(user, stays, ("is_active", false), notices, event).await
    }

    /// Bans a user or lets one back in, and raises the epoch. Does not check who asks: staff use
    /// [`Store::change_by_staff`]. `false` when the user does not exist.
    pub async fn set_active(&self, user: UserId, is_active: bool) -> Result<bool, StoreError> {
        self.set_and_end(user, "is_active", AttributeValue::Bool(is_active)).await
    }

    /// Gives a user a role, and raises the epoch. Does not check who asks: staff use [`Store::change_by_staff`].
    /// `false` when the user does not exist.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<bool, StoreError> {
        self.set_and_end(user, "role", s(role.name())).await
    }

    async fn leave(
        &self,
        user: &User,
        stays: Option<&User>,
        (name, value): (&str, bool),
        notices: &[Mail],
        event: NewEvent,
    ) -> Result<bool, StoreError> {
        let update = format!("SET {name} = :value, epoch = epoch + :one");
        let condition = "attribute_exists(pk) AND #role = :role";
        let values = [
            (":one", n(1)),
            (":value", AttributeValue::Bool(value)),
            (":role", s(user.role.name())),
        ];
        let set = naming(self.update_if(Key::user(user.id), &update, condition, values)?, ROLE);
        let mut transaction = Transaction::default().with(Part::User, set);
        transaction.extend(Part::Staff, stays.map(|staff| self.stays(staff)).transpose()?);
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    async fn set_and_end(
        &self,
        user: UserId,
        name: &str,
        value: AttributeValue,
    ) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user).attributes()))
            .update_expression("SET #name = :value, epoch = epoch + :one")
            .condition_expression(format!("attribute_exists(pk) AND {STANDS}"))
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .expression_attribute_values(":now", n(self.clock.now().as_second()))
            .expression_attribute_values(":one", n(1))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
    }
}
