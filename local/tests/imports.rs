//! `import` and `export`, as an operator runs them: killed, started again, two at the same time, and undone.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use embedded::{Aws, Fault, Options, Times};
use serde_json::{Value, json};
use server::{Server, run, start};
use tempfile::{TempDir, tempdir};

const PASSWORD: &str = "kdjf84jfKKd";
/// Of `PASSWORD`; made by `argon2-cffi`.
const HASH: &str = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// A data folder, and a file of users beside it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, lines: &[Value]) -> String {
        let text = lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{line}").unwrap();
            text
        });
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let output = run(&self.data(), arguments, &[]).await;
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        for secret in ["argon2", PASSWORD] {
            assert!(!out.contains(secret) && !err.contains(secret), "{out} {err}");
        }
        Said { code: output.status.code().expect("it ends by itself"), out, err }
    }

    async fn import(&self, file: &str, more: &[&str]) -> Said {
        let arguments = ["import", file, "--from", "jsonl", "--as", "eve", "--json"];
        self.run(&[&arguments, more].concat()).await
    }

    /// All users, by name, without what differs between two imports of the same file.
    async fn exported(&self, name: &str) -> BTreeMap<String, Value> {
        let file = self.path(name);
        let said = self.run(&["export", &file, "--to", "jsonl", "--as", "eve"]).await;
        assert_eq!(said.code, 0, "{}", said.err);
        let lines = fs::read_to_string(&file).unwrap();
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.map(|record| (record["username"].as_str().unwrap().to_owned(), record)).collect()
    }
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{} {}", self.out, self.err))
    }

    fn count(&self, name: &str) -> u64 {
        self.json()["counts"][name].as_u64().unwrap()
    }
}

fn person(n: usize) -> Value {
    json!({
        "legacy_id": n,
        "username": format!("user{n}"),
        "email": format!("user{n}@example.com"),
        "is_verified": true,
        "password": HASH,
        "created_at": "2020-01-01T00:00:00Z",
    })
}

/// Some users, and some lines that are none: malformed, without an address, with an address or a name of another line.
fn people(count: usize) -> Vec<Value> {
    let line = |n: usize| match n % 10 {
        3 => json!({ "pasword": "x" }),
        5 => json!({ "username": format!("user{n}") }),
        7 => {
            json!({ "username": format!("USER{}", n - 1), "email": format!("user{n}@example.com") })
        }
        9 => person(n - 1),
        _ => person(n),
    };
    (0..count).map(line).collect()
}

/// As in AWS: a table that throttles, and counts what it consumes.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_the_table_throttles_goes_slower_and_loses_no_record() {
    let place = Place::new();
    let secret = Some("0123456789abcdef0123456789abcdef".to_owned());
    let aws = Aws::start(Options { secret, ..Options::new(local::TEMPLATE) }).await.unwrap();
    let settings = [
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", aws.endpoint_url()),
        ("AUTH_SECRET_ARN", "latchkey-auth-secret"),
    ];
    let file = place.write("users.jsonl", &(0..60).map(person).collect::<Vec<_>>());
    aws.tally().start();
    // Some writes go through. Then each of several writes uses up the tries of the SDK.
    aws.faults().fail("TransactWriteItems", Times::N(10), Fault::Pass);
    aws.faults().fail("TransactWriteItems", Times::N(60), Fault::Throttled);
    let arguments = ["import", &file, "--from", "jsonl", "--as", "eve", "--json"];
    let at = ["--table", "latchkey", "--wcu", "400"];
    let start = Instant::now();
    let output = run(&place.data(), &[&arguments[..], &at].concat(), &settings).await;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["counts"]["new"], 60, "{done}");
    let calls = aws.tally().take();
    let writes = calls.iter().filter(|call| call.operation == "TransactWriteItems");
    let (done, refused): (Vec<_>, Vec<_>) = writes.partition(|call| call.write_units > 0.0);
    assert_eq!((done.len(), refused.len()), (60, 60), "no write twice, and each fault struck");
    // A slow machine only makes the run slower.
    let consumed: f64 = done.iter().map(|call| call.write_units).sum();
    let most = 400.0 * seconds + consumed / 60.0;
    assert!(consumed <= most, "{consumed} units in {seconds} s");
    let again = run(
        &place.data(),
        &[&arguments[..4], &["--as", "eve", "--run", &place.path("again"), "--json"], &at].concat(),
        &settings,
    )
    .await;
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&again["counts"]["new"], &again["counts"]["unchanged"]), (&json!(0), &json!(60)));
}

