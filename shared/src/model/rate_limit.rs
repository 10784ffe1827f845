//! The rate limits of mails: how many an address gets, and how many a user causes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::MailId;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How many seconds the clocks of two functions may differ: a mail that is due by one clock does not wait again
/// because of the other.
const SKEW: i64 = 5;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The least time between two.
    pub apart: SignedDuration,
    /// The most in any time as long as `period`.
    pub most: usize,
    /// How long that is.
    pub period: SignedDuration,
    /// How many may wait at once.
    pub waiting: usize,
}

impl Limits {
    /// Of mails with links to one address.
    pub const LINKS: Self = Self { apart: MINUTE, most: 5, period: HOUR, waiting: 20 };
    /// Of mails with links to the address of an account that is not verified. Strangers can cause any number of such
    /// mails, so these use no slots of other mails. Together with [`Self::STRANGERS`], the most is five.
    pub const UNPROVEN: Self = Self { apart: MINUTE, most: 3, period: HOUR, waiting: 10 };
    /// Of notices of one kind to one address. They do not wait for each other: an owner learns of an event at once.
    pub const NOTICES: Self =
        Self { apart: SignedDuration::ZERO, most: 5, period: HOUR, waiting: 20 };
    /// Of notices of log-ins on new devices to one address.
    pub const NEW_DEVICES: Self =
        Self { apart: SignedDuration::ZERO, most: 5, period: DAY, waiting: 5 };
    /// Of notices of wrong passwords of one kind to one address: strangers cause them.
    pub const GUESSES: Self =
        Self { apart: SignedDuration::ZERO, most: 2, period: DAY, waiting: 2 };
    /// Of mails to one address that other users cause: the rest is for its owner.
    pub const STRANGERS: Self = Self { apart: MINUTE, most: 2, period: HOUR, waiting: 2 };
    /// Of notices of sign-ups to one address.
    pub const SIGN_UPS: Self =
        Self { apart: SignedDuration::ZERO, most: 1, period: DAY, waiting: 1 };
    /// Of mails that one user causes to addresses that do not belong to the user yet. The user can correct a mistyped
    /// one at once.
    pub const REQUESTER: Self =
        Self { apart: SignedDuration::ZERO, most: 5, period: HOUR, waiting: 5 };

    /// How long a mail counts.
    fn window(self) -> i64 {
        self.apart.max(self.period).as_secs()
    }
}

/// The mails that count towards one quota: those of the last hour or day, and those to come. Each has its moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots(Vec<TakenSlot>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TakenSlot {
    mail: MailId,
    at: i64,
    /// [`SlotRequest::says`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    says: Option<String>,
}

/// A mail that asks for a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRequest {
    /// The mail.
    pub mail: MailId,
    /// Identifies the content: of two mails with the same content within a minute, one is enough. `None` for a mail
    /// that has no duplicate.
    pub says: Option<String>,
    /// Whether the mail may wait.
    pub may_wait: bool,
}

/// The answer to a mail that asks for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// It may be sent.
    Now,
    /// Its moment is that epoch second.
    At(i64),
    /// A mail with the same content was sent within the minute.
    Repeated,
    /// There is no moment for it.
    Full,
}

/// One quota and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The limits of the quota.
    pub limits: Limits,
    /// The slots that are taken.
    pub slots: Slots,
}

impl Quota {
    /// Gives the mail one moment in all of the quotas, or in none of them. The moment is now, or if the mail may
    /// wait, the first one that is free in each quota.
    ///
    /// A mail that asks again gets the same moment, so that a crash after this loses no mail. If a mail with the same
    /// content waits, the new one takes its moment, because its link expires later.
    pub fn take_slot(quotas: &mut [Self], request: &SlotRequest, now: Timestamp) -> Slot {
        let now = now.as_second();
        for quota in quotas.iter_mut() {
            let window = quota.limits.window();
            quota.slots.0.retain(|taken| taken.at > now - window);
        }
        let all = || quotas.iter().flat_map(|quota| &quota.slots.0);
        if let Some(own) = all().filter(|taken| taken.mail == request.mail).map(|own| own.at).max()
        {
            return if own <= now + SKEW { Slot::Now } else { Slot::At(own) };
        }
        let same = all().filter(|taken| request.says.is_some() && taken.says == request.says);
        if let Some(same) = same.max_by_key(|taken| taken.at).cloned() {
            if same.at > now {
                let waiting = quotas.iter_mut().flat_map(|quota| &mut quota.slots.0);
                for taken in waiting.filter(|taken| taken.mail == same.mail) {
                    taken.mail = request.mail;
                }
                return Slot::At(same.at);
            }
            if same.at > now - MINUTE.as_secs() {
                return Slot::Repeated;
            }
        }
        let at = first_free(quotas, now);
        if at > now && (!request.may_wait || quotas.iter().any(|quota| quota.is_full(now))) {
            return Slot::Full;
        }
        for quota in quotas {
            let (mail, says) = (request.mail, request.says.clone());
            quota.slots.0.push(TakenSlot { mail, at, says });
        }
        if at > now { Slot::At(at) } else { Slot::Now }
    }

