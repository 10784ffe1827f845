//! The log of a panic. The test needs a process of its own, because the hook belongs to the process.

#![allow(missing_docs, reason = "the test's name is a sentence")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails the test")]

use std::io::{self, Write};
use std::sync::Mutex;

use accounts::config::Settings;
use accounts::telemetry::{Context, Format, catch_panic, in_context, start_as};
use serde_json::Value;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_logged_with_its_place_and_its_request_and_not_with_what_it_says() {
    start_as(&Settings::new(|_| None), Format::Json, || Log).unwrap();
    let request = Context { request_id: "6c1d9b0e".to_owned(), ..Context::default() };
    let panicking = async { panic!("somebody typed ann@example.com") };
    let done: Option<()> = in_context(request, catch_panic(panicking)).await;
    assert!(done.is_none());
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let line: Value = serde_json::from_str(&log).expect("one line of JSON");
    assert_eq!([&line["level"], &line["message"]], ["ERROR", "a panic"]);
    assert_eq!(line["request_id"], "6c1d9b0e");
    assert!(line["place"].as_str().unwrap().starts_with("shared/tests/panics.rs:"), "{line}");
    assert!(!log.contains("typed"), "{log}");
}
