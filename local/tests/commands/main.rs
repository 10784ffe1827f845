//! The commands for users, as an operator or a script runs them.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "the tests of the server use the rest")]
#[path = "../server/mod.rs"]
mod server;

mod reach;
mod superuser;
mod users;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use server::{Server, run, run_with_input};
use tempfile::tempdir;

const PASSWORD: &str = "kdjf84jfKKd";
const OTHER: &str = "vnr83hfQ0lw";
const ROOT: &[&str] = &["create-superuser", "--username", "root1", "--email", "root@example.com"];
const SHOW_ROOT: &[&str] = &["users", "show", "root1", "--json"];

/// The result of a command.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// What no output may have: passwords, hashes, tokens and the secret of the data folder.
    fn of(output: Output, data_dir: &Path) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        let secret = std::fs::read_to_string(data_dir.join("auth-secret")).unwrap_or_default();
        for secret in [PASSWORD, OTHER, "argon2", "eyJ", "/activate/", &secret] {
            assert!(secret.is_empty() || !out.contains(secret), "{secret} is in {out}");
            assert!(secret.is_empty() || !err.contains(secret), "{secret} is in {err}");
        }
        Self { code: output.status.code().expect("it ends by itself"), out, err }
    }

    /// The document on the standard output.
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

async fn command(data_dir: &Path, arguments: &[&str]) -> Said {
    Said::of(run(data_dir, arguments, &[]).await, data_dir)
}

/// The same; asserts that the command succeeds.
async fn done(data_dir: &Path, arguments: &[&str]) -> Said {
    let said = command(data_dir, arguments).await;
    assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
    said
}

async fn create(data_dir: &Path, arguments: &[&str], input: &str) -> Said {
    Said::of(run_with_input(data_dir, arguments, &[], input).await, data_dir)
}

async fn sign_up(server: &Server, name: &str) {
    let document = format!(
        "mutation {{ register(email: \"{name}@example.com\", username: \"{name}\", \
         password1: \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success errors }} }}"
    );
    let answer = server.graphql(&document).await;
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
}

/// The access token, or the errors.
async fn log_in(server: &Server, name: &str, password: &str) -> Result<String, Value> {
    let document = format!(
        "mutation {{ tokenAuth(username: \"{name}\", password: \"{password}\") {{ token errors }} }}"
    );
    let answer = server.graphql(&document).await["data"]["tokenAuth"].clone();
    answer["token"].as_str().map(str::to_owned).ok_or_else(|| answer["errors"].clone())
}

/// Whether the token is accepted.
async fn is_logged_in(server: &Server, token: &str) -> bool {
    !server.graphql_as(token, "{ me { id } }").await["data"]["me"].is_null()
}

/// The kinds of the events of a user, newest first, with who caused them.
async fn trail(data_dir: &Path, who: &str) -> Vec<(String, String)> {
    let trail = done(data_dir, &["users", "trail", who, "--json"]).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = trail["events"].as_array().unwrap().iter();
    events.map(|event| (text(&event["event"]), text(&event["by"]))).collect()
}

