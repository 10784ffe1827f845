//! Whether a password may be tried, asked before each hash, and what a wrong one counts for.
//!
//! The limits themselves are in [`model::guessing`](crate::model::guessing). Without failures, an attempt costs two
//! reads beside others and no write. The second read, after the hash, keeps guesses that come at once from passing the
//! limits together: each wrong one is counted before it is answered, and the right one looks at the count.

use std::net::IpAddr;
use std::num::NonZeroU32;

use futures::future::try_join_all;
use jiff::Timestamp;

use super::{Accounts, Caller};
use crate::crypto::{DeviceClaims, Verdict, Work};
use crate::error::{AuthError, Report};
use crate::model::guessing::{MOST_IN_A_ROW, WARNED_AT};
use crate::model::{
    Client, Languages, Notice, Permission, PlainPassword, Scope, Tally, User, UserId,
};
use crate::store::{Guesser, Subject};
use crate::telemetry::metrics::THROTTLED;
use crate::telemetry::note;

/// How much of an account's digest distinguishes it from the other accounts of a network.
const SHORT: usize = 8;

/// How many wrong passwords of one user are counted at once at most: as many as the limits let through, by each of the
/// names of an account.
const MOST_AT_ONCE: u32 = 64;

/// One try of a password: the tallies that it counts in, as they were before it.
#[derive(Debug)]
pub(super) struct Attempt {
    /// A short digest of what was typed for the account.
    account: String,
    /// Of those that the account does not know: the narrowest scope first.
    strangers: Vec<(Guesser, Tally)>,
    device: Option<Device>,
    /// From where it comes, if that counts.
    network: Option<String>,
    /// The proof of work that it shows.
    work: Option<Work>,
    /// Whether the account knows who tries.
    pub(super) is_known: bool,
    /// Whether the attempt is counted already.
    is_reserved: bool,
}

/// The device whose token the attempt has.
#[derive(Debug)]
struct Device {
    claims: DeviceClaims,
    tally: (Guesser, Tally),
}

impl Attempt {
    /// The tallies that the attempt counts in.
    fn own(&self) -> &[(Guesser, Tally)] {
        match &self.device {
            Some(device) if self.is_known => std::slice::from_ref(&device.tally),
            Some(_) | None => &self.strangers,
        }
    }

    fn permission(&self, now: Timestamp) -> Permission {
        self.permission_by(self.own().iter().map(|(_, tally)| tally), now)
    }

