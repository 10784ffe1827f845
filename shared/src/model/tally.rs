//! The count of failures, and of requests, that the [limits](super::guessing::LIMITS) look at.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::guessing::{Limit, Lock, Measure, Window};
use super::{Permission, Rule, Scope};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The failures of one account, network, device or session, and the lock that they led to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    failures: u32,
    /// The first or the last of them, as the [`Window`] wants it, in epoch seconds.
    since: i64,
    /// The accounts that they were at, where those are counted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    accounts: BTreeSet<String>,
    /// The same as `since`, for `accounts`.
    #[serde(default)]
    accounts_since: i64,
    /// The failures in the longer window, where there is one.
    #[serde(default, skip_serializing_if = "Daily::is_empty")]
    daily: Daily,
    #[serde(default)]
    locked_until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked_by: Option<Rule>,
    /// A random number that each write changes, so that one of two concurrent writes detects the other. 0 if the tally
    /// was never written.
    #[serde(default)]
    pub revision: u64,
}

/// Failures in a longer window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Daily {
    failures: u32,
    /// The first of them, in epoch seconds.
    since: i64,
}

impl Daily {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Tally {
    /// Whether there may be one more attempt.
    pub fn permission(&self, now: Timestamp) -> Permission {
        match self.locked_by {
            Some(rule) if now.as_second() < self.locked_until => {
                Permission::Until(self.locked_until, rule)
            }
            Some(_) | None => Permission::Permitted,
        }
    }

    /// How many failures count now.
    pub fn failures(&self, scope: Scope, now: Timestamp) -> u32 {
        self.as_of(scope, now).failures
    }

    /// Counts a failure at that account, and locks if it reaches a limit. Returns the rule of a lock that begins.
    pub fn count(&mut self, scope: Scope, account: &str, now: Timestamp) -> Option<Rule> {
        *self = self.as_of(scope, now);
        let second = now.as_second();
        let begin = |since: i64, is_first: bool, window: Option<Window>| match window {
            Some(Window::FromFirst(_)) if !is_first => since,
            Some(Window::FromFirst(_) | Window::FromLast(_)) | None => second,
        };
        self.since = begin(self.since, self.failures == 0, scope.window(Measure::Failures));
        self.failures = self.failures.saturating_add(1);
        if let window @ Some(_) = scope.window(Measure::Accounts) {
            self.accounts_since = begin(self.accounts_since, self.accounts.is_empty(), window);
            self.accounts.insert(account.to_owned());
        }
        if let window @ Some(_) = scope.window(Measure::OfADay) {
            self.daily.since = begin(self.daily.since, self.daily.failures == 0, window);
            self.daily.failures = self.daily.failures.saturating_add(1);
        }
        // Rounded up: otherwise a lock of one second could end at once.
        let start = second.saturating_add((now.subsec_nanosecond() > 0).into());
        let locked_by = self.locked_by;
        for limit in scope.limits().filter(|limit| Some(limit.rule) != locked_by) {
            let end = start.saturating_add(self.lock(limit).as_secs());
            // A lock that takes no work replaces a lock that takes work, even a longer one. The end of the longer lock
            // stays.
            let gives_way = self.locked_by.is_some_and(Rule::takes_work);
            if end > start && (gives_way || end > self.locked_until) {
                (self.locked_until, self.locked_by) =
                    (end.max(self.locked_until), Some(limit.rule));
            }
        }
        self.locked_by.filter(|rule| Some(*rule) != locked_by)
    }

    /// Forgets so many failures at that account: its user has logged in since.
    pub fn forgive(&mut self, scope: Scope, account: &str, failures: u32, now: Timestamp) {
        *self = self.as_of(scope, now);
        self.failures = self.failures.saturating_sub(failures);
        self.accounts.remove(account);
    }

    /// When nothing in the tally counts any more, in epoch seconds.
    pub fn ends_at(&self, scope: Scope) -> i64 {
        let end = |since: i64, measure| match scope.window(measure) {
            Some(Window::FromFirst(window) | Window::FromLast(window)) => {
                since.saturating_add(window.as_secs())
            }
            None => 0,
        };
        let failures = end(self.since, Measure::Failures);
        let counts = failures.max(end(self.accounts_since, Measure::Accounts));
        counts.max(end(self.daily.since, Measure::OfADay)).max(self.locked_until)
    }