#[tokio::test]
async fn a_change_without_an_operator_or_consent_changes_nothing() {
    let dir = tempdir().unwrap();
    for folder in [dir.path().to_owned(), dir.path().join("elsewhere")] {
        let lost = command(&folder, &["users", "list"]).await;
        assert!(lost.code == 1 && lost.err.contains("DATA_DIR"), "{lost:?}");
        assert_eq!(lost.err.lines().count(), 1, "{lost:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it makes no data folder");

    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    let ann = ["users", "invite", "--email", "ann@example.com", "--as", "eve", "--json"];
    let ann = done(dir.path(), &ann).await.json()["user_id"].as_str().unwrap().to_owned();
    let show = ["users", "show", &ann, "--json"];
    let before = (done(dir.path(), &show).await.json(), trail(dir.path(), &ann).await);
    for arguments in [
        &["ban", "ann", "--reason", "spam"][..],
        &["ban", "ann", "--as", "eve"],
        &["ban", "ann", "--reason", "spam", "--until", "tomorrow", "--as", "eve"],
        &["unban", "ann"],
        &["verify", "ann", "--as", ""],
        &["set-role", "ann", "superuser"],
        &["set-role", "ann", "root", "--as", "eve"],
        &["end-sessions", "ann"],
        &["expire-password", "ann"],
        &["send-reset", "ann"],
        &["send-activation", "ann"],
        &["clear-email-status", "ann"],
        &["unlock", "ann"],
        &["remove-second-factor", "ann", "--reason", "lost"],
        &["remove-second-factor", "ann", "--as", "eve"],
        &["keep-second-factor", "ann"],
        &["delete", "ann", "--yes"],
        &["invite", "--email", "bob@example.com"],
        &["list", "--inactive", "--archived"],
        &["list", "--limit", "0"],
        &["show"],
    ] {
        let said = command(dir.path(), &[&["users"], arguments].concat()).await;
        assert!(said.code == 2 && said.err.contains("--help"), "{arguments:?}: {said:?}");
    }
    let network = command(dir.path(), &["networks", "unlock", "192.0.2.1"]).await;
    assert_eq!(network.code, 2, "{network:?}");

    let preview = done(dir.path(), &["users", "delete", "ann", "--as", "eve"]).await;
    for part in ["Nothing was changed", "--yes", &ann, "ann@example.com", "1 mails"] {
        assert!(preview.out.contains(part), "{preview:?}");
    }
    let after = (done(dir.path(), &show).await.json(), trail(dir.path(), &ann).await);
    assert_eq!(after, before);

    let delete = ["users", "delete", "ann", "--yes", "--reason", "asked for it", "--as", "eve"];
    done(dir.path(), &delete).await;
    assert_eq!(command(dir.path(), &show).await.code, 3);
    assert_eq!(trail(dir.path(), &ann).await[0], ("deleted".to_owned(), "operator:eve".to_owned()));
}

#[tokio::test]
async fn the_exit_code_says_what_happened() {
    let dir = tempdir().unwrap();
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    for who in ["nobody", "nobody@example.com", "01920000-0000-7000-8000-000000000001", "a b"] {
        let said = command(dir.path(), &["users", "show", who]).await;
        assert_eq!((said.code, said.err.as_str()), (3, "There is no such user.\n"), "{who}");
    }
    // The last superuser cannot go, not even by the command line.
    for verb in [
        &["ban", "root1", "--reason", "spam"][..],
        &["set-role", "root1", "staff"],
        &["delete", "root1", "--yes"],
    ] {
        let said = command(dir.path(), &[&["users"], verb, &["--as", "eve"]].concat()).await;
        assert!(said.code == 4 && said.err.contains("last_of_staff"), "{verb:?}: {said:?}");
    }
    for (verb, code) in [
        (&["verify", "root1"][..], "already_verified"),
        (&["send-activation", "root1"], "already_verified"),
        (&["ban", "root1", "--reason", "x", "--until", "2020-01-01T00:00:00Z"], "not_in_future"),
        (&["invite", "--email", "root@example.com"], "unique"),
        (&["invite", "--email", "root"], "invalid"),
    ] {
        let said = command(dir.path(), &[&["users"], verb, &["--as", "eve"]].concat()).await;
        assert!(said.code == 4 && said.err.contains(code), "{verb:?}: {said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
    }
    assert_eq!(done(dir.path(), SHOW_ROOT).await.json()["role"], "superuser");

    // Pages of a list: one line a user, and the way to the next page beside them.
    for name in ["ann", "anton", "bob"] {
        let email = format!("{name}@example.com");
        let invite = ["users", "invite", "--email", &email, "--username", name, "--as", "eve"];
        done(dir.path(), &invite).await;
    }
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let mut list = vec!["users", "list", "--limit", "1", "--prefix", "An", "--json"];
        list.extend((!after.is_empty()).then_some(["--after", &after]).into_iter().flatten());
        let page = done(dir.path(), &list).await;
        names.extend(page.out.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["username"].as_str().unwrap().to_owned()
        }));
        match page.err.trim().rsplit_once("--after ") {
            Some((_, next)) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["ann", "anton"]);
    let lines = done(dir.path(), &["users", "list", "--unverified"]).await;
    assert_eq!(lines.out.lines().count(), 3, "{lines:?}");
    done(dir.path(), &["users", "list", "--archived"]).await;
    done(dir.path(), &["networks", "show", "192.0.2.1", "--json"]).await.json();
}

#[tokio::test]
async fn the_mail_of_a_command_is_sent_by_the_server_when_it_runs_next() {
    let dir = tempdir().unwrap();
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    let expire = ["users", "expire-password", "root1", "--as", "eve"];
    let expired = done(dir.path(), &expire).await;
    assert!(expired.err.contains("when it runs next"), "{expired:?}");
    let server = Server::start(dir.path()).await;
    let mails = server.mails().await;
    assert_eq!(mails[0]["Destination"]["ToAddresses"], json!(["root@example.com"]));
    // The expired password is useless, also on a server without limits of guessing.
    log_in(&server, "root1", PASSWORD).await.unwrap_err();
    let reset = done(dir.path(), &["users", "send-reset", "root1", "--as", "eve"]).await;
    assert!(reset.err.contains("that runs"), "{reset:?}");
    done(dir.path(), &["users", "clear-email-status", "root1", "--as", "eve"]).await;
}

/// One command at a time uses the data folder; the others wait.
#[tokio::test]
async fn commands_at_the_same_time_lose_nothing() {
    let dir = tempdir().unwrap();
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    let end = ["users", "end-sessions", "root1", "--as", "eve"];
    let one = || command(dir.path(), &end);
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    for said in [a, b, c, d] {
        assert_eq!(said.code, 0, "{said:?}");
    }
    // Two of them are of the creation.
    assert_eq!(trail(dir.path(), "root1").await.len(), 6);
}
