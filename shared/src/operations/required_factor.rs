//! Who must have a second factor: one rule, for the log-ins, for each use of a session, and for the removal of factors.

use jiff::Timestamp;

use super::authenticate::invalid;
use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{Needed, Role, Session, User};

impl Accounts {
    /// Whether the user must have a second factor now. Only for staff of a site that does not say so
    /// ([`Needed::AfterSuperuser`]), it reads the table.
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

    /// Whether a session of a user of that role can be refused by [`Accounts::check_second_factor_of`].
    pub(super) fn may_need_second_factor(&self, role: &str) -> bool {
        Role::named(role)
            .is_none_or(|role| self.policy.second_factor.of(role, self.clock.now()) != Needed::No)
    }

    /// Succeeds unless the user must have a second factor, and has not proven one in the session. So a requirement that
    /// begins, or another role, takes effect at once. A user who is not staff has proven one when the trust in the device
    /// of the session began. That is enough while the user has a second factor.
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

    /// Succeeds if the user may be without a second factor.
    ///
    /// # Errors
    /// [`AuthError::LastFactor`], [`AuthError::Unavailable`].
    pub(super) async fn check_may_lack_factors(&self, user: &User) -> Result<(), AuthError> {
        if self.needs_second_factor(user).await? { Err(AuthError::LastFactor) } else { Ok(()) }
    }

    /// From when on the caller must have a second factor, for a caller who has none yet.
    pub fn second_factor_due(&self, caller: &Caller) -> Option<Timestamp> {
        let begins = self.policy.second_factor.begins(caller.user.role, self.clock.now());
        begins.filter(|_| !caller.user.has_second_factor)
    }
}

fn may_trust(user: &User, session: &Session) -> bool {
    session.is_by_trusted_device() && user.has_second_factor && !user.role.is_staff()
}
