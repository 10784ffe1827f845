//! Changes by staff to the accounts of others, and the conditions that keep the last superuser from leaving.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::ending::{KEEP, STANDS};
use super::factors::HAS_NONE;
use super::item::{Key, n, naming, s};
use super::transaction::{Part, StoreError, Transaction, TransactionResult};
use super::user::{Created, Taken};
use super::{Guesser, Store};
use crate::model::guessing::MOST_IN_A_ROW;
use crate::model::{Ban, Mail, NewEvent, Role, SessionId, User};

/// The name in expressions for `role`, which is a reserved word.
pub(super) const ROLE: (&str, &str) = ("#role", "role");
/// The condition that a user still has a role and can use it. Goes with the values of [`staff`] and with [`ROLE`].
const IS_STAFF: &str = "#role = :by_role AND is_active = :true AND is_verified = :true";

/// A change by staff to the account of another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffChange {
    /// The user is banned. All sessions end.
    Ban(Ban),
    /// The user is not banned any more, and an account that its owner has deactivated is active again. All sessions end.
    LiftBan,
    /// The user has that role. All sessions end, because tokens claim the old one.
    Role(Role),
    /// Mail goes to all addresses of the user again.
    ClearEmailStatus,
    /// The address counts as proven, and the account stays.
    Verify,
    /// That session ends.
    EndSession(SessionId),
    /// All sessions end.
    EndAllSessions,
    /// The password is disabled until a reset. All sessions end.
    ExpirePassword,
    /// These tallies are deleted, with the locks that they led to.
    LiftLocks(Vec<Guesser>),
    /// The second factors end at that epoch second, unless the user proves one before.
    EndSecondFactor(i64),
    /// The second factors stay, although staff have asked for their end.
    KeepSecondFactor,
    /// Nothing changes: only mails are sent.
    Nothing,
    /// The account ends for good.
    Delete,
}

/// The result of a change by staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedByStaff {
    /// It is done.
    Done,
    /// The account has changed, or does not exist any more.
    Changed,
    /// The caller is no staff any more, or all sessions of the caller have ended; or the superuser who was to stay
    /// does not.
    NotStaff,
}

/// The users on whose roles a change by staff depends.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// A member of staff, who must still have the role, in the same epoch.
    Staff(&'a User),
    /// An operator at the command line. If the change removes a superuser, another one must stay.
    Operator {
        /// The one who stays.
        stays: Option<&'a User>,
    },
}

