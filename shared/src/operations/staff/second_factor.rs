//! Staff help a user who has lost the second factor and the recovery codes.

use jiff::Timestamp;

use super::change::parse_reason;
use super::{Admin, Plan};
use crate::error::{AuthError, Refusal};
use crate::model::factor::REMOVAL_WAIT;
use crate::model::session::seconds_after;
use crate::model::{
    EventKind, Languages, Mail, NewEvent, Notice, PlainPassword, Role, User, UserId,
};
use crate::store::StaffChange;
use crate::telemetry::{note, operation};

impl Admin<'_> {
    /// Removes the second factors of a user after three days, and mails a notice to all addresses of the user at once.
    /// A proof of a second factor in the meantime stops the removal. So an attacker who persuades staff has to wait,
    /// and the user can object. A second request changes nothing. The member of staff needs the password, or a log-in
    /// of the last minutes; with a second factor, a proof of this factor.
    ///
    /// An operator, who has the table itself, can set `at_once`.
    ///
    /// # Errors
    /// As [`Admin::delete`]; [`Refusal::NoSecondFactor`]; [`AuthError::PermissionDenied`] also for `at_once` of a
    /// member of staff.
    pub async fn remove_second_factor(
        &self,
        user: UserId,
        reason: &str,
        at_once: bool,
        password: Option<PlainPassword>,
    ) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "remove_second_factor", async {
            let reason = parse_reason(reason)?;
            self.check_role("remove_second_factor", user, Role::Staff).await?;
            self.confirm(password).await?;
            if at_once && !self.is_operator() {
                return Err(AuthError::PermissionDenied);
            }
            let now = self.accounts.clock.now();
            let ends_at = if at_once { now.as_second() } else { seconds_after(now, REMOVAL_WAIT) };
            note("ends_at", ends_at);
            self.change("remove_second_factor", user, |user| {
                if !user.has_second_factor {
                    return Err(Refusal::NoSecondFactor.into());
                }
                let event = NewEvent::of(EventKind::SecondFactorRemovalAsked, user.id);
                let event = event.because((!reason.is_empty()).then(|| reason.clone()));
                if user.second_factor_ends_at.is_some_and(|before| before <= ends_at) {
                    return Ok(Plan::new(StaffChange::Nothing, event.about("asked_before")));
                }
                let end = Timestamp::from_second(ends_at).unwrap_or(now);
                let change = StaffChange::EndSecondFactor(ends_at);
                let notice =
                    if at_once { Notice::FactorRemoved } else { Notice::FactorRemovalAsked };
                let mails = self.to_all_addresses(notice, user);
                Ok(Plan { mails, ..Plan::new(change, event.about(end)) })
            })
            .await
            .map(drop)
        })
    }

    /// Withdraws the request of [`Admin::remove_second_factor`]: the second factors stay.
    ///
    /// # Errors
    /// As [`Admin::ban`]; [`Refusal::NoSecondFactor`] if there is no such request.
    pub async fn keep_second_factor(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "keep_second_factor", async {
            self.change("keep_second_factor", user, |user| {
                if user.second_factor_ends_at.is_none() {
                    return Err(Refusal::NoSecondFactor.into());
                }
                let event = NewEvent::of(EventKind::SecondFactorRemovalCanceled, user.id);
                Ok(Plan::new(StaffChange::KeepSecondFactor, event))
            })
            .await
            .map(drop)
        })
    }

    fn to_all_addresses(&self, notice: Notice, user: &User) -> Vec<Mail> {
        let accounts = self.accounts;
        let second = user.second_email().map(|email| accounts.new_notice(notice, user, &email));
        let mut mails = accounts.notices_to_all(notice, user, &Languages::default());
        mails.extend(second);
        mails
    }
}
