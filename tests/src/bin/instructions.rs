//! Counts the instructions of the deployed functions, and compares them with `tests/instructions.json`. With
//! `UPDATE_EXPECT=1`, it writes the file instead. `LAMBDA_BIN` is the folder that `cargo lambda build` writes.

use std::path::absolute;

use accounts::config::Settings;
use journeys::instructions::{compare, count, read, write};

/// The file has the counts of this architecture. Other architectures have other instructions.
const ARCHITECTURE: &str = "x86_64";

#[tokio::main]
async fn main() -> Result<(), String> {
    if std::env::consts::ARCH != ARCHITECTURE {
        eprintln!("not counted: the file has the instructions of {ARCHITECTURE}");
        return Ok(());
    }
    let settings = Settings::from_environment();
    let folder = settings.given("LAMBDA_BIN");
    let folder = folder.ok_or("LAMBDA_BIN must be set: the folder with graphql/bootstrap")?;
    let counted = count(absolute(folder).map_err(|error| error.to_string())?).await?;
    if settings.given("UPDATE_EXPECT").is_some() {
        return write(&counted);
    }
    let differences = compare(&read()?, &counted);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\nIf the change is worth it, UPDATE_EXPECT=1 tests/run instructions writes the new counts.",
        differences.join("\n")
    ))
}
