//! Many calls at the same time, and calls that outlive their operation.

use std::future::Future;

use embedded::{Fault, Gate, Times};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::Site;

impl Site {
    /// Holds the next `calls` calls of `operation` until all of them have come.
    pub fn meet(&self, operation: &str, calls: usize) {
        let gate = Gate::new();
        let times = Times::N(u32::try_from(calls).expect("a crowd that can be counted"));
        self.aws.faults().fail(operation, times, Fault::Held(gate.clone()));
        tokio::spawn(async move {
            gate.arrived(calls).await;
            gate.open();
        });
    }

    /// Removes the faults after all calls have met them. An operation that fails drops its other calls, and the
    /// embedded AWS may not have looked at one of them yet.
    pub async fn end_faults(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.aws.faults().clear();
    }
}

/// Starts `count` jobs on the runtime's threads, lets all of them go at the same moment, and returns their answers,
/// in no particular order.
pub async fn at_once<T, F>(count: usize, mut job: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (start_signal, _) = broadcast::channel::<()>(1);
    let mut jobs = JoinSet::new();
    for number in 0..count {
        let (job, mut start) = (job(number), start_signal.subscribe());
        jobs.spawn(async move {
            // All jobs start when the sender is dropped.
            let _ = start.recv().await;
            job.await
        });
    }
    drop(start_signal);
    jobs.join_all().await
}
