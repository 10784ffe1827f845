//! The limits of guessing: how often a password may be tried in vain, counted for whom, and what happens then. And the
//! limits of what one network may cost: how often it may ask for mail, or for an account.
//!
//! [`LIMITS`] is the one table of them; `docs/security.md` shows it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::Limited;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many wrong passwords in a row disable a password.
pub const MOST_IN_A_ROW: u32 = 100;
/// At how many of them the user is warned: the first number is that of the first lock of an account.
pub const WARNED_AT: [u32; 2] = [10, 50];

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Log-ins to one account from one network.
    AccountAndIp,
    /// Log-ins to one account from all devices that it does not know.
    Account,
    /// Log-ins from one network to all accounts.
    Ip,
    /// Log-ins to one account from one device that it knows.
    Device,
    /// Questions for the password in one session.
    Session,
    /// Requests from one network that make an account, send mail or try a code. Each counts, whatever comes of it.
    Requests,
}

/// Which rule applies, by the name that logs and metrics have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Too many failures at one account from one network.
    AccountAndIp,
    /// Too many failures at one account.
    Account,
    /// So many failures at one account that it is an attack.
    AccountAttacked,
    /// Too many failures from one network.
    Ip,
    /// Failures at too many accounts from one network.
    IpAccounts,
    /// Too many failures on a device that the account knows.
    Device,
    /// Too many failures in one session.
    Session,
    /// Too many wrong passwords in a row.
    PasswordDisabled,
    /// Too many requests from one network that make an account, send mail or try a code.
    IpRequests,
    /// The same, in a day.
    IpRequestsOfADay,
    /// Too many mails of the whole site to addresses that are new.
    NewAddresses,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Failures; or requests, where each of those counts.
    Failures,
    /// The same, in a longer window.
    OfADay,
    /// The different accounts that they were at.
    Accounts,
}

/// Which failures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Those in so long a time from the first of them.
    FromFirst(SignedDuration),
    /// All, until there has been none for so long.
    FromLast(SignedDuration),
}

/// How long the failure that reaches a limit locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// For so long. Then the count begins anew.
    For(SignedDuration),
    /// The same, but an attempt with a proof of work goes on.
    UnlessWork(SignedDuration),
    /// A second, and with each further failure twice as long, up to `most`.
    Doubling {
        /// The longest.
        most: SignedDuration,
    },
}

/// One limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name.
    pub rule: Rule,
    /// What is counted together.
    pub scope: Scope,
    /// What is counted.
    pub measure: Measure,
    /// The failure with that number is the last one before the lock.
    pub max: u32,
    /// Which failures count.
    pub window: Window,
    /// What happens.
    pub lock: Lock,
}

/// All limits that lock for a time.
pub const LIMITS: [Limit; 9] = [
    Limit {
        rule: Rule::AccountAndIp,
        scope: Scope::AccountAndIp,
        measure: Measure::Failures,
        max: 5,
        window: Window::FromFirst(SignedDuration::from_mins(15)),
        lock: Lock::For(SignedDuration::from_mins(15)),
    },
    Limit {
        rule: Rule::Account,
        scope: Scope::Account,
        measure: Measure::Failures,
        max: 10,
        window: Window::FromLast(DAY),
        lock: Lock::Doubling { most: SignedDuration::from_mins(15) },
    },
    Limit {
        rule: Rule::AccountAttacked,
        scope: Scope::Account,
        measure: Measure::Failures,
        max: MOST_IN_A_ROW,
        window: Window::FromLast(DAY),
        lock: Lock::For(SignedDuration::from_hours(30 * 24)),
    },
    Limit {
        rule: Rule::Ip,
        scope: Scope::Ip,
        measure: Measure::Failures,
        max: 100,
        window: Window::FromFirst(DAY),
        lock: Lock::For(SignedDuration::from_hours(4)),
    },
    Limit {
        rule: Rule::IpAccounts,
        scope: Scope::Ip,
        measure: Measure::Accounts,
        max: 15,
        window: Window::FromFirst(SignedDuration::from_hours(3)),
        lock: Lock::UnlessWork(DAY),
    },
    Limit {
        rule: Rule::Device,
        scope: Scope::Device,
        measure: Measure::Failures,
        max: 10,
        window: Window::FromFirst(DAY),
        lock: Lock::For(DAY),
    },
    Limit {
        rule: Rule::Session,
        scope: Scope::Session,
        measure: Measure::Failures,
        max: 5,
        window: Window::FromFirst(SignedDuration::from_mins(15)),
        lock: Lock::For(SignedDuration::from_mins(15)),
    },
    Limit {
        rule: Rule::IpRequests,
        scope: Scope::Requests,
        measure: Measure::Failures,
        max: 20,
        window: Window::FromFirst(HOUR),
        lock: Lock::UnlessWork(HOUR),
    },
    Limit {
        rule: Rule::IpRequestsOfADay,
        scope: Scope::Requests,
        measure: Measure::OfADay,
        max: 100,
        window: Window::FromFirst(DAY),
        lock: Lock::For(DAY),
    },
];