    /// For how long a limit locks now: not at all if it is not reached.
    fn lock(&self, limit: &Limit) -> SignedDuration {
        let value = match limit.measure {
            Measure::Failures => self.failures,
            Measure::OfADay => self.daily.failures,
            Measure::Accounts => u32::try_from(self.accounts.len()).unwrap_or(u32::MAX),
        };
        let Some(beyond) = value.checked_sub(limit.max) else { return SignedDuration::ZERO };
        match limit.lock {
            Lock::For(time) | Lock::UnlessWork(time) => time,
            Lock::Doubling { most } => {
                let doubled = SECOND.as_secs().checked_shl(beyond.min(62)).unwrap_or(i64::MAX);
                SignedDuration::from_secs(doubled.min(most.as_secs()))
            }
        }
    }

    /// Without the failures that do not count any more.
    fn as_of(&self, scope: Scope, now: Timestamp) -> Self {
        let second = now.as_second();
        let mut tally = self.clone();
        let is_over = |since: i64, measure| match scope.window(measure) {
            Some(Window::FromFirst(window) | Window::FromLast(window)) => {
                second >= since.saturating_add(window.as_secs())
            }
            None => true,
        };
        let was_locked = self.locked_by.filter(|_| second >= self.locked_until);
        let begins_anew = |measure| {
            let is_doubling = |limit: &Limit| matches!(limit.lock, Lock::Doubling { .. });
            let mut limits = was_locked.into_iter().flat_map(Rule::limits);
            limits.any(|limit| limit.measure == measure && !is_doubling(limit))
        };
        let is_void = |since, measure| is_over(since, measure) || begins_anew(measure);
        if is_void(self.since, Measure::Failures) {
            tally.failures = 0;
        }
        if is_void(self.accounts_since, Measure::Accounts) {
            tally.accounts.clear();
        }
        if is_void(self.daily.since, Measure::OfADay) {
            tally.daily = Daily::default();
        }
        if was_locked.is_some() {
            (tally.locked_until, tally.locked_by) = (0, None);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Fails as soon as it is permitted, and gives the seconds at which it did.
    fn guess(scope: Scope, seconds: i64) -> Vec<i64> {
        let mut tally = Tally::default();
        let mut failed = Vec::new();
        for second in 0..seconds {
            while tally.permission(at(second)) == Permission::Permitted {
                tally.count(scope, "ann", at(second));
                failed.push(second);
            }
        }
        failed
    }

    #[test]
    fn five_failures_lock_an_account_for_a_network_for_a_quarter_of_an_hour() {
        let failed = guess(Scope::AccountAndIp, 1_801);
        assert_eq!(
            failed,
            [[0; 5], [900; 5]].concat().into_iter().chain([1_800; 5]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn from_the_tenth_failure_an_account_is_locked_for_twice_as_long_each_time() {
        let failed = guess(Scope::Account, 4_000);
        assert_eq!(failed[..9], [0; 9]);
        assert_eq!(
            failed[9..],
            [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 1_923, 2_823, 3_723]
        );
    }

    #[test]
    fn a_hundred_failures_at_an_account_lock_it_for_a_month() {
        let failed = guess(Scope::Account, 200_000);
        assert_eq!(failed.len(), 100);
    }

    #[test]
    fn a_network_has_a_hundred_failures_a_day_and_fifteen_accounts_in_three_hours() {
        assert_eq!(guess(Scope::Ip, 14_400).len(), 100);
        let mut tally = Tally::default();
        for number in 0..15 {
            assert_eq!(tally.permission(at(0)), Permission::Permitted, "{number}");
            tally.count(Scope::Ip, &number.to_string(), at(0));
        }
        assert_eq!(tally.permission(at(0)), Permission::Until(86_400, Rule::IpAccounts));
        assert_eq!(tally.permission(at(86_400)), Permission::Permitted);
        assert_eq!(tally.failures(Scope::Ip, at(86_400)), 0);
    }

    /// One client has locked the network. Its other clients go on with a proof of work, up to the limit of failures.
    #[test]
    fn work_goes_on_from_a_locked_network_up_to_a_hundred_failures() {
        let mut tally = Tally::default();
        for number in 0..100 {
            assert_eq!(Permission::by([&tally], true, at(number)), Permission::Permitted);
            tally.count(Scope::Ip, &number.to_string(), at(number));
        }
        // The fifteenth account locked the network for a day.
        assert_eq!(Permission::by([&tally], true, at(99)), Permission::Until(86_414, Rule::Ip));
        assert_eq!(tally.permission(at(86_414)), Permission::Permitted);
        assert_eq!(tally.failures(Scope::Ip, at(86_414)), 0);
    }

    #[test]
    fn a_lock_begins_once_and_a_stricter_one_begins_during_it() {
        let mut tally = Tally::default();
        let began: Vec<_> = (1..=100)
            .filter_map(|number: u32| {
                let rule = tally.count(Scope::Ip, &number.to_string(), at(0))?;
                Some((number, rule))
            })
            .collect();
        assert_eq!(began, [(15, Rule::IpAccounts), (100, Rule::Ip)]);
    }

    #[test]
    fn of_two_locks_work_ends_only_the_one_that_takes_it() {
        let mut network = Tally::default();
        for number in 0..15 {
            network.count(Scope::Ip, &number.to_string(), at(0));
        }
        let mut account = Tally::default();
        for _ in 0..5 {
            account.count(Scope::AccountAndIp, "ann", at(0));
        }
        let all = [&account, &network];
        assert_eq!(Permission::by(all, false, at(1)), Permission::Until(86_400, Rule::IpAccounts));
        assert_eq!(Permission::by(all, true, at(1)), Permission::Until(900, Rule::AccountAndIp));
        assert_eq!(Permission::by(all, true, at(900)), Permission::Permitted);
    }

    #[test]
    fn a_network_has_twenty_requests_an_hour_and_a_hundred_a_day() {
        let made = guess(Scope::Requests, 101_000);
        let hours = (0..5).flat_map(|hour| [hour * 3_600; 20]);
        let next_day = [4 * 3_600 + 86_400];
        let expected = hours.chain(next_day.into_iter().flat_map(|second| [second; 20]));
        assert_eq!(made[..120], expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_second_factor_has_five_wrong_codes_in_five_minutes_and_a_hundred_in_all() {
        let failed = guess(Scope::SecondFactor, 1_000_000);
        assert_eq!(failed[..10], [[0; 5], [300; 5]].concat());
        assert_eq!((failed.len(), failed.last()), (100, Some(&5_700)));
    }

    #[test]
    fn a_lock_of_a_second_lasts_a_second() {
        let late = Timestamp::from_millisecond(999).unwrap();
        let mut tally = Tally::default();
        for _ in 0..10 {
            tally.count(Scope::Account, "ann", late);
        }
        assert_eq!(tally.permission(at(1)), Permission::Until(2, Rule::Account));
        assert_eq!(tally.permission(at(2)), Permission::Permitted);
    }

    #[test]
    fn a_tally_forgives_the_failures_of_one_account_alone() {
        let mut tally = Tally::default();
        for account in ["ann", "ann", "bob", "carol"] {
            tally.count(Scope::Ip, account, at(0));
        }
        tally.forgive(Scope::Ip, "ann", 2, at(1));
        assert_eq!(tally.failures(Scope::Ip, at(1)), 2);
        assert_eq!(tally.accounts.len(), 2);
    }

    #[test]
    fn failures_long_ago_do_not_count() {
        let mut tally = Tally::default();
        for second in [0, 1, 2, 3] {
            tally.count(Scope::AccountAndIp, "ann", at(second));
        }
        assert_eq!(tally.failures(Scope::AccountAndIp, at(899)), 4);
        assert_eq!(tally.failures(Scope::AccountAndIp, at(900)), 0);
        assert_eq!(tally.ends_at(Scope::AccountAndIp), 900);
    }
}
