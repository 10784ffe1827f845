//! The limits of guessing: how often a password may be tried in vain, counted for whom, and what happens then. And the
//! limits of what one network may cost: how often it may ask for mail, or for an account.
//!
//! [`LIMITS`] is the one table of them; `docs/security.md` shows it. A [`Tally`] counts what they limit.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Tally;
use super::log_in::LOG_IN_LIFETIME;
use super::otp::MAX_TRIES;
use crate::error::Limited;

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
    /// Attempts at codes of a log-in by mail, for one address: on one device that its user has logged in on, or on all
    /// other devices together, over all codes that it is mailed. Each counts until one is right.
    LogInCodes,
    /// Tries of codes for one address, over all codes that it is mailed. Each counts, whatever comes of it.
    Codes,
    /// Mails that one member of staff causes.
    StaffMails,
    /// Changes that the role of one member of staff does not allow.
    StaffRefusals,
    /// Codes of the second factor of one user: in log-ins on one device, in log-ins on all devices that the user has not
    /// logged in on, or in one session. Each counts until one is right.
    SecondFactor,
    /// Questions to authenticators for log-ins, from one network. Each counts, whatever comes of it.
    Questions,
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
    /// Too many tries of codes for one address.
    AddressCodes,
    /// Too many attempts at codes of a log-in by mail.
    LogInCodes,
    /// The same, in a day.
    LogInCodesOfADay,
    /// Too many mails of the whole site to addresses that are new.
    NewAddresses,
    /// Too many mails of one member of staff.
    StaffMails,
    /// Too many changes that the role of one member of staff does not allow.
    StaffRefusals,
    /// Too many wrong codes of a second factor.
    SecondFactor,
    /// So many wrong codes of a second factor that it is an attack.
    SecondFactorAttacked,
    /// Too many questions to authenticators from one network.
    IpQuestions,
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
pub const LIMITS: [Limit; 17] = [
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
    // Each code has five tries, but an attacker may cause mails with others.
    Limit {
        rule: Rule::AddressCodes,
        scope: Scope::Codes,
        measure: Measure::Failures,
        max: 20,
        window: Window::FromFirst(DAY),
        lock: Lock::For(DAY),
    },
    // A further mail gives no further tries.
    Limit {
        rule: Rule::LogInCodes,
        scope: Scope::LogInCodes,
        measure: Measure::Failures,
        max: MAX_TRIES,
        window: Window::FromFirst(LOG_IN_LIFETIME),
        lock: Lock::For(LOG_IN_LIFETIME),
    },
    Limit {
        rule: Rule::LogInCodesOfADay,
        scope: Scope::LogInCodes,
        measure: Measure::OfADay,
        max: 20,
        window: Window::FromFirst(DAY),
        lock: Lock::For(DAY),
    },
    // An attacker may have stolen the token of a member of staff.
    Limit {
        rule: Rule::StaffMails,
        scope: Scope::StaffMails,
        measure: Measure::Failures,
        max: 100,
        window: Window::FromFirst(HOUR),
        lock: Lock::For(HOUR),
    },
    Limit {
        rule: Rule::StaffRefusals,
        scope: Scope::StaffRefusals,
        measure: Measure::Failures,
        max: 100,
        window: Window::FromFirst(HOUR),
        lock: Lock::For(HOUR),
    },
    // An attacker here knows the password, and has one chance in a million with each code.
    Limit {
        rule: Rule::SecondFactor,
        scope: Scope::SecondFactor,
        measure: Measure::Failures,
        max: 5,
        window: Window::FromFirst(SignedDuration::from_mins(5)),
        lock: Lock::For(SignedDuration::from_mins(5)),
    },
    Limit {
        rule: Rule::SecondFactorAttacked,
        scope: Scope::SecondFactor,
        measure: Measure::OfADay,
        max: 100,
        window: Window::FromFirst(SignedDuration::from_hours(30 * 24)),
        lock: Lock::For(SignedDuration::from_hours(30 * 24)),
    },
    // A page with a form for log-ins asks each time it is opened, and many users may share a network. A question costs a
    // write, and no hash and no mail.
    Limit {
        rule: Rule::IpQuestions,
        scope: Scope::Questions,
        measure: Measure::Failures,
        max: 300,
        window: Window::FromFirst(HOUR),
        lock: Lock::For(HOUR),
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
    /// What all of these tallies permit to an attempt, with a proof of work or without.
    pub fn by<'a>(
        tallies: impl IntoIterator<Item = &'a Tally>,
        has_work: bool,
        now: Timestamp,
    ) -> Self {
        let all = tallies.into_iter().map(|tally| tally.permission(now));
        // Each for itself: of two locks, the one that takes work may be the one that ends later.
        let all = all.map(|it| if has_work { it.with_work() } else { it });
        all.fold(Self::Permitted, Self::and)
    }

    /// The permission of an attempt with a proof of work.
    fn with_work(self) -> Self {
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
    pub const ALL: [Self; 12] = [
        Self::AccountAndIp,
        Self::Account,
        Self::Ip,
        Self::Device,
        Self::Session,
        Self::Requests,
        Self::Codes,
        Self::LogInCodes,
        Self::StaffMails,
        Self::StaffRefusals,
        Self::SecondFactor,
        Self::Questions,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountAndIp => "ACCOUNT_AND_IP",
            Self::Account => "ACCOUNT",
            Self::Ip => "IP",
            Self::Device => "DEVICE",
            Self::Session => "SESSION",
            Self::Requests => "REQUESTS",
            Self::Codes => "CODES",
            Self::LogInCodes => "LOG_IN_CODES",
            Self::StaffMails => "STAFF_MAILS",
            Self::StaffRefusals => "STAFF_REFUSALS",
            Self::SecondFactor => "SECOND_FACTOR",
            Self::Questions => "QUESTIONS",
        }
    }

    /// Whether a network is counted, and no account.
    pub fn is_of_network(self) -> bool {
        match self {
            Self::Ip | Self::Requests | Self::Questions => true,
            Self::AccountAndIp
            | Self::Account
            | Self::Device
            | Self::Session
            | Self::Codes
            | Self::LogInCodes
            | Self::StaffMails
            | Self::StaffRefusals
            | Self::SecondFactor => false,
        }
    }

    pub(super) fn limits(self) -> impl Iterator<Item = &'static Limit> {
        LIMITS.iter().filter(move |limit| limit.scope == self)
    }

    /// The longest that a failure is kept.
    pub(super) fn window(self, measure: Measure) -> Option<Window> {
        self.limits().find(|limit| limit.measure == measure).map(|limit| limit.window)
    }
}

