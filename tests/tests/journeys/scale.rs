use accounts::config::Settings;
use journeys::scale::{Study, write};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scale.md");

/// The generator is seeded, and figures are rounded, so the document is the same on each machine.
#[tokio::test]
async fn the_document_about_scale_is_up_to_date() {
    let written = write(&Box::pin(Study::make()).await);
    if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
        std::fs::write(DOCUMENT, &written).unwrap();
    }
    let stored = std::fs::read_to_string(DOCUMENT).unwrap();
    let old: Vec<_> = stored.lines().filter(|line| !written.contains(line)).collect();
    assert_eq!(old, Vec::<&str>::new(), "run `cargo run -p journeys --bin scale`");
    assert_eq!(stored, written);
}