    /// When no slot counts any more, in epoch seconds.
    pub fn ends_at(&self, now: Timestamp) -> i64 {
        let last = self.slots.last().map_or(now.as_second(), |last| last.max(now.as_second()));
        last + self.limits.window()
    }

    fn is_full(&self, now: i64) -> bool {
        self.slots.0.iter().filter(|taken| taken.at > now).count() >= self.limits.waiting
    }

    /// Whether a mail at that moment keeps the limits, together with those before and after it.
    fn is_free(&self, at: i64) -> bool {
        let taken = || self.slots.0.iter().map(|taken| taken.at);
        if taken().any(|other| (other - at).abs() < self.limits.apart.as_secs()) {
            return false;
        }
        let mut moments: Vec<_> = taken().chain([at]).collect();
        moments.sort_unstable();
        let period = self.limits.period.as_secs();
        let is_too_many = |moments: &[i64]| match moments {
            [first, .., last] => (*first..=*last).contains(&at) && last - first < period,
            _ => false,
        };
        !moments.windows(self.limits.most + 1).any(is_too_many)
    }
}

impl Slots {
    /// Whether the mail has its moment among these.
    pub fn hold(&self, mail: MailId) -> bool {
        self.0.iter().any(|taken| taken.mail == mail)
    }

    fn last(&self) -> Option<i64> {
        self.0.iter().map(|taken| taken.at).max()
    }
}

