//! An attempt at a password, and the tallies that it counts in. Latchkey checks the limits before it computes the hash.

use jiff::Timestamp;

use super::{Accounts, Caller};
use crate::crypto::{DeviceClaims, Work};
use crate::error::AuthError;
use crate::model::{Client, Permission, Scope, Tally, User, UserId};
use crate::store::{Guesser, Subject};

/// How much of an account's digest distinguishes it from the other accounts of a network.
const SHORT: usize = 8;

/// An attempt at a password, and the tallies that it counts in, as they were before it.
#[derive(Debug)]
pub(super) struct Attempt {
    /// A short digest of what was typed for the account.
    pub(super) account: String,
    /// The tallies of attempts on devices that the account does not know, the narrowest scope first.
    strangers: Vec<(Guesser, Tally)>,
    device: Option<Device>,
    /// The network that it comes from, if networks are limited.
    pub(super) network: Option<String>,
    /// The proof of work that it shows.
    work: Option<Work>,
    /// Whether the attempt comes from a device that the account knows, or from a session.
    pub(super) is_known: bool,
    /// Whether the attempt is counted already.
    pub(super) is_reserved: bool,
}

/// The device whose token the attempt has.
#[derive(Debug)]
struct Device {
    claims: DeviceClaims,
    tally: (Guesser, Tally),
}

impl Attempt {
    /// The tallies that the attempt counts in.
    pub(super) fn own(&self) -> &[(Guesser, Tally)] {
        match &self.device {
            Some(device) if self.is_known => std::slice::from_ref(&device.tally),
            Some(_) | None => &self.strangers,
        }
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.own().iter().map(|(_, tally)| tally)
    }

    fn permission(&self, now: Timestamp) -> Permission {
        Permission::by(self.tallies(), self.has_work(), now)
    }

    /// The name of the device, if the account knows it.
    pub(super) fn known_device(&self) -> Option<String> {
        let device = self.device.as_ref().filter(|_| self.is_known);
        device.map(|device| device.claims.jti.clone())
    }

    /// Whether it shows a proof of work.
    pub(super) fn has_work(&self) -> bool {
        self.work.is_some()
    }

    /// Whether an account, and not only a network, has failures already.
    fn has_failures(&self, now: Timestamp) -> bool {
        self.reservable().any(|(guesser, tally)| tally.failures(guesser.scope, now) > 0)
    }

    /// The tallies that an attempt is counted in before its hash. Not that of a network: many users may share one, and
    /// one failure there would cost each of them a write.
    fn reservable(&self) -> impl Iterator<Item = &(Guesser, Tally)> {
        self.own().iter().filter(|(guesser, _)| guesser.scope != Scope::Ip)
    }

    /// Those that the attempt is not counted in yet.
    pub(super) fn uncounted(&self) -> impl Iterator<Item = &(Guesser, Tally)> {
        let is_reserved = self.is_reserved;
        self.own().iter().filter(move |(guesser, _)| !is_reserved || guesser.scope == Scope::Ip)
    }
}

