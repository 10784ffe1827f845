//! Attacks an embedded site, and writes into `docs/security.md` what that costs. Fails when a bound is broken.

use journeys::costs::{Attack, table};
use tracing::subscriber::NoSubscriber;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
const START: &str = "<!-- attacks: written by `cargo run -p journeys --bin attacks` -->\n";
const END: &str = "<!-- end of attacks -->";

// One thread: with more, one of two parallel calls may end before the other begins. Then they would count as two round
// trips.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    // The journeys keep the whole log of their sites in memory.
    let silent = tracing::subscriber::set_global_default(NoSubscriber::default());
    silent.map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for attack in Attack::ALL {
        let found = Box::pin(attack.make(attack.attempts())).await;
        eprintln!("{}: {:?}", attack.name(), found.spent);
        all.push((attack, found));
    }
    let document = std::fs::read_to_string(DOCUMENT).map_err(|error| error.to_string())?;
    let parts = document.split_once(START).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or("docs/security.md has no place for the table")?;
    let text = format!("{before}{START}\n{}\n{END}{after}", table(&all));
    std::fs::write(DOCUMENT, text).map_err(|error| error.to_string())?;
    let broken: Vec<_> = all
        .iter()
        .flat_map(|(attack, found)| {
            let broken = found.bounds.iter().filter(|(_, is_kept)| !is_kept);
            broken.map(|(what, _)| format!("{}: {what}", attack.name()))
        })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("broken: {}", broken.join("; "))) }
}
