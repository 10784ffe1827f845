//! The one table of the limits.

use jiff::SignedDuration;

use super::{MOST_IN_A_ROW, Rule, Scope};
use crate::model::log_in::LOG_IN_LIFETIME;
use crate::model::otp::MAX_TRIES;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Failures; or requests, where each of those counts.
    Failures,
    /// The same, in a longer window.
    OfADay,
    /// The number of different accounts at which attempts failed.
    Accounts,
}

/// Which failures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The failures within this time after the first of them.
    FromFirst(SignedDuration),
    /// All failures, until this time has passed without one.
    FromLast(SignedDuration),
}

/// How long the failure that reaches a limit locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// For this time. Then the count begins again.
    For(SignedDuration),
    /// The same, but an attempt with a proof of work goes on.
    UnlessWork(SignedDuration),
    /// For a second, and with each further failure for twice as long, up to `most`.
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
    // A page with a log-in form requests a challenge each time that it is opened, and many users may share a network. A
    // challenge costs one write, and no hash and no mail.
    Limit {
        rule: Rule::IpChallenges,
        scope: Scope::Challenges,
        measure: Measure::Failures,
        max: 300,
        window: Window::FromFirst(HOUR),
        lock: Lock::For(HOUR),
    },
];

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
            Scope::Ip | Scope::Requests | Scope::Challenges => "a network",
            Scope::Device => "an account and a known device",
            Scope::Session => "a session",
            Scope::Codes => "an address",
            Scope::LogInCodes => {
                "an address and a known device, or an address and all other devices"
            }
            Scope::StaffMails | Scope::StaffRefusals => "a member of staff",
            Scope::SecondFactor => {
                "a user and a known device, a user and all other devices, or a session"
            }
        };
        let reached = match limit.measure {
            Measure::Failures | Measure::OfADay if limit.scope == Scope::Requests => {
                format!("{} requests", limit.max)
            }
            Measure::Failures if limit.scope == Scope::Challenges => {
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
        let documented = include_str!("../../../../docs/security.md");
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
}