/// Whether an attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Permitted,
    /// Not before that epoch second, by that rule.
    Until(i64, Rule),
    /// Not before the password is another one.
    Disabled(Rule),
}

impl Permission {
    /// The permission of an attempt with a proof of work.
    #[must_use]
    pub fn with_work(self) -> Self {
        match self {
            Self::Until(_, rule) if rule.takes_work() => Self::Permitted,
            Self::Permitted | Self::Until(..) | Self::Disabled(_) => self,
        }
    }

    /// The stricter of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Permitted, other) => other,
            (Self::Disabled(rule), _) | (_, Self::Disabled(rule)) => Self::Disabled(rule),
            (Self::Until(end, _), Self::Until(later, _)) if later > end => other,
            (Self::Until(..), Self::Permitted | Self::Until(..)) => self,
        }
    }
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::AccountAndIp, Self::Account, Self::Ip, Self::Device, Self::Session, Self::Requests];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountAndIp => "ACCOUNT_AND_IP",
            Self::Account => "ACCOUNT",
            Self::Ip => "IP",
            Self::Device => "DEVICE",
            Self::Session => "SESSION",
            Self::Requests => "REQUESTS",
        }
    }

    fn limits(self) -> impl Iterator<Item = &'static Limit> {
        LIMITS.iter().filter(move |limit| limit.scope == self)
    }

    /// The longest that a failure is kept.
    fn window(self, measure: Measure) -> Option<Window> {
        self.limits().find(|limit| limit.measure == measure).map(|limit| limit.window)
    }
}

impl Rule {
    /// Whether an attempt with a proof of work goes on during its lock.
    pub fn takes_work(self) -> bool {
        self.limits().any(|limit| matches!(limit.lock, Lock::UnlessWork(_)))
    }