fn rejects(folder: &str) -> Vec<Value> {
    let lines = fs::read_to_string(Path::new(folder).join("rejects.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_import_says_what_it_made_and_what_it_refused_with_line_and_code() {
    let place = Place::new();
    let file = place.write("users.jsonl", &people(20));
    let said = place.import(&file, &[]).await;
    assert_eq!(said.code, 2, "{}", said.err);
    let counts = &said.json()["counts"];
    let expected = json!({
        "new": 12, "unchanged": 2, "rejected": 6, "without_password": 0, "unknown_hashes": 0,
        "demoted": 0, "with_second_factor": 0, "lost_factors": 0,
    });
    assert_eq!(counts, &expected);
    let found = rejects(&format!("{file}.import"));
    let found: Vec<_> =
        found.iter().map(|it| (it["line"].as_u64().unwrap(), it["codes"][0].clone())).collect();
    let expected = [(4, "malformed"), (6, "email: required"), (8, "username: unique")];
    let expected = expected.iter().chain(&[
        (14, "malformed"),
        (16, "email: required"),
        (18, "username: unique"),
    ]);
    assert_eq!(found, expected.map(|(line, code)| (*line, json!(code))).collect::<Vec<_>>());

    let server = Server::start(&place.data()).await;
    let document = format!(
        "mutation {{ tokenAuth(username: \"user0\", password: \"{PASSWORD}\") {{ success }} }}"
    );
    assert_eq!(server.graphql(&document).await["data"]["tokenAuth"]["success"], true);
}

#[tokio::test]
async fn twice_changes_nothing_and_says_so() {
    let place = Place::new();
    let file = place.write("users.jsonl", &people(20));
    place.import(&file, &[]).await;
    let before = place.exported("before.jsonl").await;
    let same = place.import(&file, &[]).await;
    assert_eq!((&same.json()["was_finished"], same.count("new")), (&json!(true), 12));
    let other = place.path("other");
    let again = place.import(&file, &["--run", &other]).await;
    assert_eq!((again.count("new"), again.count("unchanged"), again.count("rejected")), (0, 14, 6));
    assert_eq!(place.exported("after.jsonl").await, before);
}

#[tokio::test]
async fn a_dry_run_judges_as_the_run_and_writes_nothing() {
    let place = Place::new();
    let first = place.write("first.jsonl", &[person(0), person(1)]);
    place.import(&first, &[]).await;
    let before = place.exported("before.jsonl").await;
    let mut lines = people(20);
    lines[0]["first_name"] = json!("another");
    let file = place.write("users.jsonl", &lines);
    let dry = place.import(&file, &["--dry-run"]).await;
    assert_eq!(dry.code, 2);
    assert_eq!(place.exported("after.jsonl").await, before);
    let real = place.import(&file, &[]).await;
    assert_eq!(dry.json()["counts"], real.json()["counts"]);
    let lines_of = |folder: &str| -> Vec<Value> {
        rejects(folder).iter().map(|it| json!([it["line"], it["codes"]])).collect()
    };
    assert_eq!(lines_of(&format!("{file}.dry-run")), lines_of(&format!("{file}.import")));
    let clean = place.write("clean.jsonl", &[person(100)]);
    assert_eq!(place.import(&clean, &["--dry-run"]).await.code, 0);
}

#[tokio::test]
async fn a_folder_belongs_to_one_input_with_the_same_options() {
    let place = Place::new();
    let (one, two) =
        (place.write("one.jsonl", &[person(1)]), place.write("two.jsonl", &[person(2)]));
    let folder = place.path("folder");
    assert_eq!(place.import(&one, &["--run", &folder]).await.code, 0);
    for (file, more) in [(&two, vec![]), (&one, vec!["--with-staff"])] {
        let said = place.import(file, &[&["--run", &folder][..], &more].concat()).await;
        assert_eq!(said.code, 2);
        assert!(said.err.contains("another run"), "{}", said.err);
    }
    assert_eq!(place.exported("all.jsonl").await.len(), 1);
}

/// Kills the import when it has begun with so many users, and starts it again.
#[tokio::test]
async fn a_run_that_is_killed_at_any_moment_goes_on_to_the_same_end() {
    const COUNT: usize = 200;
    let (whole, killed) = (Place::new(), Place::new());
    let counts = whole.import(&whole.write("users.jsonl", &people(COUNT)), &[]).await;
    let file = killed.write("users.jsonl", &people(COUNT));
    let server = Server::start(&killed.data()).await;
    let arguments = ["import", &file, "--from", "jsonl", "--as", "eve", "--json", "--wcu", "600"];
    let made = Path::new(&format!("{file}.import")).join("users.txt");
    let begun = || fs::read_to_string(&made).map_or(0, |users| users.lines().count());
    for moment in [0, 1, 7, 30, 60, 61, 90, 130] {
        let mut process = start(&killed.data(), &arguments);
        while begun() < moment && process.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process.kill().await.unwrap();
    }
    assert!(begun() < COUNT, "the run had ended before it was killed");
    let end = killed.import(&file, &[]).await;
    assert_eq!(end.json()["counts"], counts.json()["counts"]);
    assert_eq!(rejects(&format!("{file}.import")), rejects(&whole.path("users.jsonl.import")));
    server.stop("TERM").await;
    let strip = |mut all: BTreeMap<String, Value>| {
        // Derived with the secret of the data folder.
        for record in all.values_mut() {
            record["id"].take();
        }
        all
    };
    assert_eq!(strip(killed.exported("all.jsonl").await), strip(whole.exported("all.jsonl").await));
}

#[tokio::test]
async fn two_runs_at_once_make_each_user_once() {
    let place = Place::new();
    let file = place.write("users.jsonl", &people(60));
    let _server = Server::start(&place.data()).await;
    let folders = [place.path("one"), place.path("two")];
    let [one, two] = [0, 1].map(|n| ["--run", folders[n].as_str()]);
    let (one, two) = tokio::join!(place.import(&file, &one), place.import(&file, &two));
    assert_eq!(one.count("new") + two.count("new"), 36);
    for said in [&one, &two] {
        assert_eq!(said.count("new") + said.count("unchanged"), 42);
        assert_eq!(said.count("rejected"), 18);
    }
}

#[tokio::test]
async fn undo_removes_what_the_run_made_and_keeps_who_has_logged_in() {
    let place = Place::new();
    let file = place.write("users.jsonl", &(0..10).map(person).collect::<Vec<_>>());
    place.import(&place.write("before.jsonl", &[person(0)]), &[]).await;
    place.import(&file, &[]).await;
    let server = Server::start(&place.data()).await;
    let document = format!(
        "mutation {{ tokenAuth(username: \"user1\", password: \"{PASSWORD}\") {{ success }} }}"
    );
    assert_eq!(server.graphql(&document).await["data"]["tokenAuth"]["success"], true);
    server.stop("TERM").await;
    let ban = ["users", "ban", "user2", "--reason", "spam", "--as", "eve"];
    assert_eq!(place.run(&ban).await.code, 0);

    let folder = format!("{file}.import");
    let undo = ["import", "undo", "--run", &folder, "--as", "eve", "--json"];
    let said = place.run(&undo).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let json = said.json();
    assert_eq!([&json["removed"], &json["kept_used"], &json["kept_changed"]], [7, 1, 1]);
    let kept = fs::read_to_string(Path::new(&folder).join("kept.jsonl")).unwrap();
    assert!(kept.contains("logged_in") && kept.contains("changed"), "{kept}");
    let left: Vec<String> = place.exported("after.jsonl").await.into_keys().collect();
    assert_eq!(left, ["user0", "user1", "user2"]);
    let again = place.run(&undo).await.json();
    assert_eq!([&again["removed"], &again["kept"]], [0, 2]);
    let after = place.import(&file, &[]).await;
    assert!(after.code == 2 && after.err.contains("undone"), "{}", after.err);
}

#[tokio::test]
async fn an_export_is_for_its_owner_alone_overwrites_nothing_and_is_in_the_trail() {
    let place = Place::new();
    place.import(&place.write("users.jsonl", &[person(1)]), &[]).await;
    let all = place.exported("all.jsonl").await;
    assert_eq!(all["user1"]["password"], HASH);
    assert_eq!(all["user1"]["legacy_id"], "1");
    let mode = fs::metadata(place.path("all.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let file = place.path("all.jsonl");
    let again = place.run(&["export", &file, "--to", "jsonl", "--as", "eve"]).await;
    assert!(again.code == 2 && again.err.contains("exists"), "{}", again.err);
}

#[tokio::test]
async fn the_personal_data_of_a_user_has_no_hash() {
    let place = Place::new();
    place.import(&place.write("users.jsonl", &[person(1)]), &[]).await;
    let said = place.run(&["users", "export", "1", "--as", "eve"]).await;
    let data = said.json();
    assert_eq!(data["account"]["username"], "user1");
    assert_eq!(data["addresses"][0]["email"], "user1@example.com");
    let events: Vec<_> =
        data["activity"].as_array().unwrap().iter().map(|it| &it["event"]).collect();
    assert_eq!(events, ["personal_data_exported", "address_verified", "imported"]);
    assert!(!said.out.contains("operator"), "the user does not see who of the staff it was");
}

/// 100,000 users take 64 MiB at most: `docs/import.md` has the command. These are fewer, so that the suite is fast.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_memory_of_an_import_does_not_grow_with_its_input() {
    const COUNT: usize = 4_000;
    let place = Place::new();
    let file = place.write("users.jsonl", &(0..COUNT).map(person).collect::<Vec<_>>());
    let _server = Server::start(&place.data()).await;
    let arguments = ["import", &file, "--from", "jsonl", "--as", "eve", "--dry-run"];
    let mut process = start(&place.data(), &arguments);
    let status = format!("/proc/{}/status", process.id().unwrap());
    let mut most = 0;
    while process.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(peak.unwrap_or(0_u64));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(most > 0 && most < 64 * 1024, "{most} kB");
}
