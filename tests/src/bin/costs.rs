//! Writes `docs/costs.md`: the costs of the operations, and the needs of the functions.

use journeys::costs::{Operation, Speed, verdicts, write};
use journeys::emulator::Emulator;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/costs.md");

// One thread: with more, one of two parallel calls may end before the other begins. Then they would count as two round
// trips.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let mut costs = Vec::new();
    for operation in Operation::ALL {
        costs.push((operation, operation.cost().await));
    }
    let speed = match Emulator::from_environment() {
        Ok(emulator) => Some(Speed::measure(&emulator).await?),
        Err(missing) => {
            eprintln!("speed and size are not measured: {missing}");
            None
        }
    };
    for [what, measured, limit, word] in speed.iter().flat_map(verdicts) {
        eprintln!("{word} {what}: {measured} ({limit})");
    }
    std::fs::write(DOCUMENT, write(&costs, speed.as_ref())).map_err(|error| error.to_string())?;
    eprintln!("docs/costs.md is written");
    Ok(())
}
