//! Users of another system: check a record, write it, and remove the users who have not logged in or changed since.

mod prepared;

use super::Accounts;
use crate::error::{AuthError, Violation};
use crate::model::{
    Actor, EventKind, Imported, LegacyId, NewEvent, Record, User, UserId, Username,
};
use crate::store::{Subject, TakenKeys};
use crate::telemetry::{note, operation};

pub use prepared::{Prepared, Rejected, UniqueKey};

/// How many usernames are tried for a record without one.
const MADE_USERNAMES: u32 = 100;
/// How often an account that changes at the same time is read again.
const ATTEMPTS: u32 = 4;

/// A run of an import, in the name of an operator.
#[derive(Clone, Debug)]
pub struct Import {
    accounts: Accounts,
    operator: String,
    run: String,
    is_with_staff: bool,
}

/// The result for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// A new user. This run made it, or would.
    New(UserId),
    /// An earlier import has made this user from the same record, or the account is equal to the record. Nothing
    /// changes.
    Unchanged(UserId),
    /// No user.
    Rejected(Rejected),
}

/// The result for a user whom a run made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The account is deleted for good.
    Removed,
    /// The user has logged in. The account stays.
    Used,
    /// The account has changed since. It stays.
    Changed,
    /// The run did not make the account, or it does not exist any more.
    NotOurs,
}

impl Accounts {
    /// A run of an import, in the name of an operator. `run` is the same for all events of it.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a bad name of the operator.
    pub fn import(
        &self,
        operator: &str,
        run: &str,
        is_with_staff: bool,
    ) -> Result<Import, AuthError> {
        self.operator(operator)?;
        let operator = operator.trim().to_owned();
        Ok(Import { accounts: self.clone(), operator, run: run.to_owned(), is_with_staff })
    }
}

impl Import {
    /// Writes the user, if the table has no other with one of the unique keys. No account that exists is changed.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]: trying again is safe.
    pub async fn write(&self, prepared: &Prepared) -> Result<Judged, AuthError> {
        operation!(self.accounts.clock, "import", async {
            let mut user = prepared.user.clone();
            let (base, mut factors) = (user.username.clone(), prepared.factors.clone());
            note("user", user.id);
            note("run", &self.run);
            if let Some(factors) = factors.as_mut().filter(|_| !prepared.plain_codes.is_empty()) {
                factors.recovery_codes =
                    self.accounts.imported_codes(&prepared.plain_codes).await?;
            }
            let factors = factors.as_ref();
            for number in 1..=MADE_USERNAMES {
                let account = Record::of(&user).digest();
                let (run, record) = (self.run.clone(), prepared.record.clone());
                user.imported = Some(Imported { run, record, account });
                user.is_unused = true;
                let event = NewEvent::of(EventKind::Imported, user.id).by(self.actor());
                let event = event.in_batch(Some(self.run.clone()));
                let taken = self.accounts.store.import_user(&user, factors, event).await?;
                if taken.is_none() {
                    return Ok(Judged::New(user.id));
                }
                if !is_only_made_name(prepared, taken) {
                    return self.judge_taken(prepared, taken).await;
                }
                with_number(&mut user, &base, number);
            }
            Err(AuthError::Unavailable("every username that was made is taken".into()))
        })
    }

    /// What [`Import::write`] would do now. Nothing is written.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn judge(&self, prepared: &Prepared) -> Result<Judged, AuthError> {
        operation!(self.accounts.clock, "judge_import", async {
            note("user", prepared.user.id);
            let (user, factors) = (&prepared.user, prepared.factors.as_ref());
            let taken = self.accounts.store.taken_keys(user, factors).await?;
            if taken.is_none() || is_only_made_name(prepared, taken) {
                return Ok(Judged::New(prepared.user.id));
            }
            self.judge_taken(prepared, taken).await
        })
    }

    /// Whether the taken keys are those of the same user, and if not, the faults.
    async fn judge_taken(
        &self,
        prepared: &Prepared,
        taken: TakenKeys,
    ) -> Result<Judged, AuthError> {
        let store = &self.accounts.store;
        let user = &prepared.user;
        let mut owners = Vec::new();
        if taken.id {
            owners.push(user.id);
        }
        let legacy_id = user.legacy_id.as_deref().and_then(LegacyId::parse);
        let subjects = [
            legacy_id.map(Subject::LegacyId).filter(|_| taken.legacy_id),
            Some(Subject::Email(user.first_email())).filter(|_| taken.email),
        ];
        for subject in subjects.into_iter().flatten() {
            owners.extend(store.find_user(&subject).await?);
        }
        owners.dedup();
        for owner in owners {
            let Some(owner) = store.user(owner).await? else { continue };
            let is_imported = match &owner.imported {
                Some(imported) if imported.record == prepared.record => {
                    // An answer of this run was lost, or the run was interrupted.
                    if imported.run == self.run {
                        return Ok(Judged::New(owner.id));
                    }
                    true
                }
                _ => Record::of(&owner) == Record::of(user),
            };
            if is_imported {
                return Ok(Judged::Unchanged(owner.id));
            }
        }
        let mut faults = Rejected::default();
        let fields = [
            ("id", taken.id && prepared.has_own_id),
            ("legacy_id", taken.legacy_id),
            ("email", taken.email),
            ("secondary_email", taken.secondary_email),
            ("username", taken.username),
            ("second_factors", taken.passkey),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_taken)| *is_taken) {
            faults.add(field, Violation::EmailTaken.code());
        }
        if faults.0.is_empty() {
            // The user comes from an earlier version of this record, and has another address now.
            faults.add("record", "changed");
        }
        Ok(Judged::Rejected(faults))
    }

    /// Deletes a user for good whom this run made, if the user has not logged in, and nothing about the account has
    /// changed. Mails nothing.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]: trying again is safe.
    pub async fn undo(&self, id: UserId) -> Result<Undone, AuthError> {
        operation!(self.accounts.clock, "undo_import", async {
            note("user", id);
            note("run", &self.run);
            let store = &self.accounts.store;
            for _ in 0..ATTEMPTS {
                let Some(user) = store.user(id).await? else { return Ok(Undone::NotOurs) };
                let Some(imported) = user.imported.as_ref().filter(|it| it.run == self.run) else {
                    return Ok(Undone::NotOurs);
                };
                if !user.is_unused {
                    return Ok(Undone::Used);
                }
                if Record::of(&user).digest() != imported.account || user.profile_picture.is_some()
                {
                    return Ok(Undone::Changed);
                }
                let event = NewEvent::of(EventKind::ImportUndone, id).by(self.actor());
                let event = event.in_batch(Some(self.run.clone()));
                if store.end_import(&user, event).await? {
                    self.accounts.erase(&user).await;
                    return Ok(Undone::Removed);
                }
            }
            Ok(Undone::Changed)
        })
    }

    fn actor(&self) -> Actor {
        Actor::Operator(self.operator.clone())
    }
}

/// Whether the only conflict is a username that the import generated for a record without one: then it generates
/// another one.
fn is_only_made_name(prepared: &Prepared, taken: TakenKeys) -> bool {
    let name = TakenKeys { username: true, ..TakenKeys::default() };
    !prepared.has_own_username && taken == name
}

fn with_number(user: &mut User, base: &str, number: u32) {
    if let Ok(name) = Username::parse(&format!("{base}{number}")) {
        user.set_username(&name);
    }
}