    /// What these tallies permit.
    fn permission_by<'a>(
        &self,
        tallies: impl Iterator<Item = &'a Tally>,
        now: Timestamp,
    ) -> Permission {
        let has_work = self.work.is_some();
        let all = tallies.map(|tally| tally.permission(now));
        let all = all.map(|it| if has_work { it.with_work() } else { it });
        all.fold(Permission::Permitted, Permission::and)
    }

    /// What it would permit without the work.
    fn permission_without_work(&self, now: Timestamp) -> Permission {
        let all = self.own().iter().map(|(_, tally)| tally.permission(now));
        all.fold(Permission::Permitted, Permission::and)
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
    fn uncounted(&self) -> impl Iterator<Item = &(Guesser, Tally)> {
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
        // A device may turn out to be known, but only to the user of its token.
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
        // A device that has failed too often is one that the account does not know.
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
        let without = attempt.permission_without_work(self.clock.now());
        self.spend(without, attempt.work.as_ref(), attempt.network.as_deref()).await
    }

    /// Spends a proof of work, unless the attempt is permitted without it.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] for one that was spent before; [`AuthError::Unavailable`].
    pub(super) async fn spend(
        &self,
        without: Permission,
        work: Option<&Work>,
        network: Option<&str>,
    ) -> Result<(), AuthError> {
        let Some(work) = work.filter(|_| without != Permission::Permitted) else { return Ok(()) };
        if self.store.spend(&work.seed, work.ends_at).await? {
            return Ok(());
        }
        note("work", "spent");
        self.permit(without, network)
    }

    /// The proof of work of a request, if it is right.
    pub(super) fn work(&self, network: Option<&str>, client: &Client) -> Option<Work> {
        let shown = network.zip(client.work.as_deref()).filter(|_| self.policy.takes_work);
        let (network, proof) = shown?;
        self.proofs.blinds().work(network, proof, self.clock.now())
    }

    /// Counts the attempt before its hash, if there are failures already: so an attempt that may be one too many
    /// costs no hash.
    async fn reserve(&self, attempt: &mut Attempt) -> Result<(), AuthError> {
        if !attempt.has_failures(self.clock.now()) {
            return Ok(());
        }
        for tally in attempt.reservable() {
            self.count(tally, attempt).await?;
        }
        attempt.is_reserved = true;
        Ok(())
    }

    /// Compares a password with that of the user, unless it is disabled. Takes the same time without a user, without a
    /// password and with a disabled one.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub(super) async fn compare(
        &self,
        attempt: &Attempt,
        user: Option<&User>,
        password: PlainPassword,
    ) -> Result<Verdict, AuthError> {
        let permission = user.map_or(Permission::Permitted, |user| self.password(attempt, user));
        let hash = match permission {
            Permission::Permitted => user.and_then(|user| user.password.clone()),
            Permission::Until(..) | Permission::Disabled(_) => None,
        };
        self.hasher.verify(password, hash).await.map_err(AuthError::Unavailable)
    }

    /// Whether the user's password may be tried.
    pub(super) fn password(&self, attempt: &Attempt, user: &User) -> Permission {
        if self.policy.limits_guesses {
            user.password_permission(attempt.is_known)
        } else {
            Permission::Permitted
        }
    }

    /// Counts an attempt that has failed, before that is answered; and the wrong password of that user, if it was
    /// compared with one. Otherwise it writes as much, so that the time does not reveal which accounts exist.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] if other attempts have reached a limit meanwhile: then this one gets no other answer.
    /// [`AuthError::Unavailable`].
    pub(super) async fn fail(
        &self,
        attempt: &Attempt,
        user: Option<&User>,
        languages: &Languages,
    ) -> Result<(), AuthError> {
        if !self.policy.limits_guesses {
            return Ok(());
        }
        let mut uncounted = attempt.uncounted();
        // The narrowest first: what it refuses counts nowhere else, so that one network cannot lock an account.
        if let Some(narrowest) = uncounted.next() {
            self.count(narrowest, attempt).await?;
        }
        try_join_all(uncounted.map(|tally| self.count(tally, attempt))).await?;
        match user {
            Some(user) => self.count_wrong_password(user, attempt.is_known, languages).await,
            None => self.send_nothing().await,
        }
    }

    /// Looks at the limits once more, after the hash: attempts that came at the same time may have reached one.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn check_again(&self, attempt: &Attempt) -> Result<(), AuthError> {
        let guessers: Vec<_> = attempt.uncounted().map(|(guesser, _)| guesser.clone()).collect();
        let (tallies, now) = (self.store.tallies(&guessers).await?, self.clock.now());
        self.permitted(attempt, attempt.permission_by(tallies.iter(), now))
    }

    /// Forgets what the user has mistyped, after the right password: the failures at the account, and its share of those
    /// of the network. No more than that, so that an attacker with an account cannot forget those at others. If the
    /// table does not answer, they stay: the attempt is done.
    pub(super) async fn forgive(&self, attempt: &Attempt) {
        if !attempt.is_reserved {
            return;
        }
        let now = self.clock.now();
        let mistyped = attempt.own().iter().find(|(it, _)| it.scope == Scope::AccountAndIp);
        let mistyped = mistyped.map_or(0, |(it, tally)| tally.failures(it.scope, now));
        let forgiven = attempt.own().iter().map(async |(guesser, tally)| match guesser.scope {
            Scope::Ip if mistyped == 0 => Ok(()),
            Scope::Ip => {
                let tally = (guesser, tally);
                self.store.forgive(tally, &attempt.account, mistyped, now).await
            }
            Scope::AccountAndIp
            | Scope::Account
            | Scope::Device
            | Scope::Session
            | Scope::Requests => self.store.forget(guesser).await,
        });
        if let Err(error) = try_join_all(forgiven).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), "failures before a right password still count");
        }
    }

    /// Unlocks a user's account after a reset from that client. If the table does not answer, the locks end by
    /// themselves.
    pub(super) async fn unlock(&self, user: &User, client: &Client) {
        if !self.policy.limits_guesses {
            return;
        }
        let (blinds, network) = (self.proofs.blinds(), self.network(client));
        let emails = user.email_keys().map(|key| blinds.of(&["email", key]));
        let name = blinds.of(&["username", &user.username_key]);
        let accounts: Vec<_> = emails.chain([name]).collect();
        let here = network.iter().flat_map(|network| {
            accounts.iter().map(|account| Guesser {
                scope: Scope::AccountAndIp,
                digest: blinds.of(&["account and ip", account, network]),
            })
        });
        let everywhere = accounts.iter().cloned();
        let everywhere = everywhere.map(|digest| Guesser { scope: Scope::Account, digest });
        let locks: Vec<_> = here.chain(everywhere).collect();
        let unlocked = locks.iter().map(|guesser| self.store.forget(guesser));
        if let Err(error) = try_join_all(unlocked).await {
            let error = AuthError::from(error);
            tracing::warn!(error = %Report(&error), "an account is still locked after a reset");
        }
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

    /// Asks a user who is logged in for the password once more. The session counts for itself: strangers who guess
    /// the password, or the thief of another session, do not stop the user.
    ///
    /// # Errors
    /// [`AuthError::InvalidPassword`], [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn check_password(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<(), AuthError> {
        if password.is_absurd() {
            return Err(AuthError::InvalidPassword);
        }
        let user = &caller.user;
        let mut attempt = self.begin_in_session(caller).await?;
        self.check(&attempt)?;
        self.permitted(&attempt, self.password(&attempt, user))?;
        self.reserve(&mut attempt).await?;
        match self.compare(&attempt, Some(user), password).await? {
            Verdict::Right | Verdict::Outdated => {
                self.check_again(&attempt).await?;
                self.forgive(&attempt).await;
                Ok(())
            }
            Verdict::Wrong => {
                let wrong = Some(user).filter(|user| user.password.is_some());
                self.fail(&attempt, wrong, &caller.session.languages).await?;
                Err(AuthError::InvalidPassword)
            }
        }
    }

    async fn begin_in_session(&self, caller: &Caller) -> Result<Attempt, AuthError> {
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

    /// The network that a request comes from, if it is limited.
    pub(super) fn network(&self, client: &Client) -> Option<String> {
        let is_own = self.policy.limits_guesses && !client.shares_ip;
        client.ip.as_deref().filter(|_| is_own).map(network)
    }

    fn check(&self, attempt: &Attempt) -> Result<(), AuthError> {
        self.permitted(attempt, attempt.permission(self.clock.now()))
    }

    async fn count(
        &self,
        (guesser, tally): &(Guesser, Tally),
        attempt: &Attempt,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let permission = |tally: &Tally| attempt.permission_by(std::iter::once(tally), now);
        let tally = (guesser, tally);
        let counted = self.store.count_failure(tally, &attempt.account, now, permission).await?;
        self.permitted(attempt, counted)
    }

    /// Counts one more wrong password in a row. The user is warned at some of them.
    async fn count_wrong_password(
        &self,
        user: &User,
        is_known: bool,
        languages: &Languages,
    ) -> Result<(), AuthError> {
        let mut user = user.clone();
        for _ in 0..MOST_AT_ONCE {
            let notice = match user.failures_in_a_row(is_known) + 1 {
                count if WARNED_AT.contains(&count) => Some(Notice::PasswordGuessed),
                MOST_IN_A_ROW => Some(Notice::PasswordDisabled),
                _ => None,
            };
            let notices = notice.map(|notice| self.notices_to_all(notice, &user, languages));
            let notices = notices.unwrap_or_default();
            if self.store.count_wrong_password(&user, is_known, &notices).await? {
                return Ok(());
            }
            let password = user.password.clone();
            match self.store.user(user.id).await? {
                Some(now) if now.password == password => user = now,
                // Another password: it was not the one that was guessed.
                Some(_) | None => return Ok(()),
            }
            if user.password_permission(is_known) != Permission::Permitted {
                return Ok(());
            }
        }
        Err(AuthError::Unavailable("the account changes again and again".into()))
    }

    fn permitted(&self, attempt: &Attempt, permission: Permission) -> Result<(), AuthError> {
        self.permit(permission, attempt.network.as_deref())
    }

    /// An error, unless it is permitted; with a challenge for that network, if the lock takes work.
    pub(super) fn permit(
        &self,
        permission: Permission,
        network: Option<&str>,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let (rule, seconds) = match permission {
            Permission::Permitted => return Ok(()),
            Permission::Until(end, rule) => (rule, end - now.as_second()),
            Permission::Disabled(rule) => (rule, DISABLED_RETRY),
        };
        note("reason", rule.name());
        THROTTLED.add(1, &[("Rule", rule.name())], now);
        let seconds = u32::try_from(seconds).unwrap_or_default();
        let retry_after = NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN);
        let network = network.filter(|_| self.policy.takes_work && rule.takes_work());
        let blinds = self.proofs.blinds();
        let challenge = network.map(|network| blinds.challenge(network, &self.random, now));
        Err(AuthError::Throttled { retry_after, limited: rule.limited(), challenge })
    }

    /// The digest of an account, by what was typed for it: the same for each spelling of a name that has a user.
    fn account_digest(&self, typed: &str, subject: Option<&Subject>) -> String {
        let blinds = self.proofs.blinds();
        match subject {
            Some(Subject::Email(email)) => blinds.of(&["email", email.key()]),
            Some(Subject::Username(username)) => blinds.of(&["username", username.key()]),
            None => blinds.of(&["no name", typed.trim()]),
        }
    }
}

/// After how many seconds a client may try a password that is disabled: it helps only after a reset.
const DISABLED_RETRY: i64 = 24 * 60 * 60;

/// The network that counts as one: an address of version 4, and the /64 of one of version 6, which is what a customer
/// of a provider has.
pub(super) fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => format!("{:x?}", &ip.segments()[..4]),
        },
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Err(_) => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_of_version_4_or_64_bits_of_version_6() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
