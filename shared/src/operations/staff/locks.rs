//! Locks of accounts and of networks, which staff see and lift.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use super::{Admin, By, Plan};
use crate::error::AuthError;
use crate::model::{EventKind, NewEvent, Permission, Rule, Scope, Tally, Trail, User, UserId};
use crate::operations::Accounts;
use crate::operations::limits::network;
use crate::store::{Authority, Guesser, StaffChange};
use crate::telemetry::{note, operation};

/// How many networks of an account are looked at: those of its sessions and of its last events.
const MOST_NETWORKS: usize = 20;
/// How many of the last events are looked at for networks.
const LAST_EVENTS: usize = 100;

/// A lock of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLock {
    /// The rule.
    pub rule: Rule,
    /// When it ends, in epoch seconds; `None` for a password that is disabled until a reset.
    pub until: Option<i64>,
}

/// A lock of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkLock {
    /// The rule.
    pub rule: Rule,
    /// When it ends, in epoch seconds.
    pub until: i64,
}

impl Admin<'_> {
    /// The locks of an account: those for all networks, those for the networks that the account was used from lately,
    /// and that of a disabled password.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn locks(&self, user: &User) -> Result<Vec<AccountLock>, AuthError> {
        let accounts = self.accounts;
        let guessers = accounts.guessers_of(user).await?;
        let mut tallies = Vec::new();
        for some in guessers.chunks(MOST_READ) {
            tallies.extend(accounts.store.tallies(some).await?);
        }
        let now = accounts.clock.now();
        let mut locks: Vec<AccountLock> = tallies
            .iter()
            .filter_map(|tally| match tally.permission(now) {
                Permission::Until(until, rule) => Some(AccountLock { rule, until: Some(until) }),
                Permission::Disabled(rule) => Some(AccountLock { rule, until: None }),
                Permission::Permitted => None,
            })
            .collect();
        locks.dedup();
        if let Permission::Disabled(rule) = user.password_permission(false) {
            locks.push(AccountLock { rule, until: None });
        }
        Ok(locks)
    }

    /// Lifts the locks of an account, and forgets the failures that led to them. A password that is disabled stays so:
    /// only a reset enables one.
    ///
    /// # Errors
    /// As [`Admin::send_reset`].
    pub async fn lift_locks(&self, user: UserId) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "lift_locks", async {
            let known = self.target(user).await?;
            let locks = self.accounts.guessers_of(&known).await?;
            self.help("lift_locks", user, |user| {
                let event = NewEvent::of(EventKind::LocksLifted, user.id);
                Ok(Plan::new(StaffChange::LiftLocks(locks.clone()), event))
            })
            .await
            .map(drop)
        })
    }

    /// The locks of the network of that address.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn network(&self, ip: IpAddr) -> Result<Vec<NetworkLock>, AuthError> {
        operation!(self.accounts.clock, "network", async {
            let guessers = self.accounts.guessers_of_network(ip);
            let tallies: Vec<Tally> = self.accounts.store.tallies(&guessers).await?;
            let now = self.accounts.clock.now();
            let locks = tallies.iter().filter_map(|tally| match tally.permission(now) {
                Permission::Until(until, rule) => Some(NetworkLock { rule, until }),
                Permission::Disabled(_) | Permission::Permitted => None,
            });
            Ok(locks.collect())
        })
    }

    /// Lifts the locks of the network of that address, and forgets what led to them.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] when the caller is no longer staff; [`AuthError::Unavailable`].
    pub async fn lift_network(&self, ip: IpAddr) -> Result<(), AuthError> {
        operation!(self.accounts.clock, "lift_network", async {
            note("by", self.actor());
            let authority = match &self.by {
                By::Caller(caller) => Authority::Staff(&caller.user),
                By::Operator(_) => Authority::Operator { stays: None },
            };
            let event = NewEvent::of_network(EventKind::NetworkUnlocked).about(shown(ip));
            let event = event.by(self.actor());
            let locks = self.accounts.guessers_of_network(ip);
            if self.accounts.store.lift_network(authority, &locks, event).await? {
                Ok(())
            } else {
                Err(AuthError::Unauthenticated)
            }
        })
    }
}

/// The network of an address, in the usual notation.
fn shown(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// How many tallies one read takes.
const MOST_READ: usize = 100;

impl Accounts {
    /// The guessers whose failures count at a user: at each address and at the name, from all networks together and
    /// from each known network; and at the second factor, from all devices that the user has not logged in on.
    async fn guessers_of(&self, user: &User) -> Result<Vec<Guesser>, AuthError> {
        let (sessions, trail) = tokio::try_join!(
            self.store.sessions(user.id),
            self.store.trail(Trail::Of(user.id), None, LAST_EVENTS),
        )?;
        let seen = sessions.into_iter().filter_map(|session| session.ip);
        let seen = trail.events.into_iter().filter_map(|event| event.ip).chain(seen);
        let mut networks = BTreeSet::new();
        for ip in seen {
            if networks.len() < MOST_NETWORKS {
                networks.insert(network(&ip));
            }
        }
        let blinds = self.proofs.blinds();
        let emails = user.email_keys().map(|key| blinds.of(&["email", key]));
        let names = emails.chain([blinds.of(&["username", &user.username_key])]);
        let of_name = |account: String| {
            let here = networks.iter().map(|network| Guesser {
                scope: Scope::AccountAndIp,
                digest: blinds.of(&["account and ip", &account, network]),
            });
            let mut all: Vec<Guesser> = here.collect();
            all.push(Guesser { scope: Scope::Account, digest: account });
            all
        };
        let mut guessers: Vec<Guesser> = names.flat_map(of_name).collect();
        guessers.push(self.second_factor_guesser(&["user", &user.id.to_string(), ""]));
        Ok(guessers)
    }

    fn guessers_of_network(&self, ip: IpAddr) -> [Guesser; 3] {
        let (blinds, network) = (self.proofs.blinds(), network(&ip.to_string()));
        [
            Guesser { scope: Scope::Ip, digest: blinds.of(&["ip", &network]) },
            Guesser { scope: Scope::Requests, digest: blinds.of(&["requests of ip", &network]) },
            Guesser {
                scope: Scope::Challenges,
                digest: blinds.of(&["challenges of ip", &network]),
            },
        ]
    }
}
