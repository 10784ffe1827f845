//! Passwords, roles, bans: what ends all sessions in the same write.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Store;
use super::address::same_addresses;
use super::item::{Key, n, s};
use super::outcome::{Outcome, StoreError, refused_update};
use super::session::blacklisted;
use super::user::take;
use super::version::read;
use crate::model::{Mail, PasswordHash, Role, Session, User, UserId};

impl Store {
    /// Sets the password, raises the epoch, decides on the notice of it and writes the session, if any,
    /// that goes on under it. `false` when the epoch that the caller knows is over: then nothing is written.
    pub async fn change_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        session: Option<&Session>,
        notice: &Mail,
    ) -> Result<bool, StoreError> {
        let change = self.update_if(
            Key::user(user.id),
            "SET password = :password, epoch = :next",
            "epoch = :epoch AND is_active = :true",
            [
                (":password", s(hash.expose())),
                (":epoch", n(user.epoch)),
                (":next", n(user.epoch + 1)),
                (":true", AttributeValue::Bool(true)),
            ],
        )?;
        let session = session.map(|session| self.put_session(session)).transpose()?;
        let items = [change, self.put_mail(notice)?].into_iter().chain(session).collect();
        Ok(matches!(self.transact(items).await?, Outcome::Done))
    }

    /// Sets the password, the first one or another, verifies the account, raises the epoch, uses up the
    /// token, and decides on the notice, if any. `false` when the token was used before, or the password, the addresses or the account are
    /// not what the caller knows any more: then nothing is written.
    pub async fn set_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        jti: &str,
        exp: i64,
        notice: Option<&Mail>,
    ) -> Result<bool, StoreError> {
        let (addresses, mut values) = same_addresses(user);
        values.push((":new", s(hash.expose())));
        values.push((":one", n(1)));
        values.push((":true", AttributeValue::Bool(true)));
        let password = if let Some(old) = &user.password {
            values.push((":old", s(old.expose())));
            "password = :old"
        } else {
            "attribute_not_exists(password)"
        };
        let condition = format!("{password} AND is_active = :true AND {addresses}");
        let update = "SET password = :new, is_verified = :true, epoch = epoch + :one";
        let set = self.update_if(Key::user(user.id), update, &condition, values)?;
        let mut items = vec![set, self.put_new(blacklisted(jti, exp))?];
        items.extend(notice.map(|notice| self.put_mail(notice)).transpose()?);
        Ok(matches!(self.transact(items).await?, Outcome::Done))
    }

    /// The user of that id, unless the token id was used up.
    pub async fn user_unless_used(
        &self,
        user: UserId,
        jti: &str,
    ) -> Result<Option<User>, StoreError> {
        let (user, jti) = (Key::user(user), Key::jti(jti));
        let found = self.batch_get(vec![user.clone(), jti.clone()]).await?;
        match (take(&found, &user), take(&found, &jti)) {
            (Some(user), None) => Ok(Some(read(user)?)),
            _ => Ok(None),
        }
    }

    /// Puts the account away, and raises the epoch. `false` when there is no such user.
    pub async fn archive(&self, user: UserId) -> Result<bool, StoreError> {
        self.set_and_end(user, "is_archived", AttributeValue::Bool(true)).await
    }

    /// Bans a user or lets one back in, and raises the epoch. `false` when there is no such user.
    pub async fn set_active(&self, user: UserId, is_active: bool) -> Result<bool, StoreError> {
        self.set_and_end(user, "is_active", AttributeValue::Bool(is_active)).await
    }

    /// Gives a user a role, and raises the epoch. `false` when there is no such user.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<bool, StoreError> {
        self.set_and_end(user, "role", s(role.name())).await
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
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .expression_attribute_values(":one", n(1))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
    }
}
