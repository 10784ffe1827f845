use std::fs::File;
use std::path::Path;

use journeys::emulator::{Emulator, Environment};
use serde_json::{Value, json};

use crate::events::event;

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_answer_and_the_next_request_finds_all_as_it_was() {
    let emulator = Emulator::from_environment().unwrap_or_else(|missing| panic!("{missing}"));
    let path = std::env::temp_dir().join(format!("panicking-{}.log", std::process::id()));
    let log = File::create(&path).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_panicking"));
    let environment = Environment::of("GraphqlFunction", "latchkey");
    let function = emulator.start_program("panicking", program, &environment, Some(&log)).await;

    let mut request: Value = serde_json::from_str(&event("health", &[])).unwrap();
    request["rawPath"] = json!("/graphql");
    request["requestContext"]["http"]["path"] = json!("/graphql");
    let answer = function.invoke(request.to_string()).await;
    assert_eq!(answer["statusCode"], 500, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let id = body["request_id"].as_str().unwrap();
    assert_eq!(answer["headers"]["x-request-id"], id);
    assert_eq!(function.invoke(event("health", &[])).await["statusCode"], 200);

    let log = function.log(&path, "a panic").await;
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let panic = lines.iter().find(|line| line["message"] == "a panic");
    let panic = panic.unwrap_or_else(|| panic!("no panic in {log}"));
    assert_eq!(panic["request_id"], id);
    assert!(panic["place"].as_str().unwrap().contains("panicking.rs:"), "{panic}");
    assert!(!log.contains("ann@example.com"), "{log}");
}
