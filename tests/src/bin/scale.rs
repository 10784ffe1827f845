//! Writes `docs/scale.md`: the simulated days of many users.

use journeys::scale::{Study, write};
use tracing::subscriber::NoSubscriber;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scale.md");

// One thread, so that the operations make their calls in the same order each time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    // The journeys keep the whole log of their sites in memory.
    let silent = tracing::subscriber::set_global_default(NoSubscriber::default());
    silent.map_err(|error| error.to_string())?;
    let study = Box::pin(Study::make()).await;
    std::fs::write(DOCUMENT, write(&study)).map_err(|error| error.to_string())
}
