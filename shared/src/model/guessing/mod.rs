//! The limits of guessing: how often a password may be tried in vain, counted for whom, and what happens then. And the
//! limits of what one network may cost: how often it may ask for mail, or for an account.
//!
//! [`LIMITS`] is the one table of them; `docs/security.md` shows it. A [`Tally`](super::Tally) counts what they limit.

mod limits;
mod permission;

use serde::{Deserialize, Serialize};

use crate::error::Limited;

pub use limits::{LIMITS, Limit, Lock, Measure, Window};
pub use permission::Permission;

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
    /// Attempts at the password in one session, where an operation requires it once more.
    Session,
    /// Requests from one network that make an account, send mail or try a code. Each counts, successful or not.
    Requests,
    /// Attempts at codes of a log-in by mail, for one address: on one device that its user has logged in on, or on all
    /// other devices together, over all codes that are mailed to it. Each counts until one is right.
    LogInCodes,
    /// Tries of codes for one address, over all codes that are mailed to it. Each counts, successful or not.
    Codes,
    /// Mails that one member of staff causes.
    StaffMails,
    /// Changes that the role of one member of staff does not allow.
    StaffRefusals,
    /// Codes of the second factor of one user: in log-ins on one device, in log-ins on all devices that the user has not
    /// logged in on, or in one session. Each counts until one is right.
    SecondFactor,
    /// Requests for a challenge of a passkey log-in, from one network. Each counts, successful or not.
    Challenges,
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
    /// Too many requests for a challenge of a passkey log-in from one network.
    IpChallenges,
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
        Self::Challenges,
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
            Self::Challenges => "CHALLENGES",
        }
    }

    /// Whether a network is counted, and no account.
    pub fn is_of_network(self) -> bool {
        match self {
            Self::Ip | Self::Requests | Self::Challenges => true,
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
            | Self::IpChallenges
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
            Self::IpChallenges => "ip_challenges",
        }
    }
}