impl Rule {
    /// Whether an attempt with a proof of work goes on during its lock.
    pub fn takes_work(self) -> bool {
        self.limits().any(|limit| matches!(limit.lock, Lock::UnlessWork(_)))
    }

    pub(super) fn limits(self) -> impl Iterator<Item = &'static Limit> {
        LIMITS.iter().filter(move |limit| limit.rule == self)
    }

    /// What it limits.
    pub fn limited(self) -> Limited {
        match self {
            Self::AccountAndIp
            | Self::Account
            | Self::AccountAttacked
            | Self::Device
            | Self::Session
            | Self::PasswordDisabled => Limited::Guesses,
            Self::Ip | Self::IpAccounts => Limited::Network,
            Self::AddressCodes | Self::LogInCodes | Self::LogInCodesOfADay => Limited::Codes,
            Self::SecondFactor | Self::SecondFactorAttacked => Limited::SecondFactor,
            Self::IpRequests
            | Self::IpRequestsOfADay
            | Self::NewAddresses
            | Self::IpQuestions
            | Self::StaffMails
            | Self::StaffRefusals => Limited::Requests,
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
            Self::AddressCodes => "address_codes",
            Self::LogInCodes => "log_in_codes",
            Self::LogInCodesOfADay => "log_in_codes_day",
            Self::NewAddresses => "new_addresses",
            Self::StaffMails => "staff_mails",
            Self::StaffRefusals => "staff_refusals",
            Self::SecondFactor => "second_factor",
            Self::SecondFactorAttacked => "second_factor_attacked",
            Self::IpQuestions => "ip_questions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

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
            Scope::Ip | Scope::Requests | Scope::Questions => "a network",
            Scope::Device => "an account and a device that it knows",
            Scope::Session => "a session",
            Scope::Codes => "an address",
            Scope::LogInCodes => {
                "an address and a device that its user knows, or an address and all other devices"
            }
            Scope::StaffMails | Scope::StaffRefusals => "a member of staff",
            Scope::SecondFactor => {
                "a user and a device that the user knows, a user and all other devices, or a session"
            }
        };
        let reached = match limit.measure {
            Measure::Failures | Measure::OfADay if limit.scope == Scope::Requests => {
                format!("{} requests", limit.max)
            }
            Measure::Failures if limit.scope == Scope::Questions => {
                format!("{} WebAuthn challenges", limit.max)
            }
            Measure::Failures if limit.scope == Scope::Codes => format!("{} codes", limit.max),
            Measure::Failures | Measure::OfADay if limit.scope == Scope::LogInCodes => {
                format!("{} wrong codes of a log-in by mail", limit.max)
            }
            Measure::Failures if limit.scope == Scope::StaffMails => format!("{} mails", limit.max),
            Measure::Failures if limit.scope == Scope::StaffRefusals => {
                format!("{} refused changes", limit.max)
            }
            Measure::Failures | Measure::OfADay if limit.scope == Scope::SecondFactor => {
                format!("{} wrong codes of a second factor", limit.max)
            }
            Measure::Failures | Measure::OfADay => format!("{} failures", limit.max),
            Measure::Accounts => format!("failures at {} different accounts", limit.max),
        };
        let window = match limit.window {
            Window::FromFirst(time) => format!("{} from the first", in_words(time)),
            Window::FromLast(time) => format!("until {} without a failure", in_words(time)),
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
        let head = "| limit | counted for | reached by | counting period | effect |\n|---|---|---|---|---|\n";
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
