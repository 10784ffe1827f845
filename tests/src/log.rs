//! The log of all tests of a process, at every level, as the functions would write it. A line that says what
//! no log may say fails the test that caused it.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use accounts::config::Settings;
use accounts::telemetry::{self, Format, metrics};
use embedded::Mailbox;
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

use crate::SECRET;

/// Every level that a deployer might set.
const LEVEL: &str = "trace,aws_smithy_runtime=trace,aws_sdk_dynamodb=trace,hyper=trace,h2=trace";
/// The passwords of tests.
const PASSWORDS: [&str; 3] = ["jf84jfKK", "zmxn73hhQQp", "qpwo38dkJJs"];
/// The starts of hashes.
const HASHES: [&str; 6] = ["$argon2", "pbkdf2_", "$2a$", "$2b$", "$2y$", "scrypt$"];
/// The paths of links.
const LINKS: [&str; 3] = ["/activate/", "/password-reset/", "/password-set/"];

static LOG: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// A line, and the name of the thread that wrote it. The own thread of a test has the name of the test.
#[derive(Clone)]
struct Line {
    thread: String,
    text: String,
}

/// Watches the log of one site. Its drop fails the test if the log has a secret of the site.
#[derive(Debug)]
pub(crate) struct LogWatch {
    mailbox: Mailbox,
    start: usize,
}

impl LogWatch {
    pub(crate) fn start(mailbox: Mailbox) -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let settings = Settings::new(|name| (name == "LOG_LEVEL").then(|| LEVEL.to_owned()));
            let log = telemetry::log(&settings, Format::Json, || Writer).expect("a level");
            let log =
                tracing_subscriber::registry().with(log).with(metrics::to("Latchkey", || Writer));
            let _ = tracing::subscriber::set_global_default(log);
        });
        Self { mailbox, start: lock().len() }
    }
}

impl Drop for LogWatch {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let mails = self.mailbox.messages().into_iter().filter_map(|mail| mail.text);
        let codes: Vec<String> = mails.flat_map(|text| numbers(&text)).collect();
        let own = name();
        let lines = lock()[self.start..].to_vec();
        for Line { thread, text } in &lines {
            // The code under test may have caught the panic of the writer, or the panic was on a thread for hashes.
            let is_ours = *thread == own || thread.starts_with("tokio");
            let found = leak(text).filter(|_| is_ours);
            assert_eq!(found, None, "it is logged: {text}");
            let is_code = |number: &String| *thread == own && codes.contains(number);
            let code = numbers(text).into_iter().find(is_code);
            assert_eq!(code, None, "a code is logged: {text}");
        }
    }
}

/// The lines of the log that are about that request.
pub fn lines_of(request_id: &str) -> Vec<Value> {
    let lines = lock().clone().into_iter().filter(|line| line.text.contains(request_id));
    let lines = lines.map(|line| serde_json::from_str(&line.text).expect("a line is JSON"));
    lines.filter(|line: &Value| line["request_id"] == request_id).collect()
}

/// The metrics that this test has caused, in their order.
pub fn metrics() -> Vec<Value> {
    let own = name();
    let lines = lock().clone().into_iter().filter(|line| line.thread == own);
    let lines = lines.map(|line| serde_json::from_str(&line.text).expect("a line is JSON"));
    lines.filter(|line: &Value| !line["_aws"].is_null()).collect()
}

/// The part of a line that no log may have.
pub fn leak(line: &str) -> Option<&'static str> {
    let has = |parts: &[&str]| parts.iter().any(|part| line.contains(part));
    let is_of_word = |c: char| c.is_alphanumeric();
    let is_address = line
        .match_indices('@')
        .any(|(at, _)| line[..at].ends_with(is_of_word) && line[at + 1..].starts_with(is_of_word));
    let is_link = LINKS.iter().any(|link| {
        let after = line.match_indices(link).map(|(at, _)| &line[at + link.len()..]);
        after.into_iter().any(|rest| rest.starts_with(is_of_word))
    });
    [
        ("an address", is_address),
        ("a link", is_link),
        ("a token", line.contains("eyJ")),
        ("a password", has(&PASSWORDS)),
        ("a hash", has(&HASHES)),
        ("the secret", line.contains(SECRET)),
    ]
    .into_iter()
    .find_map(|(what, is_there)| is_there.then_some(what))
}

/// Numbers of six digits.
fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.filter(is_code).map(str::to_owned).collect()
}

fn lock() -> MutexGuard<'static, Vec<Line>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
        let found = leak(&text);
        lock().push(Line { thread: name(), text: text.clone() });
        if let Some(what) = found.filter(|_| !thread::panicking()) {
            panic!("{what} is logged: {text}");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
