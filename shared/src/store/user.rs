//! Users and their unique keys.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::ending::{ACTIVE, KEEP, STANDS};
use super::factors::version;
use super::item::{Key, NewItem, n, naming, s};
use super::read::{remove, take};
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult};
use super::unique_key::{UniqueKey, unique_key};
use super::version::{ItemKind, read};
use crate::model::Purpose;
use crate::model::name::Name;
use crate::model::{Email, Gender, LegacyId, Mail, Session, SessionId, User, UserId, Username};
use crate::model::{EventKind, Factor, NewEvent};

/// The unique key by which a user is looked up: the address, the name, or the legacy id.
#[derive(Clone, Debug)]
pub enum Subject {
    /// By a proven or claimed address.
    Email(Email),
    /// By name.
    Username(Username),
    /// By the primary key in the system that the user was imported from.
    LegacyId(LegacyId),
}

/// The result of the creation of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// All of it is written.
    Done,
    /// Nothing is written: the address, the name, or both are taken.
    Taken(Taken),
}

/// Which of the two unique keys are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The address.
    pub email: bool,
    /// The username.
    pub username: bool,
}

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The address is proven now, and the proof is used up.
    Done,
    /// The account has changed: it was verified, banned, or got another address. Read it again.
    Changed,
    /// For a pending sign-up: an account has the address by now.
    Taken,
    /// The account, or the pending sign-up, has ended.
    Ended,
    /// The proof was used before.
    ProofUsed,
}

/// The proof of an address. The verification uses it up.
#[derive(Clone, Debug)]
pub enum Proof<'a> {
    /// A link's token id, with the second of its expiry.
    Link {
        /// The `jti`.
        jti: String,
        /// Until when the id must be remembered.
        exp: i64,
    },
    /// A one-time code.
    Code {
        /// The purpose of the code.
        purpose: Purpose,
        /// Which code it was.
        nonce: &'a str,
    },
}

impl Proof<'_> {
    pub(super) fn factor(&self) -> Factor {
        match self {
            Self::Link { .. } => Factor::Link,
            Self::Code { .. } => Factor::Code,
        }
    }
}

/// The profile of a user. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The first name.
    pub first_name: Option<Name>,
    /// The last name.
    pub last_name: Option<Name>,
    /// The gender.
    pub gender: Option<Gender>,
    /// The position in an organisation.
    pub position: Option<Name>,
    /// The department in an organisation.
    pub department: Option<Name>,
}

impl Profile {
    /// The user with the fields that are given.
    fn applied_to(&self, user: &User) -> User {
        let text = |given: &Option<Name>, present: &str| {
            given.as_ref().map_or(present, Name::as_str).to_owned()
        };
        User {
            first_name: text(&self.first_name, &user.first_name),
            last_name: text(&self.last_name, &user.last_name),
            position: text(&self.position, &user.position),
            department: text(&self.department, &user.department),
            gender: self.gender.or(user.gender),
            ..user.clone()
        }
    }

    /// The attributes to set.
    fn given(&self) -> Vec<(&'static str, &str)> {
        let texts = [
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
            ("position", &self.position),
            ("department", &self.department),
        ];
        let texts =
            texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?.as_str())));
        texts.chain(self.gender.map(|gender| ("gender", gender.name()))).collect()
    }
}

impl Store {
    /// Writes a user, the unique keys of address and name, the first mails in their order, and the first session, all
    /// or nothing. A unique key is free again when its account has ended, even if the items of the account still
    /// exist.
    pub async fn create_user(
        &self,
        user: &User,
        mails: &[Mail],
        session: Option<&Session>,
    ) -> Result<Created, StoreError> {
        let event = NewEvent::of(EventKind::SignedUp, user.id);
        let transaction = self.creation(user, mails, session, event)?;
        self.create(transaction).await
    }

    /// As part of a transaction: all items of a new user.
    pub(super) fn creation(
        &self,
        user: &User,
        mails: &[Mail],
        session: Option<&Session>,
        event: NewEvent,
    ) -> Result<Transaction, StoreError> {
        let mut transaction = self.put_user(user)?;
        transaction.extend(Part::Username, self.put_name(user)?);
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        let session = session.map(|session| self.put_session(session)).transpose()?;
        transaction.extend(Part::Session, session);
        let verified = NewEvent::of(EventKind::AddressVerified, user.id).by(event.by.clone());
        let verified = verified.in_batch(event.batch.clone());
        let verified = NewEvent { factor: event.factor, ..verified };
        self.record(&mut transaction, event)?;
        if user.is_verified {
            self.record(&mut transaction, verified)?;
        }
        Ok(transaction)
    }