    fn limits(self) -> impl Iterator<Item = &'static Limit> {
        LIMITS.iter().filter(move |limit| limit.rule == self)
    }

    /// What it limits.
    pub fn limited(self) -> Limited {
        match self {
            Self::AccountAndIp
            | Self::Account
            | Self::AccountAttacked
            | Self::Ip
            | Self::IpAccounts
            | Self::Device
            | Self::Session
            | Self::PasswordDisabled => Limited::Guesses,
            Self::IpRequests | Self::IpRequestsOfADay | Self::NewAddresses => Limited::Requests,
        }
    }

    /// Its name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountAndIp => "account_and_ip",
            Self::Account => "account",
            Self::AccountAttacked => "account_attacked",
            Self::Ip => "ip",
            Self::IpAccounts => "ip_accounts",
            Self::Device => "device",
            Self::Session => "session",
            Self::PasswordDisabled => "password_disabled",
            Self::IpRequests => "ip_requests",
            Self::IpRequestsOfADay => "ip_requests_day",
            Self::NewAddresses => "new_addresses",
        }
    }
}

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
    /// Drawn at random by each write, so that of two at once one sees what the other did; 0: never written.
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

    /// Counts a failure at that account, and locks if it reaches a limit.
    pub fn count(&mut self, scope: Scope, account: &str, now: Timestamp) {
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
            // A lock that takes work gives way to one that does not, even to a shorter one: but it ends no earlier.
            let gives_way = self.locked_by.is_some_and(Rule::takes_work);
            if end > start && (gives_way || end > self.locked_until) {
                (self.locked_until, self.locked_by) =
                    (end.max(self.locked_until), Some(limit.rule));
            }
        }
    }

    /// Forgets so many failures at that account: its user has logged in since.
    pub fn forgive(&mut self, scope: Scope, account: &str, failures: u32, now: Timestamp) {
        *self = self.as_of(scope, now);
        self.failures = self.failures.saturating_sub(failures);
        self.accounts.remove(account);
    }

    /// When it says nothing any more, in epoch seconds.
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
    use crate::config::Settings;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

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

    /// Of those behind a network that another one has locked, each may go on with work, up to the limit of failures.
    #[test]
    fn work_goes_on_from_a_locked_network_up_to_a_hundred_failures() {
        let mut tally = Tally::default();
        for number in 0..100 {
            assert_eq!(tally.permission(at(number)).with_work(), Permission::Permitted);
            tally.count(Scope::Ip, &number.to_string(), at(number));
        }
        // The fifteenth account locked the network for a day.
        assert_eq!(tally.permission(at(99)).with_work(), Permission::Until(86_414, Rule::Ip));
        assert_eq!(tally.permission(at(86_414)), Permission::Permitted);
        assert_eq!(tally.failures(Scope::Ip, at(86_414)), 0);
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
    fn what_a_user_mistyped_is_forgiven_and_nothing_else() {
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

    /// A time in words: `15 minutes`.
    fn in_words(time: SignedDuration) -> String {
        let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")];
        let seconds = time.as_secs();
        let fits =
            |unit: &SignedDuration| seconds >= unit.as_secs() && seconds % unit.as_secs() == 0;
        let (unit, name) =
            units.into_iter().find(|(unit, _)| fits(unit)).unwrap_or((SECOND, "second"));
        match seconds / unit.as_secs() {
            1 => format!("1 {name}"),
            count => format!("{count} {name}s"),
        }
    }

    /// The row of a limit in the documentation.
    fn row(limit: &Limit) -> String {
        let key = match limit.scope {
            Scope::AccountAndIp => "an account and a network",
            Scope::Account => "an account",
            Scope::Ip | Scope::Requests => "a network",
            Scope::Device => "an account and a device that it knows",
            Scope::Session => "a session",
        };
        let reached = match limit.measure {
            Measure::Failures | Measure::OfADay if limit.scope == Scope::Requests => {
                format!("{} requests", limit.max)
            }
            Measure::Failures | Measure::OfADay => format!("{} failures", limit.max),
            Measure::Accounts => format!("failures at {} different accounts", limit.max),
        };
        let window = match limit.window {
            Window::FromFirst(time) => format!("those within {} of the first", in_words(time)),
            Window::FromLast(time) => format!("all, until there was none for {}", in_words(time)),
        };
        let lock = match limit.lock {
            Lock::For(time) => format!("locked for {}", in_words(time)),
            Lock::UnlessWork(time) => format!(
                "locked for {}, except for attempts with a [proof of work](#proof-of-work)",
                in_words(time)
            ),
            Lock::Doubling { most } => format!(
                "locked for 1 second, and for twice as long after each further failure, up to {}",
                in_words(most)
            ),
        };
        format!("| `{}` | {key} | {reached} | {window} | {lock} |\n", limit.rule.name())
    }

    #[test]
    fn the_documentation_has_every_limit() {
        let head = "| limit | counted for | reached by | which ones count | then |\n|---|---|---|---|---|\n";
        let table: String =
            std::iter::once(head.to_owned()).chain(LIMITS.iter().map(row)).collect();
        let documented = include_str!("../../../docs/security.md");
        if documented.contains(&table) {
            return;
        }
        if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
            let (before, rest) = documented.split_once(head).unwrap();
            let after = rest.split_once("\n\n").map(|(_, after)| format!("\n{after}")).unwrap();
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
            std::fs::write(file, format!("{before}{table}{after}")).unwrap();
            return;
        }
        panic!(
            "UPDATE_EXPECT=1 cargo test -p accounts writes this into docs/security.md:\n{table}"
        );
    }

    #[test]
    fn the_stricter_permission_counts() {
        use Permission::{Disabled, Permitted, Until};
        let (soon, late) = (Until(1, Rule::Account), Until(2, Rule::Ip));
        assert_eq!(Permitted.and(soon), soon);
        assert_eq!(late.and(soon), late);
        assert_eq!(soon.and(late), late);
        assert_eq!(soon.and(Disabled(Rule::PasswordDisabled)), Disabled(Rule::PasswordDisabled));
    }
}