impl Accounts {
    /// The user of that address or name, and what limits an attempt to log in there. A name that no user can have
    /// counts like any other.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn begin_log_in(
        &self,
        typed: &str,
        subject: Option<&Subject>,
        client: &Client,
    ) -> Result<(Option<UserId>, Attempt), AuthError> {
        let account = self.account_digest(typed, subject);
        let mut guessers = Vec::new();
        let mut device = None;
        let network = self.network(client);
        let (blinds, now) = (self.proofs.blinds(), self.clock.now());
        let work = self.work(network.as_deref(), client);
        if self.policy.limits_guesses {
            let mut add = |scope, digest| guessers.push(Guesser { scope, digest });
            if let Some(network) = &network {
                add(Scope::AccountAndIp, blinds.of(&["account and ip", &account, network]));
            }
            add(Scope::Account, account.clone());
            if let Some(network) = &network {
                add(Scope::Ip, blinds.of(&["ip", network]));
            }
            let token = client.device.as_deref();
            device = token.and_then(|token| self.proofs.devices().read(token, now).ok());
            if let Some(claims) = &device {
                add(Scope::Device, blinds.of(&["device", &claims.jti]));
            }
        }
        let (found, tallies) = match subject {
            Some(subject) if guessers.is_empty() => {
                (self.store.find_user(subject).await?, Vec::new())
            }
            None if guessers.is_empty() => (None, Vec::new()),
            subject => self.store.find_user_and_tallies(subject, &guessers).await?,
        };
        let mut strangers: Vec<_> = guessers.into_iter().zip(tallies).collect();
        let device =
            device.and_then(|claims| strangers.pop().map(|tally| Device { claims, tally }));
        let short = account.chars().take(SHORT).collect();
        let attempt = Attempt {
            account: short,
            strangers,
            device,
            network,
            work,
            is_known: false,
            is_reserved: false,
        };
        // If the token of the device is of this user, the device may be known. Only the user item shows that, so
        // `go_on` checks the limits in this case.
        let may_be_known = attempt.device.as_ref().is_some_and(|it| Some(it.claims.sub) == found);
        if !may_be_known {
            self.check(&attempt)?;
        }
        Ok((found, attempt))
    }

    /// Goes on with the attempt, now that the user is known, if there is one.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn go_on(
        &self,
        attempt: &mut Attempt,
        user: Option<&User>,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        // A device that has failed too often counts as one that the account does not know.
        attempt.is_known = attempt.device.as_ref().is_some_and(|Device { claims, tally }| {
            user.is_some_and(|user| user.id == claims.sub && user.epoch == claims.epoch)
                && tally.1.permission(now) == Permission::Permitted
        });
        self.check(attempt)?;
        self.spend_work(attempt).await?;
        self.reserve(attempt).await
    }

    /// Spends the proof of work of the attempt, if it is necessary: each one counts once.
    async fn spend_work(&self, attempt: &Attempt) -> Result<(), AuthError> {
        let without = Permission::by(attempt.tallies(), false, self.clock.now());
        self.spend(without, attempt.work.as_ref(), attempt.network.as_deref()).await
    }

    /// Counts the attempt before its hash, if there are failures already: so an attempt that may be one too many
    /// costs no hash.
    pub(super) async fn reserve(&self, attempt: &mut Attempt) -> Result<(), AuthError> {
        if !attempt.has_failures(self.clock.now()) {
            return Ok(());
        }
        for tally in attempt.reservable() {
            self.count(tally, attempt).await?;
        }
        attempt.is_reserved = true;
        Ok(())
    }

    /// An attempt at the password in the caller's session, and the tally that limits it.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub(super) async fn begin_in_session(&self, caller: &Caller) -> Result<Attempt, AuthError> {
        let session = caller.session.id.to_string();
        let digest = self.proofs.blinds().of(&["session", &session]);
        let mut guessers = vec![Guesser { scope: Scope::Session, digest }];
        guessers.retain(|_| self.policy.limits_guesses);
        let tallies = self.store.tallies(&guessers).await?;
        let strangers = guessers.into_iter().zip(tallies).collect();
        Ok(Attempt {
            account: String::new(),
            strangers,
            device: None,
            network: None,
            work: None,
            is_known: true,
            is_reserved: false,
        })
    }

    /// The token of the device that the user has logged in on.
    pub(super) fn device_token(&self, attempt: &Attempt, user: &User) -> String {
        let now = self.clock.now();
        let known = attempt.device.as_ref().filter(|device| device.claims.sub == user.id);
        let name = match known {
            Some(device) => device.claims.jti.clone(),
            None => self.random.id(now).to_string(),
        };
        self.proofs.devices().token(user, name, now)
    }

    pub(super) fn check(&self, attempt: &Attempt) -> Result<(), AuthError> {
        self.permitted(attempt, attempt.permission(self.clock.now()))
    }

    /// The digest of an account, by what was typed for it: the same for each spelling of a name that a user can have.
    fn account_digest(&self, typed: &str, subject: Option<&Subject>) -> String {
        let blinds = self.proofs.blinds();
        match subject {
            Some(Subject::Email(email)) => blinds.of(&["email", email.key()]),
            Some(Subject::Username(username)) => blinds.of(&["username", username.key()]),
            // No user logs in by a legacy id.
            Some(Subject::LegacyId(_)) | None => blinds.of(&["no name", typed.trim()]),
        }
    }
}
