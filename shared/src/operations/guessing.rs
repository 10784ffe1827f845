//! The limits of guesses: the check before each hash, and the count of wrong passwords.
//!
//! The limits themselves are in [`model::guessing`](crate::model::guessing). Without failures, the limits cost an
//! attempt two reads, each at the same time as another call, and no write. The second read, after the hash, ensures
//! that guesses at the same time do not pass the limits together: Latchkey counts each wrong guess before it answers,
//! and reads the count again before it accepts the right one.

use futures::future::try_join_all;

use super::attempt::Attempt;
use super::{Accounts, Caller};
use crate::crypto::Verdict;
use crate::error::{AuthError, Report};
use crate::model::guessing::{MOST_IN_A_ROW, WARNED_AT};
use crate::model::{Client, Languages, Notice, Permission, PlainPassword, Scope, Tally, User};
use crate::store::Guesser;

/// How many wrong passwords of one user are counted at the same time, at most. The limits permit no more, with all
/// names of an account together.
const MOST_AT_ONCE: u32 = 64;

impl Accounts {
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
        let permission = user.map_or(Permission::Permitted, |user| Self::password(attempt, user));
        let hash = match permission {
            Permission::Permitted => user.and_then(|user| user.password.clone()),
            Permission::Until(..) | Permission::Disabled(_) => None,
        };
        self.hasher.verify(password, hash).await.map_err(AuthError::Unavailable)
    }

    /// Whether the user's password may be tried. Without limits, failures do not count, and a password that staff have
    /// expired is still useless.
    pub(super) fn password(attempt: &Attempt, user: &User) -> Permission {
        user.password_permission(attempt.is_known)
    }

    /// Counts a failed attempt before the answer. If the user exists, also counts it in the user's wrong passwords in a
    /// row. If not, writes as much, so that the time does not reveal which accounts exist.
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
            // Takes as long as the first wrong password of a user: its transaction also writes an event of the trail.
            None if !attempt.is_reserved => self.record_nothing().await,
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
        self.permitted(attempt, Permission::by(&tallies, attempt.has_work(), now))
    }

    /// After the right password, forgets the failures at the account, and subtracts them from the failures of the
    /// network. The network keeps its failures at other accounts: otherwise a log-in to the attacker's own account
    /// would reset them. If the table does not answer, all failures stay, because the attempt is already done.
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
            | Scope::Requests
            | Scope::Codes
            | Scope::LogInCodes
            | Scope::StaffMails
            | Scope::StaffRefusals
            | Scope::SecondFactor
            | Scope::Challenges => self.store.forget(guesser).await,
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
        self.permitted(&attempt, Self::password(&attempt, user))?;
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

    /// Counts the attempt in one of its tallies, if this tally permits one more.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub(super) async fn count(
        &self,
        (guesser, tally): &(Guesser, Tally),
        attempt: &Attempt,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let permission = |tally: &Tally| Permission::by([tally], attempt.has_work(), now);
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
                // The user has another password by now, so the guess was not a guess of this one.
                Some(_) | None => return Ok(()),
            }
            if user.password_permission(is_known) != Permission::Permitted {
                return Ok(());
            }
        }
        Err(AuthError::Unavailable("the account changes again and again".into()))
    }

    pub(super) fn permitted(
        &self,
        attempt: &Attempt,
        permission: Permission,
    ) -> Result<(), AuthError> {
        self.permit(permission, attempt.network.as_deref())
    }
}
