//! Operations of staff on the accounts of others.
//!
//! [`Accounts::admin`] and [`Accounts::operator`] are the only ways to the authority over other accounts. Each change
//! is in the audit trail, also one that was refused because of the role. No operation shows or sets a password.

mod change;
mod create;
mod locks;
mod personal_data;
mod second_factor;
mod see;

use super::{Accounts, Caller};
use crate::error::{AuthError, Field, Refusal, Report, Violation, Violations};
use crate::model::name::Name;
use crate::model::{Actor, EventKind, Mail, NewEvent, PlainPassword, Role, Scope, User, UserId};
use crate::store::{Authority, ChangedByStaff, Order, StaffChange};
use crate::telemetry::{note, origin};

pub use change::{Batch, BatchRow, MAX_BATCH};
pub use create::{Invitation, Superuser};
pub use locks::{AccountLock, NetworkLock};
pub use see::{Activity, Day, MOST_COUNTED, Overview, SentMails};

/// How many users are searched for another superuser: the oldest ones. No index has the staff.
const MOST_SEARCHED: usize = 5_000;
/// How many of them are read at a time.
const PAGE: usize = 100;
/// How often a change is tried on an account that changes at the same time.
const ATTEMPTS: u32 = 4;
/// The most code points of the name of an operator.
const MAX_OPERATOR: usize = 64;

/// The authority over other accounts.
#[derive(Clone, Debug)]
pub struct Admin<'a> {
    accounts: &'a Accounts,
    by: By<'a>,
    batch: Option<String>,
}

/// Who has the authority.
#[derive(Clone, Debug)]
enum By<'a> {
    Caller(&'a Caller),
    Operator(String),
}

/// A change of an account, with what is written beside it.
struct Plan {
    change: StaffChange,
    mails: Vec<Mail>,
    event: NewEvent,
}

impl Plan {
    fn new(change: StaffChange, event: NewEvent) -> Self {
        Self { change, mails: Vec::new(), event }
    }
}

impl Accounts {
    /// The authority of a member of staff over other accounts.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for other callers, and for staff outside of
    /// [`Policy::staff_networks`](crate::policy::Policy::staff_networks): the answer does not reveal what staff can do.
    pub fn admin<'a>(&'a self, caller: &'a Caller) -> Result<Admin<'a>, AuthError> {
        if self.is_staff_here(&caller.user) {
            Ok(Admin { accounts: self, by: By::Caller(caller), batch: None })
        } else {
            Err(AuthError::NotFound)
        }
    }

    /// Whether the user may use the role of staff in the present request.
    pub(super) fn is_staff_here(&self, user: &User) -> bool {
        let is_staff = user.role.is_staff() && user.is_verified;
        is_staff && self.policy.is_staff_network(origin().ip.as_deref())
    }

    /// The authority of an operator, who has the permissions on the table itself. The audit trail has the name.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for an empty name, or one that is too long.
    pub fn operator(&self, name: &str) -> Result<Admin<'_>, AuthError> {
        let refused = |found| Violations::of(Field::Username, vec![found]);
        let name = Name::parse(name).map_err(|found| Violations::of(Field::Username, found))?;
        let actual = name.as_str().chars().count();
        if actual == 0 {
            return Err(refused(Violation::Required).into());
        }
        if actual > MAX_OPERATOR {
            return Err(refused(Violation::TooLong { limit: MAX_OPERATOR, actual }).into());
        }
        Ok(Admin { accounts: self, by: By::Operator(name.as_str().to_owned()), batch: None })
    }

    /// Another user of that role or a higher one, who can administer the accounts. A member of staff can leave only
    /// if such a user stays. `None` for a user who is no staff.
    ///
    /// # Errors
    /// [`Refusal::LastOfStaff`] when the search finds none among the oldest [`MOST_SEARCHED`] users;
    /// [`AuthError::Unavailable`].
    pub(super) async fn who_stays(&self, user: &User) -> Result<Option<User>, AuthError> {
        if !user.role.is_staff() {
            return Ok(None);
        }
        let mut listing = self.store.list_users(Order::Age, None, None, false);
        for _ in 0..MOST_SEARCHED / PAGE {
            let places = listing.next(PAGE).await?;
            let ids: Vec<UserId> = places.iter().map(|place| place.user).collect();
            let others = self.store.users(&ids).await?.into_values();
            let stays = |other: &User| {
                let can_act = other.role >= user.role && other.is_active && other.is_verified;
                other.id != user.id && can_act && !other.is_archived
            };
            if let Some(other) = others.into_iter().find(stays) {
                return Ok(Some(other));
            }
            if places.len() < PAGE {
                break;
            }
        }
        Err(Refusal::LastOfStaff.into())
    }
}