/// The first moment that is free in all quotas: now, or the moment at which a limit of an earlier mail ends.
fn first_free(quotas: &[Quota], now: i64) -> i64 {
    let after = |quota: &Quota| {
        let ends = [quota.limits.apart.as_secs(), quota.limits.window()];
        let moments = quota.slots.0.iter().flat_map(move |taken| ends.map(|end| taken.at + end));
        moments.collect::<Vec<_>>()
    };
    let mut moments: Vec<_> = quotas.iter().flat_map(after).filter(|at| *at > now).collect();
    moments.push(now);
    moments.sort_unstable();
    let last = moments.last().copied().unwrap_or(now);
    let is_free = |at: &i64| quotas.iter().all(|quota| quota.is_free(*at));
    moments.into_iter().find(is_free).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(limits: Limits) -> Quota {
        Quota { limits, slots: Slots::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn request(number: u128, says: &str) -> SlotRequest {
        let says = (!says.is_empty()).then(|| says.to_owned());
        SlotRequest { mail: uuid::Uuid::from_u128(number).into(), says, may_wait: true }
    }

    fn take(quota: &mut Quota, number: u128, says: &str, second: i64) -> Slot {
        let quotas = std::slice::from_mut(quota);
        Quota::take_slot(quotas, &request(number, says), at(second))
    }

    #[test]
    fn one_a_minute_and_five_an_hour() {
        let mut links = quota(Limits::LINKS);
        let mut take = |second: &u32| {
            let request = SlotRequest { may_wait: false, ..request(u128::from(*second), "") };
            let quotas = std::slice::from_mut(&mut links);
            Quota::take_slot(quotas, &request, at((*second).into())) == Slot::Now
        };
        let sent: Vec<_> = (0..7300).step_by(10).filter(|second| take(second)).collect();
        assert_eq!(sent, [0, 60, 120, 180, 240, 3600, 3660, 3720, 3780, 3840, 7200, 7260]);
    }

    #[test]
    fn a_mail_gets_the_first_moment_that_is_free_and_keeps_it() {
        let mut links = quota(Limits::LINKS);
        let mut take = |number, second| take(&mut links, number, "", second);
        assert_eq!(take(1, 0), Slot::Now);
        assert_eq!(take(2, 10), Slot::At(60));
        assert_eq!(take(3, 20), Slot::At(120));
        assert_eq!(take(2, 50), Slot::At(60));
        assert_eq!(take(2, 60), Slot::Now);
        assert_eq!(take(2, 61), Slot::Now, "a second attempt");
        assert_eq!(take(3, 119), Slot::Now, "by a clock that is slow");
        assert_eq!(take(5, 180), Slot::Now);
        assert_eq!(take(6, 181), Slot::At(240));
        assert_eq!(take(7, 182), Slot::At(3600));
        assert_eq!(take(8, 183), Slot::At(3660));
    }

    #[test]
    fn a_mail_is_repeated_only_by_one_that_says_the_same_within_the_minute() {
        let mut links = quota(Limits::LINKS);
        let mut take = |number, says, second| take(&mut links, number, says, second);
        assert_eq!(take(1, "activation", 0), Slot::Now);
        assert_eq!(take(2, "activation", 59), Slot::Repeated);
        assert_eq!(take(3, "reset", 59), Slot::At(60));
        assert_eq!(take(4, "activation", 60), Slot::At(120));
    }

    #[test]
    fn a_mail_takes_the_moment_of_one_that_waits_and_says_the_same() {
        let mut links = quota(Limits::LINKS);
        let mut take = |number, says, second| take(&mut links, number, says, second);
        assert_eq!(take(1, "activation", 0), Slot::Now);
        assert_eq!(take(2, "reset", 1), Slot::At(60));
        assert_eq!(take(3, "reset", 2), Slot::At(60));
        assert_eq!(take(3, "reset", 60), Slot::Now);
        assert_eq!(take(2, "reset", 60), Slot::Repeated);
    }

    #[test]
    fn one_that_waits_for_long_delays_no_other() {
        let mut asker = quota(Limits::REQUESTER);
        for number in 0..5 {
            assert_eq!(take(&mut asker, number, "", 0), Slot::Now, "at once");
        }
        let mut quotas = [asker, quota(Limits::LINKS)];
        let slot = Quota::take_slot(&mut quotas, &request(9, ""), at(1));
        assert_eq!(slot, Slot::At(3600));
        let [_, mut links] = quotas;
        assert_eq!(take(&mut links, 10, "", 2), Slot::Now);
        assert_eq!(take(&mut links, 11, "", 3590), Slot::At(3660));
    }

    #[test]
    fn a_mail_that_one_quota_has_no_moment_for_counts_towards_none() {
        let mut quotas = [quota(Limits::REQUESTER), quota(Limits::LINKS)];
        for number in 0..5 {
            take(&mut quotas[0], number, "", 0);
        }
        let before = quotas.clone();
        let hasty = SlotRequest { may_wait: false, ..request(9, "") };
        assert_eq!(Quota::take_slot(&mut quotas, &hasty, at(1)), Slot::Full);
        assert_eq!(quotas, before);
    }

    #[test]
    fn not_more_wait_than_the_limit_says() {
        for limits in [
            Limits::LINKS,
            Limits::UNPROVEN,
            Limits::NOTICES,
            Limits::NEW_DEVICES,
            Limits::GUESSES,
            Limits::STRANGERS,
            Limits::REQUESTER,
        ] {
            let mut quota = quota(limits);
            let slots: Vec<_> = (0..100).map(|number| take(&mut quota, number, "", 0)).collect();
            let waiting = slots.iter().filter(|slot| matches!(slot, Slot::At(_))).count();
            assert_eq!(waiting, limits.waiting, "{limits:?}");
            assert_eq!(slots.last(), Some(&Slot::Full));
            assert_eq!(quota.ends_at(at(0)), quota.slots.last().unwrap() + limits.period.as_secs());
        }
    }

    #[test]
    fn a_limit_of_a_day_is_remembered_for_a_day() {
        let mut sign_ups = quota(Limits::SIGN_UPS);
        let mut take = |hour: i64| {
            let hasty = SlotRequest { may_wait: false, ..request(hour.unsigned_abs().into(), "") };
            let quotas = std::slice::from_mut(&mut sign_ups);
            Quota::take_slot(quotas, &hasty, at(hour * 3600)) == Slot::Now
        };
        let sent: Vec<_> = (0..50).filter(|hour| take(*hour)).collect();
        assert_eq!(sent, [0, 24, 48]);
    }
}