impl Store {
    /// Changes the account of `user`, writes the mails and the event of it, all or nothing: only if the one who asks
    /// has the authority at that moment, and the user still has the role that the caller knows. Of two superusers who
    /// remove each other at once, one stays.
    pub async fn change_by_staff(
        &self,
        authority: Authority<'_>,
        user: &User,
        change: &StaffChange,
        mails: &[Mail],
        event: NewEvent,
    ) -> Result<ChangedByStaff, StoreError> {
        let by = match authority {
            Authority::Staff(by) => Some(by),
            Authority::Operator { .. } => None,
        };
        let is_own = by.is_some_and(|by| by.id == user.id);
        let mut transaction = self.staff_change(user, change, by.filter(|_| is_own))?;
        match authority {
            Authority::Staff(_) if is_own => {}
            Authority::Staff(by) => {
                let staff = self.check_staff(by, "epoch = :epoch", (":epoch", n(by.epoch)))?;
                transaction.add(Part::Staff, staff);
            }
            Authority::Operator { stays } => {
                let stays = stays.map(|stays| self.stays(stays)).transpose()?;
                transaction.extend(Part::Staff, stays);
            }
        }
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        self.record(&mut transaction, event)?;
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => ChangedByStaff::Done,
            TransactionResult::Refused(refused) if refused.has(Part::Staff) => {
                ChangedByStaff::NotStaff
            }
            TransactionResult::Refused(_) => ChangedByStaff::Changed,
        })
    }

    /// Writes a new user whom staff create, as [`Store::create_user`] does. `None` if the one who asks has no
    /// authority any more.
    pub async fn create_by_staff(
        &self,
        authority: Authority<'_>,
        user: &User,
        mails: &[Mail],
        event: NewEvent,
    ) -> Result<Option<Created>, StoreError> {
        let mut transaction = self.creation(user, mails, None, event)?;
        if let Authority::Staff(by) = authority {
            let staff = self.check_staff(by, "epoch = :epoch", (":epoch", n(by.epoch)))?;
            transaction.add(Part::Staff, staff);
        }
        Ok(match self.transact(transaction).await? {
            TransactionResult::Done => Some(Created::Done),
            TransactionResult::Refused(refused) if refused.has(Part::Staff) => None,
            TransactionResult::Refused(refused) => Some(Created::Taken(Taken {
                email: refused.has(Part::Email),
                username: refused.has(Part::Username),
            })),
        })
    }

    /// Deletes tallies that belong to no user, and writes the event. `false` if the one who asks has no authority any
    /// more.
    pub async fn lift_network(
        &self,
        authority: Authority<'_>,
        locks: &[Guesser],
        event: NewEvent,
    ) -> Result<bool, StoreError> {
        let mut transaction = Transaction::default();
        for guesser in locks {
            transaction.add(Part::Guesses, self.delete(guesser.key())?);
        }
        if let Authority::Staff(by) = authority {
            let staff = self.check_staff(by, "epoch = :epoch", (":epoch", n(by.epoch)))?;
            transaction.add(Part::Staff, staff);
        }
        self.record(&mut transaction, event)?;
        Ok(matches!(self.transact(transaction).await?, TransactionResult::Done))
    }

    /// As part of a transaction: the change of the user. If members of staff change their own account, `own` is the
    /// user, and the change has the condition on the role, too, because a transaction can name an item only once.
    fn staff_change(
        &self,
        user: &User,
        change: &StaffChange,
        own: Option<&User>,
    ) -> Result<Transaction, StoreError> {
        if *change == StaffChange::Delete {
            return self.ending(user);
        }
        let mut values = vec![(":now", n(self.clock.now().as_second()))];
        let mut condition = format!("attribute_exists(pk) AND #role = :by_role AND {STANDS}");
        if let Some(own) = own {
            condition = format!("{condition} AND {IS_STAFF} AND epoch = :epoch");
            values.extend([(":epoch", n(own.epoch)), (":true", AttributeValue::Bool(true))]);
        }
        values.push((":by_role", s(user.role.name())));
        let part = if own.is_some() { Part::Staff } else { Part::User };
        let mut rest = Transaction::default();
        let update = match change {
            StaffChange::Ban(ban) => {
                values.push((":inactive", AttributeValue::Bool(false)));
                values.push((":ban", serde_dynamo::to_attribute_value(ban)?));
                values.push((":one", n(1)));
                "SET is_active = :inactive, ban = :ban, epoch = epoch + :one".to_owned()
            }
            StaffChange::LiftBan => {
                values.push((":active", AttributeValue::Bool(true)));
                values.push((":one", n(1)));
                "SET is_active = :active, epoch = epoch + :one REMOVE ban".to_owned()
            }
            StaffChange::Role(role) => {
                values.push((":role", s(role.name())));
                values.push((":one", n(1)));
                if *role == Role::Superuser && user.has_second_factor {
                    rest.add(Part::Site, self.put_secured_note()?);
                } else if *role == Role::Superuser {
                    // Another request may have added a factor since the user was read.
                    condition = format!("{condition} AND {HAS_NONE}");
                }
                "SET #role = :role, epoch = epoch + :one".to_owned()
            }
            StaffChange::ClearEmailStatus => {
                "REMOVE email_status, secondary_email_status".to_owned()
            }
            StaffChange::Verify => {
                // Staff vouch for the address that they have seen.
                condition = format!("{condition} AND email_key = :email_key");
                values.push((":email_key", s(&user.email_key)));
                values.push((":verified", AttributeValue::Bool(true)));
                rest.append(self.keep_unique_keys(user)?);
                format!("SET is_verified = :verified {KEEP}")
            }
            StaffChange::EndAllSessions => {
                values.push((":one", n(1)));
                "SET epoch = epoch + :one".to_owned()
            }
            StaffChange::ExpirePassword => {
                values.push((":most", n(MOST_IN_A_ROW)));
                values.push((":one", n(1)));
                "SET password_failures = :most, known_password_failures = :most, \
                 epoch = epoch + :one"
                    .to_owned()
            }
            StaffChange::EndSecondFactor(ends_at) => {
                condition = format!("{condition} AND attribute_exists(has_second_factor)");
                values.push((":ends_at", n(ends_at)));
                "SET second_factor_ends_at = :ends_at".to_owned()
            }
            StaffChange::KeepSecondFactor => "REMOVE second_factor_ends_at".to_owned(),
            StaffChange::EndSession(session) => {
                rest = self.session_end((user.id, *session), self.clock.now())?;
                String::new()
            }
            StaffChange::LiftLocks(locks) => {
                for guesser in locks {
                    rest.add(Part::Guesses, self.delete(guesser.key())?);
                }
                String::new()
            }
            StaffChange::Nothing | StaffChange::Delete => String::new(),
        };
        let key = Key::user(user.id);
        let item = if update.is_empty() {
            self.check(key, &condition, values)?
        } else {
            self.update_if(key, &update, &condition, values)?
        };
        let mut transaction = Transaction::default().with(part, naming(item, ROLE));
        transaction.append(rest);
        Ok(transaction)
    }

    /// As part of a transaction in which a member of staff leaves: succeeds only if this user still has the role, and
    /// the account is not archived.
    pub(super) fn stays(&self, staff: &User) -> Result<TransactWriteItem, StoreError> {
        self.check_staff(staff, "is_archived = :false", (":false", AttributeValue::Bool(false)))
    }

    fn check_staff(
        &self,
        user: &User,
        condition: &str,
        value: (&'static str, AttributeValue),
    ) -> Result<TransactWriteItem, StoreError> {
        let values = staff(user.role).into_iter().chain([value]);
        let check =
            self.check(Key::user(user.id), &format!("{IS_STAFF} AND {condition}"), values)?;
        Ok(naming(check, ROLE))
    }
}

/// The values of [`IS_STAFF`].
fn staff(role: Role) -> [(&'static str, AttributeValue); 2] {
    [(":by_role", s(role.name())), (":true", AttributeValue::Bool(true))]
}