    async fn create(&self, transaction: Transaction) -> Result<Created, StoreError> {
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Created::Done,
            TransactionResult::Refused(refused) => Created::Taken(Taken {
                email: refused.has(Part::Email),
                username: refused.has(Part::Username),
            }),
        })
    }

    /// Which of an address and a name are taken. It is for a registration that fails anyway, so that one answer names
    /// all faults; [`Store::create_user`] decides.
    pub async fn taken(
        &self,
        email: Option<&Email>,
        username: Option<&Username>,
    ) -> Result<Taken, StoreError> {
        let emails: Vec<Key> = email.iter().map(|email| Key::email(email.key())).collect();
        let names = username
            .iter()
            .flat_map(|name| [name.key().to_owned()].into_iter().chain(name.looks()));
        let names: Vec<Key> = names.map(|key| Key::username(&key)).collect();
        let keys = [emails.clone(), names.clone()].concat();
        if keys.is_empty() {
            return Ok(Taken::default());
        }
        let found = self.batch_get(keys).await?;
        let now = self.clock.now();
        let has_one = |keys: Vec<Key>| {
            let unique_keys =
                keys.iter().filter_map(|key| take(&found, key)).map(read::<UniqueKey>);
            let unique_keys: Vec<UniqueKey> = unique_keys.collect::<Result<_, StoreError>>()?;
            Ok::<_, StoreError>(unique_keys.iter().any(|unique_key| unique_key.holds(now)))
        };
        Ok(Taken { email: has_one(emails)?, username: has_one(names)? })
    }

    /// The user who has that address or name, or for whom it is reserved.
    pub async fn find_user(&self, subject: &Subject) -> Result<Option<UserId>, StoreError> {
        let unique_key =
            self.get(subject_key(subject)).await?.map(read::<UniqueKey>).transpose()?;
        Ok(self.owner(unique_key))
    }

    /// The same, with the items at other keys, in one call.
    pub(super) async fn find_user_and(
        &self,
        subject: Option<&Subject>,
        others: &[Key],
    ) -> Result<(Option<UserId>, Vec<Item>), StoreError> {
        let unique_key = subject.map(subject_key);
        let keys: Vec<Key> = unique_key.iter().chain(others).cloned().collect();
        let found = self.batch_get(keys).await?;
        let unique_key =
            unique_key.and_then(|key| take(&found, &key)).map(read::<UniqueKey>).transpose()?;
        Ok((self.owner(unique_key), found))
    }

    /// The user of the unique key. The look of a name is not the name: no user logs in by it.
    fn owner(&self, unique_key: Option<UniqueKey>) -> Option<UserId> {
        let unique_key = unique_key
            .filter(|unique_key| unique_key.holds(self.clock.now()) && !unique_key.is_look());
        unique_key.map(|unique_key| unique_key.user())
    }

    /// A user as of now: a ban that has ended counts as none.
    pub(super) fn read_user(&self, item: Item) -> Result<User, StoreError> {
        Ok(read::<User>(item)?.at(self.clock.now()))
    }

    /// The user of that id.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let user = self.get(Key::user(id)).await?;
        let user = user.map(|user| self.read_user(user)).transpose()?;
        Ok(user.filter(|user| self.stands(user)))
    }

    /// A user and one of the user's sessions, in one call. A session may be past its end: see
    /// [`Session::is_live`].
    pub async fn user_and_session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let (user, session) = (Key::user(user), Key::session(user, session));
        let mut found = self.batch_get(vec![user.clone(), session.clone()]).await?;
        match (remove(&mut found, &user), remove(&mut found, &session)) {
            (Some(user), Some(session)) => {
                let (user, session) = (self.read_user(user)?, read(session)?);
                Ok(self.stands(&user).then_some((user, session)))
            }
            _ => Ok(None),
        }
    }

    /// The same, read at one moment. Costs a read more than [`Store::user_and_session`], which may see the user after a
    /// transaction, and the session before it.
    pub async fn user_and_session_as_one(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(User, Session)>, StoreError> {
        match self.get_as_one([Key::user(user), Key::session(user, session)]).await? {
            [Some(user), Some(session)] => {
                let (user, session) = (self.read_user(user)?, read(session)?);
                Ok(self.stands(&user).then_some((user, session)))
            }
            _ => Ok(None),
        }
    }

    /// Records that the user's address is proven, removes the end of the account, and uses up the proof, in one
    /// transaction.
    pub async fn verify_address(
        &self,
        user: &User,
        proof: Proof<'_>,
    ) -> Result<Verified, StoreError> {
        let verify = self.update_if(
            Key::user(user.id),
            &format!("SET is_verified = :true {KEEP}"),
            &format!("is_verified = :false AND {ACTIVE} AND email_key = :key AND {STANDS}"),
            [
                (":true", AttributeValue::Bool(true)),
                (":false", AttributeValue::Bool(false)),
                (":key", s(&user.email_key)),
                (":now", n(self.clock.now().as_second())),
            ],
        )?;
        let event = NewEvent::of(EventKind::AddressVerified, user.id).with(proof.factor());
        let mut transaction = Transaction::default()
            .with(Part::User, verify)
            .with(Part::Proof, self.use_up(&user.email_key, proof)?);
        transaction.append(self.keep_unique_keys(user)?);
        self.record(&mut transaction, event)?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Verified::Done,
            TransactionResult::Refused(refused) if refused.has(Part::User) => Verified::Changed,
            TransactionResult::Refused(refused) if refused.has(Part::Proof) => Verified::ProofUsed,
            TransactionResult::Refused(_) => Verified::Ended,
        })
    }

    /// Sets the given fields, and returns the user after the change; `None` when the user does not exist. If another
    /// request sets other fields at the same time, the returned user has their values from before.
    pub async fn set_profile(
        &self,
        user: &User,
        profile: &Profile,
    ) -> Result<Option<User>, StoreError> {
        const PLACES: [(&str, &str); 5] =
            [("#0", ":0"), ("#1", ":1"), ("#2", ":2"), ("#3", ":3"), ("#4", ":4")];
        let (mut changes, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for ((name, placeholder), (attribute, value)) in PLACES.into_iter().zip(profile.given()) {
            changes.push(format!("{name} = {placeholder}"));
            names.push((name, attribute));
            values.push((placeholder, s(value)));
        }
        let update = format!("SET {}", changes.join(", "));
        let set = self.update_if(Key::user(user.id), &update, "attribute_exists(pk)", values)?;
        let set = names.into_iter().fold(set, naming);
        let mut transaction = Transaction::default().with(Part::User, set);
        self.record(&mut transaction, NewEvent::of(EventKind::ProfileChanged, user.id))?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Some(profile.applied_to(user)),
            TransactionResult::Refused(_) => None,
        })
    }

    /// As part of a transaction: a new user, and the unique key of the address, which must be free.
    pub(super) fn put_user(&self, user: &User) -> Result<Transaction, StoreError> {
        let item = NewItem::new(Key::user(user.id), ItemKind::User).with_data(user)?;
        let item = item.with("version", n(version(user.has_second_factor)));
        let item = item.listed(user.id, self.shards);
        let swept = |item: NewItem, ends_at| item.swept(ends_at, self.shards);
        let item = user.ends_at.into_iter().fold(item, swept);
        let email = unique_key(Key::email(&user.email_key), user.id, user.ends_at);
        Ok(Transaction::default()
            .with(Part::Email, self.put_unique_key(email)?)
            .with(Part::User, self.put_new(item)?))
    }

    pub(super) fn use_up(
        &self,
        email_key: &str,
        proof: Proof<'_>,
    ) -> Result<TransactWriteItem, StoreError> {
        match proof {
            Proof::Link { jti, exp } => {
                self.put_new(super::session::used_link(&jti, exp, self.shards))
            }
            Proof::Code { purpose, nonce } => self.delete_if(
                Key::code(email_key, purpose),
                "nonce = :nonce",
                [(":nonce", s(nonce))],
            ),
        }
    }
}

/// The key of the item of that unique key.
fn subject_key(subject: &Subject) -> Key {
    match subject {
        Subject::Email(email) => Key::email(email.key()),
        Subject::Username(username) => Key::username(username.key()),
        Subject::LegacyId(id) => Key::legacy_id(id.as_str()),
    }
}
