//! The processor time of warm requests. It includes the kernel, which Callgrind does not count. Other work on the machine
//! changes it, so each round measures all requests, and only ratios within a round are compared.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::callgrind::Process;
use super::{Request, Site, answer};

/// The measured requests, and how often a round sends each.
const MEASURED: [(Request, u32); 5] = [
    (Request::Hello, 3_000),
    (Request::Me, 600),
    (Request::VerifyToken, 600),
    (Request::RefreshToken, 600),
    (Request::RestMe, 600),
];

/// The processor time of one request, by its name: one for each round.
pub type Times = BTreeMap<&'static str, Vec<Duration>>;

/// Measures the processor time of warm requests. `functions` is the folder that `cargo lambda build` writes; it has
/// `hello`, too. A round takes about ten seconds.
pub async fn measure(functions: PathBuf, rounds: usize) -> Result<Times, String> {
    let site = Site::start(functions).await?;
    let mut times = Times::new();
    for _ in 0..rounds {
        for (request, count) in MEASURED {
            let total = site.processor_time(request, count).await?;
            times.entry(request.name()).or_default().push(total / count);
        }
    }
    Ok(times)
}

impl Site {
    /// The processor time of that many warm requests.
    async fn processor_time(&self, request: Request, count: u32) -> Result<Duration, String> {
        let mut tokens = self.tokens(request).await?;
        let (function, environment) = (request.function(), self.environment(request));
        let mut process = Process::start(&self.functions, function, environment).await?;
        answer(&mut process, request, request.before(), &mut tokens).await?;
        let before = process.processor_time()?;
        answer(&mut process, request, count.into(), &mut tokens).await?;
        let after = process.processor_time()?;
        process.stop().await?;
        Ok(after.saturating_sub(before))
    }
}
