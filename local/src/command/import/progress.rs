//! How far a run is: a bar on a terminal, and a line every ten seconds elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{bar:30} {human_pos} of {human_len} records, {per_sec}, {eta} left";

/// The progress of a run, on the standard error output.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    start: Instant,
    last: Instant,
    begun_at: u64,
    done: u64,
    all: u64,
}

impl Progress {
    /// An earlier process has done `done` of the `all` records.
    pub(super) fn new(done: u64, all: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(BAR);
            let bar = ProgressBar::new(all).with_position(done);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.reset_eta();
            bar
        });
        let now = Instant::now();
        Self { bar, start: now, last: now, begun_at: done, done, all }
    }

    /// Counts one more record.
    pub(super) fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.last.elapsed() >= EVERY => {
                self.last = Instant::now();
                eprintln!("{}", self.line(self.start.elapsed()));
            }
            None => {}
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 records")]
    fn line(&self, elapsed: Duration) -> String {
        let Self { done, all, begun_at, .. } = self;
        let rate = (done - begun_at) as f64 / elapsed.as_secs_f64().max(0.001);
        let left = Duration::from_secs_f64(all.saturating_sub(*done) as f64 / rate.max(0.001));
        format!("{done} of {all} records, {rate:.0}/s, {} left", HumanDuration(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_rate_of_this_process_and_the_time_left() {
        let mut progress = Progress::new(400, 1_000);
        progress.done = 600;
        let line = progress.line(Duration::from_secs(10));
        assert_eq!(line, "600 of 1000 records, 20/s, 20 seconds left");
    }
}
