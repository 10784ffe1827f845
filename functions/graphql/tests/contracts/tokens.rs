//! The dialects of the schema call an operation that makes tokens, or ends the caller's session, through the caller of
//! the request only: it sets and clears the cookies.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests are sentences, and may fail anywhere")]

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use crate::sources;

/// The operations of the core that make tokens, by the types that they return.
fn makers() -> BTreeSet<String> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/src/operations");
    let mut makers = BTreeSet::new();
    for file in sources(&core) {
        for operation in read_to_string(file).unwrap().split("pub async fn ").skip(1) {
            let (name, rest) = operation.split_once('(').unwrap();
            let head = rest.split_once(" {\n").unwrap().0;
            let answer = head.rsplit_once("-> Result<").map_or("", |(_, answer)| answer);
            if ["TokenPair", "LoggedIn", "Registered"].iter().any(|made| answer.starts_with(made)) {
                makers.insert(name.to_owned());
            }
        }
    }
    makers
}

/// The operations of the core that can end the caller's session.
const ENDERS: &[&str] = &[
    "archive_account",
    "change_password_and_log_out",
    "delete_account",
    "end_session",
    "log_out",
    "log_out_by",
    "revoke",
];

/// The REST paths and those of Hasura set no cookies: `docs/api.md`.
const WITH_COOKIES: &[&str] = &["django", "plain"];

#[test]
fn no_dialect_with_cookies_bypasses_the_caller_of_the_request() {
    let makers = makers();
    assert!(makers.contains("log_in") && makers.contains("refresh"), "{makers:?}");
    let verbs: Vec<&str> =
        makers.iter().map(String::as_str).chain(ENDERS.iter().copied()).collect();
    let mut files = 0;
    for dialect in WITH_COOKIES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects").join(dialect);
        for file in sources(&folder) {
            let text = read_to_string(&file).unwrap();
            for verb in &verbs {
                for call in [format!("accounts(ctx).{verb}("), format!("accounts.{verb}(")] {
                    assert!(!text.contains(&call), "{}: {call}", file.display());
                }
            }
            files += 1;
        }
    }
    assert!(files > 8, "{files}");
}
