//! Trusted devices: log in on them by the first factor alone, list them, end the trust in them.

use super::log_in::LoggedIn;
use super::log_in_by_mail::refused;
use super::secondary_email::count_lost;
use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{
    Client, EventKind, Factor, Factors, NewEvent, RefreshTokens, Session, TrustedDevice, User,
};
use crate::store::{FactorsChanged, SecondStep, SessionEnded, TwoStepLogIn};
use crate::telemetry::{note, operation};

impl Accounts {
    /// The devices that the caller trusts, newest trust first, at most 10.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn trusted_devices(&self, caller: &Caller) -> Result<Vec<TrustedDevice>, AuthError> {
        operation!(self.clock, "trusted_devices", async {
            note("user", caller.user.id);
            self.devices_of(&caller.user).await
        })
    }

    /// Ends the trust in a device of the caller: the next log-in on it needs the second factor. Its sessions continue.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for a trust that has ended, or that belongs to another user;
    /// [`AuthError::Unauthenticated`] if all sessions ended in the meantime; [`AuthError::Unavailable`].
    pub async fn end_trusted_device(&self, caller: &Caller, id: &str) -> Result<(), AuthError> {
        operation!(self.clock, "end_trusted_device", async {
            note("user", caller.user.id);
            if self.end_trusts(caller, |device| device.id == id.trim()).await? == 0 {
                return Err(AuthError::NotFound);
            }
            Ok(())
        })
    }

    /// Ends the trust in all devices of the caller.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] if all sessions ended in the meantime; [`AuthError::Unavailable`].
    pub async fn end_trusted_devices(&self, caller: &Caller) -> Result<(), AuthError> {
        operation!(self.clock, "end_trusted_devices", async {
            note("user", caller.user.id);
            note("ended", self.end_trusts(caller, |_| true).await?);
            Ok(())
        })
    }

    /// Whether a user may trust the device of a client. Never at the console of staff.
    pub fn may_trust(&self, client: &Client) -> bool {
        self.policy.trusted_device_lifetime.is_positive()
            && client.refresh_tokens != RefreshTokens::Console
    }

    /// The end of a trust that begins now.
    pub fn trust_ends_at(&self) -> jiff::Timestamp {
        let now = self.clock.now();
        now.checked_add(self.policy.trusted_device_lifetime).unwrap_or(now)
    }

    /// The devices that a user trusts, newest trust first.
    pub(super) async fn devices_of(&self, user: &User) -> Result<Vec<TrustedDevice>, AuthError> {
        if !user.has_second_factor || !self.policy.trusted_device_lifetime.is_positive() {
            return Ok(Vec::new());
        }
        let mut devices = self.live_devices(user, self.store.factors(user.id).await?);
        devices.reverse();
        Ok(devices)
    }

    /// Begins the trust in the device of a second step, if the client requests it. Returns the new name of the device,
    /// which no earlier device token has. `before` is the previous name.
    pub(super) fn trust_device(
        &self,
        user: &User,
        factors: &mut Factors,
        before: Option<&str>,
        client: &Client,
    ) -> Option<String> {
        if !client.trusts_device || !self.may_trust(client) {
            return None;
        }
        let (now, lifetime) = (self.clock.now(), self.policy.trusted_device_lifetime);
        factors.trusted_devices = self.live_devices(user, factors.clone());
        factors.distrust(|device| Some(device.id.as_str()) == before);
        let id = self.random.id(now).to_string();
        factors.trust(TrustedDevice::new(id.clone(), user, client, lifetime, now));
        Some(id)
    }

    /// Opens a session of a user who has a second factor, and has proven the first factor `factor`, if the user trusts
    /// the device of the client. Returns `None` if the log-in needs the second step. `request` is the request of a
    /// log-in by mail. It does not work again.
    pub(super) async fn log_in_on_trusted_device(
        &self,
        user: &User,
        factor: Factor,
        request: Option<(&str, i64)>,
        client: &Client,
    ) -> Result<Option<LoggedIn>, AuthError> {
        let name = self.known_device(user, client).filter(|_| self.may_trust(client));
        let Some(name) = name.filter(|_| user.has_second_factor) else { return Ok(None) };
        // Staff who must have a second factor prove it at each log-in.
        if user.role.is_staff() && self.needs_second_factor(user).await? {
            return Ok(None);
        }
        let (mut user, now, mut lost) = (user.clone(), self.clock.now(), 0);
        loop {
            let mut factors = self.store.factors(user.id).await?;
            factors.trusted_devices = self.live_devices(&user, factors.clone());
            let Some(device) = factors.trusted_devices.iter_mut().find(|it| it.id == name) else {
                return Ok(None);
            };
            *device = device.clone().used_by(client, now);
            let session = self.new_session(&user, factor, client);
            let session = Session { trusted_device: Some(name.clone()), ..session };
            let (factors, mails, events) = (&factors, &[][..], Vec::new());
            let step =
                SecondStep { first: request, factors, mails, events, is_first_factor: false };
            match self.open_session_by_two_steps(&user, &session, step).await? {
                (TwoStepLogIn::Done, others) => {
                    self.after_log_in(&user, &session, true, others.as_deref()).await;
                    note("trusted_device", true);
                    let device = self.proofs.devices().token(&user, name, now);
                    return Ok(Some(self.logged_in(user, session, device)));
                }
                (TwoStepLogIn::Used, _) => return Err(refused(factor, "used_before")),
                (TwoStepLogIn::Changed | TwoStepLogIn::Taken, _) => {
                    count_lost(&mut lost)?;
                    // The proof of the first factor is valid only for the same epoch of the user.
                    let same = self.store.user(user.id).await?.filter(|now| {
                        now.epoch == user.epoch && now.is_active && now.has_second_factor
                    });
                    let Some(same) = same else { return Ok(None) };
                    user = same;
                }
            }
        }
    }

    /// Ends a session from the list of the user's sessions, and the trust in its device. Returns `false` if the session
    /// has already ended.
    pub(super) async fn end_session_and_trust(
        &self,
        user: &User,
        session: &Session,
    ) -> Result<bool, AuthError> {
        let (now, mut lost) = (self.clock.now(), 0);
        loop {
            let ended = match &session.trusted_device {
                Some(name) if user.has_second_factor => {
                    let mut factors = self.store.factors(user.id).await?;
                    factors.distrust(|device| device.id == *name).then_some(factors)
                }
                Some(_) | None => None,
            };
            let Some(factors) = ended else {
                return Ok(self.store.end_session(user.id, session.id, now).await?);
            };
            match self.store.end_session_and_trust(session.id, &factors, now).await? {
                SessionEnded::Done => return Ok(true),
                SessionEnded::Gone => return Ok(false),
                SessionEnded::Changed => count_lost(&mut lost)?,
            }
        }
    }

    /// Ends trusts of the caller. Returns their number.
    async fn end_trusts(
        &self,
        caller: &Caller,
        is_ended: impl Fn(&TrustedDevice) -> bool,
    ) -> Result<u32, AuthError> {
        if !caller.user.has_second_factor {
            return Ok(0);
        }
        let mut lost = 0;
        loop {
            let mut factors = self.store.factors(caller.user.id).await?;
            let live = self.live_devices(&caller.user, factors.clone());
            let count = live.iter().filter(|device| is_ended(device)).count();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            if count == 0 {
                return Ok(0);
            }
            factors.distrust(&is_ended);
            let event = NewEvent::of(EventKind::DeviceTrustEnded, caller.user.id).times(count);
            match self.write_factors(caller, &factors, None, &[], event).await? {
                FactorsChanged::Done => return Ok(count),
                FactorsChanged::Ended => return Err(AuthError::Unauthenticated),
                FactorsChanged::Changed | FactorsChanged::Taken => count_lost(&mut lost)?,
            }
        }
    }

    /// The trusts that have not ended, oldest first, each with its present end.
    pub(super) fn live_devices(&self, user: &User, factors: Factors) -> Vec<TrustedDevice> {
        let (now, lifetime) = (self.clock.now(), self.policy.trusted_device_lifetime);
        let devices = factors.trusted_devices.into_iter().map(|device| device.within(lifetime));
        devices.filter(|device| device.is_live(user, now)).collect()
    }
}
