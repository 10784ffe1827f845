//! Passwords, roles, bans: what ends all sessions in the same write.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::address::same_addresses;
use super::ending::{KEEP, STANDS};
use super::guessing::FAILURES;
use super::item::{Key, n, naming, s};
use super::outcome::{Outcome, Part, StoreError, Transaction, refused_update};
use super::session::blacklisted;
use super::staff::ROLE;
use super::user::{name_guards, name_keys, take};
use super::version::read;
use crate::model::{Mail, PasswordHash, Role, Session, User, UserId, Username};

/// The result of a write that sets a password by a mailed link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSet {
    /// It is set.
    Done,
    /// The token was used before, or the account has ended.
    Refused,
    /// The password, the addresses or the account have changed: read the account again.
    Changed,
    /// Another user has the name that was chosen.
    UsernameTaken,
}

/// The changes of an account whose address was never proven, when the owner of the address takes it over: an attacker
/// may have made it.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Another name for it.
    pub username: Option<Username>,
    /// Whether names, position and picture are cleared.
    pub is_cleared: bool,
}

impl Store {
    /// Sets the password, raises the epoch, writes the notices of it, and writes the new session, if any. `false`
    /// when the epoch has changed since the caller was read: then nothing is written.
    pub async fn change_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        session: Option<&Session>,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        let change = self.update_if(
            Key::user(user.id),
            &format!("SET password = :password, epoch = :next REMOVE {FAILURES}"),
            "epoch = :epoch AND is_active = :true",
            [
                (":password", s(hash.expose())),
                (":epoch", n(user.epoch)),
                (":next", n(user.epoch + 1)),
                (":true", AttributeValue::Bool(true)),
            ],
        )?;
        let mut transaction = Transaction::default().with(Part::User, change);
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        let session = session.map(|session| self.put_session(session)).transpose()?;
        transaction.extend(Part::Session, session);
        Ok(matches!(self.transact(transaction).await?, Outcome::Done))
    }

    /// Sets the first or another password, verifies the account and removes its end, raises the epoch, uses up the
    /// token, writes the notices, and makes the changes of the claim, all or nothing.
    pub async fn set_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        (jti, exp): (&str, i64),
        notices: &[Mail],
        claim: &Claim,
    ) -> Result<PasswordSet, StoreError> {
        let set = self.set_password_of(user, hash, claim)?;
        let mut transaction = Transaction::default()
            .with(Part::User, set)
            .with(Part::Proof, self.put_new(blacklisted(jti, exp))?);
        let other = claim.username.as_ref().filter(|name| name.key() != user.username_key);
        if let Some(name) = other {
            transaction.extend(Part::Username, self.rename(user, name)?);
            if user.ends_at.is_some() {
                let email = self.keep_guard(Key::email(&user.email_key), user.id)?;
                transaction.add(Part::Email, email);
            }
        } else {
            transaction.append(self.keep_guards(user)?);
        }
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        Ok(match self.transact(transaction).await? {
            Outcome::Done => PasswordSet::Done,
            Outcome::Refused(refused) if refused.has(Part::User) => PasswordSet::Changed,
            Outcome::Refused(refused) if other.is_some() && refused.has(Part::Username) => {
                PasswordSet::UsernameTaken
            }
            Outcome::Refused(_) => PasswordSet::Refused,
        })
    }

    /// As part of a transaction: holds another name for the user for good, and gives the one before free.
    fn rename(&self, user: &User, name: &Username) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut renamed = User { ends_at: None, ..user.clone() };
        renamed.set_username(name);
        let (before, after) = (name_keys(user), name_guards(&renamed));
        let mut items = Vec::new();
        for (key, guard) in &after {
            // The user has the unique keys of the former name and its looks already.
            items.push(if before.contains(key) {
                self.put_held(guard.clone())?
            } else {
                self.put_guard(guard.clone())?
            });
        }
        let given_up = before.into_iter().filter(|key| after.iter().all(|(other, _)| other != key));
        for key in given_up {
            items.push(self.drop_guard(user, key)?);
        }
        Ok(items)
    }

    /// As part of a transaction: the user item of [`Store::set_password`].
    fn set_password_of(
        &self,
        user: &User,
        hash: &PasswordHash,
        claim: &Claim,
    ) -> Result<TransactWriteItem, StoreError> {
        let (addresses, mut values) = same_addresses(user);
        values.push((":new", s(hash.expose())));
        values.push((":one", n(1)));
        values.push((":true", AttributeValue::Bool(true)));
        values.push((":was_verified", AttributeValue::Bool(user.is_verified)));
        values.push((":now", n(self.clock.now().as_second())));
        let mut set = "SET password = :new, is_verified = :true, epoch = epoch + :one".to_owned();
        let mut remove = format!("{KEEP}, {FAILURES}");
        if let Some(name) = &claim.username {
            set.push_str(", username = :username, username_key = :username_key");
            values.push((":username", s(name.name())));
            values.push((":username_key", s(name.key())));
            let looks = name.looks();
            if looks.is_empty() {
                remove.push_str(", username_looks");
            } else {
                set.push_str(", username_looks = :looks");
                values.push((":looks", serde_dynamo::to_attribute_value(looks)?));
            }
        }
        if claim.is_cleared {
            set.push_str(", first_name = :empty, last_name = :empty");
            remove.push_str(", gender, #position, department, locale, profile_picture");
            values.push((":empty", s("")));
        }
        let password = if let Some(old) = &user.password {
            values.push((":old", s(old.expose())));
            "password = :old"
        } else {
            "attribute_not_exists(password)"
        };
        let condition = format!(
            "{password} AND is_verified = :was_verified AND is_active = :true AND {addresses} AND {STANDS}"
        );
        let update = format!("{set} {remove}");
        let item = self.update_if(Key::user(user.id), &update, &condition, values)?;
        Ok(if claim.is_cleared { naming(item, ("#position", "position")) } else { item })
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
            (Some(user), None) => Ok(Some(read(user)?).filter(|user| self.stands(user))),
            _ => Ok(None),
        }
    }

    /// Archives the account, raises the epoch, and writes the notices of it. A member of staff can leave only if
    /// `stays` is staff, too, and stays. `false` when the account, or `stays`, has changed.
    pub async fn archive(
        &self,
        user: &User,
        stays: Option<&User>,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        self.leave(user, stays, ("is_archived", true), notices).await
    }

    /// Makes an account inactive that its owner deletes; all else as in [`Store::archive`].
    pub async fn deactivate(
        &self,
        user: &User,
        stays: Option<&User>,
        notices: &[Mail],
    ) -> Result<bool, StoreError> {
        self.leave(user, stays, ("is_active", false), notices).await
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
        Ok(matches!(self.transact(transaction).await?, Outcome::Done))
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
