//! Many at once.

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
}

/// Starts `count` jobs on the runtime's threads, lets all of them go at the same moment, and returns their answers,
/// in no particular order.
pub async fn at_once<T, F>(count: usize, mut job: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (go, _) = broadcast::channel::<()>(1);
    let mut jobs = JoinSet::new();
    for number in 0..count {
        let (job, mut told) = (job(number), go.subscribe());
        jobs.spawn(async move {
            // The end of the channel is the word.
            let _ = told.recv().await;
            job.await
        });
    }
    drop(go);
    jobs.join_all().await
}
