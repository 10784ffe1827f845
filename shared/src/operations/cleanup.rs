//! Remove what has expired, and pick up mail that got stuck.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;

use super::erase::erase;
use crate::clock::Clock;
use crate::error::{AuthError, Report};
use crate::pictures::Pictures;
use crate::store::{Due, Shards, Store, Swept};
use crate::telemetry::metrics::SWEPT;
use crate::telemetry::{note, operation};

/// How many items one query reads.
const PAGE: i32 = 100;
/// How many parts of the index the clean-up works on at the same time. It is also the number of items that it works on
/// at the same time, in all parts together. With this many items at the same time in each part, the writes would exceed
/// the 1,000 a second that a part takes.
const AT_ONCE: usize = 16;

/// Runs start every minute. One in this many looks at all shards that any setting can have.
const BEYOND_EVERY: i64 = 10;

/// Keeps the table small. Needs neither keys nor passwords, so it is not part of
/// [`Accounts`](super::Accounts).
#[derive(Clone, Debug)]
pub struct Cleanup {
    store: Store,
    pictures: Pictures,
    clock: Clock,
}

/// The counts of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// One-time codes removed.
    pub codes: u64,
    /// Sessions removed.
    pub sessions: u64,
    /// Ids of used links removed.
    pub token_ids: u64,
    /// Accounts removed that had ended.
    pub accounts: u64,
    /// Pending sign-ups removed that had ended.
    pub sign_ups: u64,
    /// Decoys that were removed.
    pub decoys: u64,
    /// Stuck mails put back into the stream.
    pub mails: u64,
    /// Sessions that were refreshed in the meantime. A later run looks at them again.
    pub postponed: u64,
    /// Whether all due items are done. If not, the next run continues.
    pub is_complete: bool,
}

impl Cleanup {
    /// Cleans up `store`, and deletes pictures of accounts that have ended.
    pub fn new(store: Store, pictures: Pictures, clock: Clock) -> Self {
        Self { store, pictures, clock }
    }

    /// Removes and picks up the due items, until all are done or until `until`. Several runs at once are safe: each
    /// item is processed once.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]; the items before the failure stay done.
    pub async fn run(&self, until: Timestamp) -> Result<Counts, AuthError> {
        operation!(self.clock, "clean_up", async {
            let (counts, swept) = self.sweep_all(until).await;
            counts.log(self.clock.now());
            swept.map(|()| counts)
        })
    }

    /// A failure in one shard does not stop the others.
    async fn sweep_all(&self, until: Timestamp) -> (Counts, Result<(), AuthError>) {
        let shards = stream::iter(self.shards()).map(async |shard| {
            let mut counts = Counts::default();
            let swept = self.sweep_shard(shard, until, &mut counts).await;
            (counts, swept)
        });
        let mut shards = shards.buffer_unordered(AT_ONCE);
        let mut all = Counts { is_complete: true, ..Counts::default() };
        let mut result = Ok(());
        while let Some((counts, swept)) = shards.next().await {
            all.add_up(&counts);
            match swept {
                Ok(is_complete) => all.is_complete &= is_complete,
                Err(error) => result = Err(error),
            }
        }
        (all, result)
    }

    /// Each run starts at another shard, so that none is left out for ever when time is short. A tenth of the runs also
    /// look at the shards beyond the setting: if it was lowered, they still have items.
    fn shards(&self) -> impl Iterator<Item = u8> + use<> {
        let minute = self.clock.now().as_second().div_euclid(60);
        let looks_beyond = minute.rem_euclid(BEYOND_EVERY) == BEYOND_EVERY / 2;
        let shards = if looks_beyond { Shards::MOST } else { self.store.shards() }.count();
        let first = u8::try_from(minute.rem_euclid(i64::from(shards))).unwrap_or_default();
        (0..shards).map(move |step| (first + step) % shards)
    }

    /// `false` when the shard was left before it was done.
    async fn sweep_shard(
        &self,
        shard: u8,
        until: Timestamp,
        counts: &mut Counts,
    ) -> Result<bool, AuthError> {
        loop {
            let now = self.clock.now();
            if now >= until {
                return Ok(false);
            }
            let page = self.store.due(shard, PAGE, now).await?;
            if shard >= self.store.shards().count() && !page.is_empty() {
                tracing::warn!(event = "index_shards_too_low", shard, "INDEX_SHARDS was lowered");
            }
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            let swept = self.sweep_page(page, now).await?;
            let did_nothing = swept.iter().all(|swept| *swept == Swept::Nothing);
            counts.add(&swept);
            // A full page on which nothing was to be done: another run is at it, or the index has not
            // caught up. The next run looks again.
            if is_last || did_nothing {
                return Ok(is_last);
            }
        }
    }

    async fn sweep_page(&self, page: Vec<Due>, now: Timestamp) -> Result<Vec<Swept>, AuthError> {
        let shards = usize::from(self.store.shards().count());
        stream::iter(page)
            .map(|due| self.sweep(due, now))
            .buffer_unordered((AT_ONCE / shards).max(1))
            .try_collect()
            .await
    }

    async fn sweep(&self, due: Due, now: Timestamp) -> Result<Swept, AuthError> {
        if !due.is_account() {
            return Ok(self.store.sweep(due, now).await?);
        }
        let Some(user) = self.store.close_user(&due).await? else { return Ok(Swept::Nothing) };
        // A picture that cannot be deleted must not hold up the rest.
        if let Err(error) = erase(&self.store, &self.pictures, &user).await {
            tracing::warn!(user = %user.id, error = %Report(&error), "an ended account is left");
            return Ok(Swept::Nothing);
        }
        Ok(Swept::Account)
    }
}

impl Counts {
    /// Logs and counts the work, also the work before a failure.
    fn log(&self, now: Timestamp) {
        let kinds = [
            ("code", "codes", self.codes),
            ("session", "sessions", self.sessions),
            ("token_id", "token_ids", self.token_ids),
            ("account", "accounts", self.accounts),
            ("sign_up", "sign_ups", self.sign_ups),
            ("decoy", "decoys", self.decoys),
            ("mail", "mails", self.mails),
        ];
        for (kind, name, count) in kinds {
            note(name, count);
            if count > 0 {
                SWEPT.add(i64::try_from(count).unwrap_or(i64::MAX), &[("Kind", kind)], now);
            }
        }
        note("postponed", self.postponed);
        note("is_complete", self.is_complete);
    }

    /// Adds the items of other counts.
    fn add_up(&mut self, other: &Self) {
        self.codes += other.codes;
        self.sessions += other.sessions;
        self.token_ids += other.token_ids;
        self.accounts += other.accounts;
        self.sign_ups += other.sign_ups;
        self.decoys += other.decoys;
        self.mails += other.mails;
        self.postponed += other.postponed;
    }

    fn add(&mut self, swept: &[Swept]) {
        for swept in swept {
            match swept {
                Swept::Code => self.codes += 1,
                Swept::Session => self.sessions += 1,
                Swept::TokenId => self.token_ids += 1,
                Swept::Account => self.accounts += 1,
                Swept::SignUp => self.sign_ups += 1,
                Swept::Decoy => self.decoys += 1,
                Swept::Mail => self.mails += 1,
                Swept::Postponed => self.postponed += 1,
                Swept::Nothing => {}
            }
        }
    }
}