impl Admin<'_> {
    /// The same authority, for one action on several users: all events of it have the same batch id.
    #[must_use]
    pub fn in_batch(self) -> Self {
        let id = self.accounts.random.id(self.accounts.clock.now());
        Self { batch: Some(id.to_string()), ..self }
    }

    /// The role that decides what is allowed.
    pub fn role(&self) -> Role {
        match &self.by {
            By::Caller(caller) => caller.user.role,
            By::Operator(_) => Role::Superuser,
        }
    }

    /// Whether the change of that user is allowed: not of oneself, and not of a user of the same or a higher role,
    /// unless by a superuser.
    pub fn may_change(&self, user: &User) -> bool {
        let is_own = matches!(&self.by, By::Caller(caller) if caller.user.id == user.id);
        !is_own && (self.role() > user.role || self.role() == Role::Superuser)
    }

    fn is_operator(&self) -> bool {
        matches!(self.by, By::Operator(_))
    }

    fn actor(&self) -> Actor {
        match &self.by {
            By::Caller(caller) => Actor::Staff(caller.user.id),
            By::Operator(name) => Actor::Operator(name.clone()),
        }
    }

    fn note(&self, user: UserId) {
        note("user", user);
        note("by", self.actor());
    }

    /// A user, as the table has the user now.
    async fn target(&self, user: UserId) -> Result<User, AuthError> {
        self.accounts.store.user(user).await?.ok_or(AuthError::NotFound)
    }

    /// Succeeds if the role is at least that one and allows a change of the user. A change that needs a password calls
    /// this first. So a caller without the role gets the same refusal for each password, and the audit trail has it.
    async fn check_role(&self, verb: &str, user: UserId, least: Role) -> Result<(), AuthError> {
        self.note(user);
        let user = self.target(user).await?;
        if self.role() >= least && self.may_change(&user) {
            Ok(())
        } else {
            Err(self.refuse(verb, &user).await)
        }
    }

    /// Counts a mail, or a refused change, unless an operator causes it: an operator has the table itself.
    async fn count(&self, scope: Scope) -> Result<(), AuthError> {
        match &self.by {
            By::Caller(caller) => self.accounts.count_for_staff(scope, caller.user.id).await,
            By::Operator(_) => Ok(()),
        }
    }

    /// The error of a change that the role does not allow. The trail of the user has it. Beyond the limit of such
    /// changes, nothing is written, and the caller has to wait: otherwise a stolen token could fill the trail.
    async fn refuse(&self, verb: &str, user: &User) -> AuthError {
        if let Err(error) = self.count(Scope::StaffRefusals).await {
            return error;
        }
        let event = NewEvent::of(EventKind::StaffRefused, user.id).by(self.actor());
        let event = event.about(verb).refused().in_batch(self.batch.clone());
        if let Err(error) = self.accounts.store.add_event(event).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), "a refused change is not in the audit trail");
        }
        AuthError::PermissionDenied
    }

    /// Succeeds for an operator, and for a caller who proves once more who it is (OWASP ASVS 7.5.3): see
    /// [`Accounts::confirm_recent`].
    async fn confirm(&self, password: Option<PlainPassword>) -> Result<(), AuthError> {
        match &self.by {
            By::Operator(_) => Ok(()),
            By::Caller(caller) => self.accounts.confirm_recent(caller, password).await,
        }
    }

    /// Changes another account. `plan` returns the change for the present state of the user, and is called again if
    /// that state changes in the meantime.
    async fn change(
        &self,
        verb: &'static str,
        user: UserId,
        plan: impl Fn(&User) -> Result<Plan, AuthError>,
    ) -> Result<User, AuthError> {
        self.make(verb, user, |user| self.may_change(user), plan).await
    }

    /// The same, for a change that is harmless, so that the role of the user does not matter.
    async fn help(
        &self,
        verb: &'static str,
        user: UserId,
        plan: impl Fn(&User) -> Result<Plan, AuthError>,
    ) -> Result<User, AuthError> {
        self.make(verb, user, |_| true, plan).await
    }

    async fn make(
        &self,
        verb: &'static str,
        user: UserId,
        may: impl Fn(&User) -> bool,
        plan: impl Fn(&User) -> Result<Plan, AuthError>,
    ) -> Result<User, AuthError> {
        self.note(user);
        let store = &self.accounts.store;
        for attempt in 0..ATTEMPTS {
            let user = self.target(user).await?;
            if !may(&user) {
                return Err(self.refuse(verb, &user).await);
            }
            let Plan { change, mails, event } = plan(&user)?;
            if attempt == 0 && !mails.is_empty() {
                self.count(Scope::StaffMails).await?;
            }
            let event = event.by(self.actor()).in_batch(self.batch.clone());
            let stays = match &self.by {
                By::Operator(_) if removes(&change, &user) => {
                    self.accounts.who_stays(&user).await?
                }
                By::Operator(_) | By::Caller(_) => None,
            };
            let authority = match &self.by {
                By::Caller(caller) => Authority::Staff(&caller.user),
                By::Operator(_) => Authority::Operator { stays: stays.as_ref() },
            };
            match store.change_by_staff(authority, &user, &change, &mails, event).await? {
                ChangedByStaff::Done => return Ok(user),
                ChangedByStaff::Changed => {}
                ChangedByStaff::NotStaff if stays.is_some() => {}
                ChangedByStaff::NotStaff => return Err(AuthError::Unauthenticated),
            }
        }
        Err(AuthError::Unavailable("the account changes again and again".into()))
    }
}

/// Whether a change takes a superuser away.
fn removes(change: &StaffChange, user: &User) -> bool {
    let is_left = match change {
        StaffChange::Ban(_) | StaffChange::Delete => false,
        StaffChange::Role(role) => *role >= user.role,
        StaffChange::LiftBan
        | StaffChange::ClearEmailStatus
        | StaffChange::Verify
        | StaffChange::EndSession(..)
        | StaffChange::EndAllSessions
        | StaffChange::ExpirePassword
        | StaffChange::LiftLocks(_)
        | StaffChange::EndSecondFactor(_)
        | StaffChange::KeepSecondFactor
        | StaffChange::Nothing => true,
    };
    !is_left && user.role == Role::Superuser
}
