//! Passwords. A new one ends all sessions in the same write.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::address::same_addresses;
use super::ending::{ACTIVE, KEEP, STANDS};
use super::guessing::FAILURES;
use super::item::{Key, n, naming, s};
use super::read::take;
use super::session::used_link;
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::unique_key::{name_keys, name_unique_keys};
use crate::model::{
    Actor, EventKind, Factor, Mail, NewEvent, PasswordHash, Session, User, UserId, Username,
};

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
        let event = NewEvent::of(EventKind::PasswordChanged, user.id);
        let event = match session {
            // The one that goes on.
            Some(session) => event.about(session.id),
            None => event,
        };
        let session = session.map(|session| self.put_session(session)).transpose()?;
        transaction.extend(Part::Session, session);
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
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
            .with(Part::Proof, self.put_new(used_link(jti, exp, self.shards))?);
        let other = claim.username.as_ref().filter(|name| name.key() != user.username_key);
        if let Some(name) = other {
            transaction.extend(Part::Username, self.rename(user, name)?);
            if user.ends_at.is_some() {
                let email = self.keep_unique_key(Key::email(&user.email_key), user.id)?;
                transaction.add(Part::Email, email);
            }
        } else {
            transaction.append(self.keep_unique_keys(user)?);
        }
        transaction.extend(Part::Mail, self.put_mails(notices)?);
        let event = NewEvent::of(EventKind::PasswordReset, user.id).with(Factor::Link);
        self.record(&mut transaction, event)?;
        self.record_proof(&mut transaction, user, Factor::Link)?;
        if claim.is_cleared || claim.username.is_some() {
            let event = NewEvent::of(EventKind::ProfileChanged, user.id).with(Factor::Link);
            self.record(&mut transaction, event)?;
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => PasswordSet::Done,
            TransactionResult::Refused(refused) if refused.has(Part::User) => PasswordSet::Changed,
            TransactionResult::Refused(refused)
                if other.is_some() && refused.has(Part::Username) =>
            {
                PasswordSet::UsernameTaken
            }
            TransactionResult::Refused(_) => PasswordSet::Refused,
        })
    }

    /// Records that the present password was compared with the breached ones, and writes the mail about it, if any.
    /// Nothing is written if that was recorded before, or if the user has another password now.
    pub async fn mark_compared(&self, user: &User, mails: &[Mail]) -> Result<(), StoreError> {
        let mark = self.update_if(
            Key::user(user.id),
            "SET compared_password = :digest",
            "password = :password AND \
             (attribute_not_exists(compared_password) OR compared_password <> :digest)",
            [
                (":password", s(user.password.as_ref().map_or("", PasswordHash::expose))),
                (":digest", s(user.password_digest())),
            ],
        )?;
        let mut transaction = Transaction::default().with(Part::User, mark);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        if !mails.is_empty() {
            let event = NewEvent::of(EventKind::PasswordBreached, user.id).by(Actor::System);
            self.record(&mut transaction, event)?;
        }
        self.transact(transaction).await.map(drop)
    }

    /// As part of a transaction: gives the user another name for good, and frees the former name.
    fn rename(&self, user: &User, name: &Username) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut renamed = User { ends_at: None, ..user.clone() };
        renamed.set_username(name);
        let (before, after) = (name_keys(user), name_unique_keys(&renamed));
        let mut items = Vec::new();
        for (key, unique_key) in &after {
            // The user has the unique keys of the former name and its looks already.
            items.push(if before.contains(key) {
                self.put_held(unique_key.clone())?
            } else {
                self.put_unique_key(unique_key.clone())?
            });
        }
        let given_up = before.into_iter().filter(|key| after.iter().all(|(other, _)| other != key));
        for key in given_up {
            items.push(self.drop_unique_key(user, key)?);
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
            "{password} AND is_verified = :was_verified AND {ACTIVE} AND {addresses} AND {STANDS}"
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
            (Some(user), None) => Ok(Some(self.read_user(user)?).filter(|user| self.stands(user))),
            _ => Ok(None),
        }
    }
}
