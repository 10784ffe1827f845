//! How fast a run writes: the capacity that it may consume, and pauses when the table does not answer.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::AuthError;
use accounts::store::Meter;
use tokio::time::{Instant, sleep, sleep_until};

/// The capacity that a run uses of a table in AWS, if no option names another.
const IN_AWS: NonZeroU32 = NonZeroU32::new(1_000).expect("it is not 0");
/// The assumed units of a write until the first write has ended. An ordinary record consumes less.
const FIRST_GUESS: f64 = 24.0;
/// How long a run waits for a table that does not answer, or throttles, before it stops.
const PATIENCE: Duration = Duration::from_mins(3);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Delays writes, so that they consume at most the given units of capacity a second.
#[derive(Debug)]
pub(super) struct Pace {
    units_a_second: Option<NonZeroU32>,
    meter: Meter,
    start: Instant,
    state: Mutex<State>,
}

/// The consumed units, and the units of the writes that have not ended.
#[derive(Debug, Default)]
struct State {
    /// The units of all writes that have begun. A write that has not ended counts as the mean of the ended ones.
    begun: f64,
    /// The units that the meter had at the last look.
    seen: u64,
    finished: u64,
}

impl Pace {
    /// The pace of a run whose transactions report to that meter.
    pub(super) fn new(wcu: Option<NonZeroU32>, is_in_aws: bool, meter: Meter) -> Self {
        let units_a_second = wcu.or(Some(IN_AWS).filter(|_| is_in_aws));
        Self { units_a_second, meter, start: Instant::now(), state: Mutex::default() }
    }

    /// Waits for the turn of a write.
    pub(super) async fn turn(&self) {
        let Some(rate) = self.units_a_second else { return };
        let due = self.state().begin(rate, self.start.elapsed());
        sleep_until(self.start + due).await;
    }

    /// Notes that a write has ended, and what all have consumed so far. A write that failed, because the table
    /// throttled it or did not answer, keeps the time that is reserved for it: otherwise the writes after it come in a
    /// burst.
    pub(super) fn ended<T>(&self, write: &Result<T, AuthError>) {
        if write.is_ok() {
            self.state().end(self.meter.units());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The time from the start of the run until a write that begins now may be sent: the time that all writes before it
    /// take at this rate.
    fn begin(&mut self, rate: NonZeroU32, now: Duration) -> Duration {
        let rate = f64::from(rate.get());
        // A run that was slower for a while must not be faster after it.
        self.begun = self.begun.max(now.as_secs_f64() * rate);
        let due = Duration::from_secs_f64(self.begun / rate);
        self.begun += self.mean();
        due
    }

    fn end(&mut self, units: u64) {
        let mean = self.mean();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 units")]
        let consumed = (units - self.seen.min(units)) as f64;
        self.begun += consumed - mean;
        self.seen = units;
        self.finished += 1;
    }

    /// The units of a write: the mean of those that have ended.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 units")]
    fn mean(&self) -> f64 {
        if self.finished == 0 { FIRST_GUESS } else { self.seen as f64 / self.finished as f64 }
    }
}

/// Repeats a write, after growing pauses, as long as the table throttles it or does not answer.
pub(super) async fn patiently<T, F>(mut call: impl FnMut() -> F) -> Result<T, AuthError>
where
    F: Future<Output = Result<T, AuthError>>,
{
    let start = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        match call().await {
            Err(AuthError::Unavailable(_)) if start.elapsed() < PATIENCE => {}
            answer => return answer,
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Sends `writes` writes of `units` units, one after another, each as soon as the pace allows. Returns the time of
    /// the last one.
    fn last_of(writes: u32, units: u64, rate: u32) -> Duration {
        let rate = NonZeroU32::new(rate).unwrap();
        let (mut state, mut now) = (State::default(), Duration::ZERO);
        for n in 0..u64::from(writes) {
            now = state.begin(rate, now).max(now);
            state.end((n + 1) * units);
        }
        now
    }

    #[test]
    fn writes_consume_no_more_than_the_capacity_a_second_whatever_one_costs() {
        for units in [1, 14, 16, 200] {
            let seconds = last_of(1_001, units, 100).as_secs_f64();
            let consumed = 1_000.0 * f64::from(u32::try_from(units).unwrap());
            assert!(consumed / seconds < 104.0 && consumed / seconds > 96.0, "{units}: {seconds}");
        }
    }

    /// Sends an attempt for each number of units, up to 16 at the same time. Each takes a tenth of a second. Returns
    /// the time and the units of each attempt. The table throttles an attempt of no units.
    fn sent(attempts: impl Iterator<Item = u64>, rate: u32) -> Vec<(Duration, u64)> {
        let rate = NonZeroU32::new(rate).unwrap();
        let (mut state, mut now, mut total) = (State::default(), Duration::ZERO, 0);
        let (mut running, mut sent) = (VecDeque::new(), Vec::new());
        for units in attempts {
            if running.len() == 16 {
                let (end, consumed) = running.pop_front().unwrap();
                (now, total) = (now.max(end), total + consumed);
                if consumed > 0 {
                    state.end(total);
                }
            }
            let due = state.begin(rate, now).max(now);
            sent.push((due, units));
            running.push_back((due + Duration::from_millis(100), units));
        }
        sent
    }

    #[test]
    fn no_second_consumes_more_than_the_capacity_and_one_write_also_after_throttling() {
        let tries = [20; 50].into_iter().chain([0; 400]).chain([20; 400]);
        let sent = sent(tries, 100);
        for (n, (start, _)) in sent.iter().enumerate() {
            let second =
                sent[n..].iter().take_while(|(at, _)| *at < *start + Duration::from_secs(1));
            let consumed: u64 = second.map(|(_, units)| units).sum();
            assert!(consumed <= 120, "{consumed} units in the second from {start:?}");
        }
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let rate = NonZeroU32::new(10).unwrap();
        let mut state = State::default();
        let later = Duration::from_mins(1);
        assert_eq!(state.begin(rate, later), later);
        state.end(100);
        assert_eq!(state.begin(rate, later), later + Duration::from_secs(10));
    }
}
