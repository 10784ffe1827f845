//! The users who must have a second factor: one rule, for the log-ins, for each use of a session, and for the removal
//! of factors.

use jiff::Timestamp;

use super::authenticate::invalid;
use super::{Accounts, Caller};
use crate::error::{AuthError, Refusal};
use crate::model::{Needed, Role, Session, User};

impl Accounts {
    /// Whether the user must have a second factor now. Reads the table only for staff, and only if the site has no
    /// setting ([`Needed::AfterSuperuser`]).
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub(super) async fn needs_second_factor(&self, user: &User) -> Result<bool, AuthError> {
        match self.policy.second_factor.of(user.role, self.clock.now()) {
            Needed::No => Ok(false),
            Needed::Yes => Ok(true),
            Needed::AfterSuperuser => Ok(self.store.has_secured_superuser().await?),
        }
    }

    /// Whether [`Accounts::check_second_factor_of`] can refuse a session of a user with this role.
    pub(super) fn may_need_second_factor(&self, role: &str) -> bool {
        Role::named(role)
            .is_none_or(|role| self.policy.second_factor.of(role, self.clock.now()) != Needed::No)
    }

    /// Fails if the user must have a second factor, and has not proven one in the session. So a new requirement, or
    /// another role, takes effect at once. For a user who is not staff, a session on a trusted device is enough as long
    /// as the user has a second factor, because the user proved one when the trust began.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`]: the session counts as ended; [`AuthError::Unavailable`].
    pub(super) async fn check_second_factor_of(
        &self,
        user: &User,
        session: &Session,
    ) -> Result<(), AuthError> {
        let is_proven = session.second_factor_at.is_some() || may_trust(user, session);
        if !is_proven && self.needs_second_factor(user).await? {
            return Err(invalid("second_factor_required"));
        }
        Ok(())
    }

    /// Fails if the user must have a second factor.
    ///
    /// # Errors
    /// [`Refusal::LastFactor`], [`AuthError::Unavailable`].
    pub(super) async fn check_may_lack_factors(&self, user: &User) -> Result<(), AuthError> {
        if self.needs_second_factor(user).await? { Err(Refusal::LastFactor.into()) } else { Ok(()) }
    }

    /// The time from which the caller must have a second factor, if that time is still to come, and if the caller has
    /// none yet.
    pub fn second_factor_due(&self, caller: &Caller) -> Option<Timestamp> {
        let begins = self.policy.second_factor.begins(caller.user.role, self.clock.now());
        begins.filter(|_| !caller.user.has_second_factor)
    }
}

fn may_trust(user: &User, session: &Session) -> bool {
    session.is_by_trusted_device() && user.has_second_factor && !user.role.is_staff()
}
