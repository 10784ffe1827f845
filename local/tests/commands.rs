//! The commands for users, as an operator or a script runs them.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "the tests of the server use the rest")]
mod server;

use std::path::Path;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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

/// The same; it does what it is told.
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
async fn a_superuser_logs_in_with_the_password_of_the_standard_input() {
    for is_running in [false, true] {
        let dir = tempdir().unwrap();
        let mut server = None;
        if is_running {
            server = Some(Server::start(dir.path()).await);
        }
        let made = create(dir.path(), ROOT, &format!("{PASSWORD}\r\nignored\n")).await;
        assert!(made.code == 0 && made.out.contains("superuser now"), "{made:?}");
        let before = done(dir.path(), SHOW_ROOT).await.json();
        assert_eq!((&before["role"], &before["is_verified"]), (&json!("superuser"), &json!(true)));

        // Again: with another password, and in another spelling of the address.
        let again = [
            "create-superuser",
            "--username",
            "root2",
            "--email",
            "Root@EXAMPLE.com",
            "--as",
            "eve",
        ];
        let again = create(dir.path(), &again, OTHER).await;
        assert!(again.code == 0 && again.out.contains("already"), "{again:?}");
        assert_eq!(done(dir.path(), SHOW_ROOT).await.json(), before);
        assert_eq!(
            trail(dir.path(), "root1").await,
            ["address_verified", "superuser_created"]
                .map(|kind| (kind.to_owned(), "operator:unnamed".to_owned()))
        );

        let server = match server {
            Some(server) => server,
            None => Server::start(dir.path()).await,
        };
        log_in(&server, "root1", OTHER).await.unwrap_err();
        log_in(&server, "root1", PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn a_superuser_is_refused_with_the_reason() {
    let dir = tempdir().unwrap();
    // Nothing to read, and no place in arguments and environment.
    let silent = create(dir.path(), ROOT, "").await;
    assert!(silent.code == 2 && silent.err.contains("standard input"), "{silent:?}");
    let argument = command(dir.path(), &[ROOT, &["--password", "x"]].concat()).await;
    assert_eq!(argument.code, 2, "{argument:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");

    let weak = create(dir.path(), ROOT, "password\n").await;
    assert!(weak.code == 4 && weak.err.contains("password_too_common"), "{weak:?}");

    // An account that is no superuser stays as it is, and the command that changes it is named.
    done(dir.path(), &["users", "invite", "--email", "ann@example.com", "--as", "eve"]).await;
    let ann = ["create-superuser", "--username", "ann2", "--email", "ann@example.com"];
    let taken = create(dir.path(), &ann, PASSWORD).await;
    assert!(taken.code == 4 && taken.err.contains("users set-role"), "{taken:?}");
    let user = done(dir.path(), &["users", "show", "ann@example.com", "--json"]).await.json();
    assert_eq!((&user["role"], &user["has_password"]), (&json!("user"), &json!(false)));
}

#[tokio::test]
async fn an_operator_bans_a_user_whose_next_request_is_refused() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    sign_up(&server, "ann").await;
    done(dir.path(), &["users", "verify", "ann", "--as", "eve"]).await;
    let token = log_in(&server, "ann", PASSWORD).await.unwrap();
    assert!(is_logged_in(&server, &token).await);

    let ban = ["users", "ban", "ann", "--reason", "spam", "--as", "eve"];
    let banned = run(dir.path(), &ban, &[("LOG_LEVEL", "info"), ("METRICS", "on")]).await;
    let banned = Said::of(banned, dir.path());
    assert!(banned.code == 0 && banned.out.lines().count() == 1, "{banned:?}");
    for part in ["operation=ban", "outcome=ok", "by=operator:eve"] {
        assert!(banned.err.contains(part), "{banned:?}");
    }
    assert!(!is_logged_in(&server, &token).await);
    let errors = log_in(&server, "ann", PASSWORD).await.unwrap_err();
    assert_eq!(errors["nonFieldErrors"][0]["code"], "invalid_credentials", "{errors}");
    let user = done(dir.path(), &["users", "show", "ann@example.com", "--json"]).await.json();
    assert_eq!((&user["ban"]["reason"], &user["is_active"]), (&json!("spam"), &json!(false)));
    let listed = done(dir.path(), &["users", "list", "--inactive", "--json"]).await.json();
    assert_eq!(listed["id"], user["id"]);

    let id = user["id"].as_str().unwrap();
    done(dir.path(), &["users", "unban", id, "--as", "eve"]).await;
    assert!(!is_logged_in(&server, &token).await, "the sessions ended for good");
    let token = log_in(&server, "ann", PASSWORD).await.unwrap();

    done(dir.path(), &["users", "end-sessions", "ann", "--as", "eve"]).await;
    assert!(!is_logged_in(&server, &token).await);
    let [kept, ended] =
        [log_in(&server, "ann", PASSWORD).await, log_in(&server, "ann", PASSWORD).await];
    let (kept, ended) = (kept.unwrap(), ended.unwrap());
    let user = done(dir.path(), &["users", "show", "ann", "--json"]).await.json();
    let session = user["sessions"][0]["id"].as_str().unwrap();
    let end = ["users", "end-sessions", "ann", "--session", session, "--as", "eve"];
    done(dir.path(), &end).await;
    assert_eq!(
        [is_logged_in(&server, &kept).await, is_logged_in(&server, &ended).await],
        [true, false]
    );
    assert_eq!(command(dir.path(), &end).await.code, 3, "it has ended");

    done(dir.path(), &["users", "set-role", "ann", "staff", "--as", "eve"]).await;
    assert!(!is_logged_in(&server, &kept).await, "its token has the old role");
    let staff = log_in(&server, "ann", PASSWORD).await.unwrap();
    let users = server.graphql_as(&staff, "{ users { edges { node { username } } } }").await;
    assert_eq!(users["data"]["users"]["edges"][0]["node"]["username"], "ann", "{users}");

    let by_eve: Vec<String> = trail(dir.path(), "ann")
        .await
        .into_iter()
        .filter_map(|(event, by)| (by == "operator:eve").then_some(event))
        .collect();
    let expected = [
        "role_changed",
        "session_ended",
        "all_sessions_ended",
        "ban_lifted",
        "banned",
        "address_verified",
    ];
    assert_eq!(by_eve, expected);
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
    // Also on a server without limits of guessing.
    log_in(&server, "root1", PASSWORD).await.unwrap_err();
    let reset = done(dir.path(), &["users", "send-reset", "root1", "--as", "eve"]).await;
    assert!(reset.err.contains("that runs"), "{reset:?}");
    done(dir.path(), &["users", "clear-email-status", "root1", "--as", "eve"]).await;
}

/// An operator has the table, so `--now` gives no more power; without it, the user can object.
#[tokio::test]
async fn an_operator_lets_a_second_factor_end_in_three_days_or_at_once() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    let remove = ["users", "remove-second-factor", "root1", "--reason", "lost", "--as", "eve"];
    let none = command(dir.path(), &remove).await;
    assert!(none.code == 4 && none.err.contains("no_second_factor"), "{none:?}");

    let token = log_in(&server, "root1", PASSWORD).await.unwrap();
    let begun = server.graphql_as(&token, "mutation { beginApp { uri setup } }").await;
    let begun = &begun["data"]["beginApp"];
    let app = totp_rs::Totp::from_url(begun["uri"].as_str().unwrap()).unwrap();
    let (setup, code) = (&begun["setup"], app.generate_current());
    let add =
        format!("mutation {{ addApp(setup: {setup}, code: \"{code}\") {{ success errors }} }}");
    let added = server.graphql_as(&token, &add).await;
    assert_eq!(added["data"]["addApp"]["success"], true, "{added}");
    let needs_code = async || {
        let refused = log_in(&server, "root1", PASSWORD).await;
        refused.is_err_and(|errors| errors.to_string().contains("second_factor_required"))
    };
    assert!(needs_code().await);

    let asked = done(dir.path(), &remove).await;
    assert!(asked.out.contains("three days") && asked.err.contains("sends the mail"), "{asked:?}");
    let shown = done(dir.path(), SHOW_ROOT).await.json();
    assert_eq!(shown["has_second_factor"], true);
    assert!(shown["second_factor_ends_at"].is_string(), "{shown}");
    let text = done(dir.path(), &["users", "show", "root1"]).await.out;
    assert!(text.contains("second factor   set"), "{text}");
    assert!(needs_code().await);
    done(dir.path(), &["users", "keep-second-factor", "root1", "--as", "eve"]).await;
    assert_eq!(done(dir.path(), SHOW_ROOT).await.json()["second_factor_ends_at"], Value::Null);

    let now = done(dir.path(), &[&remove[..], &["--now"]].concat()).await;
    assert!(now.out.contains("have ended"), "{now:?}");
    // A superuser had a second factor, so all staff need one: the next log-in asks for another one.
    let anew = log_in(&server, "root1", PASSWORD).await.unwrap_err();
    assert!(anew.to_string().contains("second_factor_setup_required"), "{anew}");
    assert_eq!(done(dir.path(), SHOW_ROOT).await.json()["has_second_factor"], false);
    let events = trail(dir.path(), "root1").await;
    let by_eve = events.iter().filter(|(_, by)| by == "operator:eve").map(|(event, _)| &**event);
    let expected = [
        "second_factor_removal_asked",
        "second_factor_removal_canceled",
        "second_factor_removal_asked",
    ];
    assert_eq!(by_eve.collect::<Vec<_>>(), expected);
}

/// The counters of wrong passwords are found by the secret: the server's own, also one that only the server was given.
#[tokio::test]
async fn a_lock_is_lifted_with_the_secret_of_the_server_that_runs() {
    let dir = tempdir().unwrap();
    let settings =
        [("THROTTLE", "on"), ("AUTH_SECRET", "a secret that has more than 32 bytes in it")];
    let server = Server::with(dir.path(), &settings).await;
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    let mut errors = Value::Null;
    for _ in 0..30 {
        errors = log_in(&server, "root1", OTHER).await.unwrap_err();
        if errors.to_string().contains("throttled") {
            break;
        }
    }
    let locked = log_in(&server, "root1", PASSWORD).await.unwrap_err();
    assert!(locked.to_string().contains("throttled"), "{errors} {locked}");
    let locks = done(dir.path(), SHOW_ROOT).await.json()["locks"].clone();
    assert!(!locks.as_array().unwrap().is_empty());
    done(dir.path(), &["users", "unlock", "root1", "--as", "eve"]).await;
    assert_eq!(done(dir.path(), SHOW_ROOT).await.json()["locks"], json!([]));
    log_in(&server, "root1", PASSWORD).await.unwrap();
    done(dir.path(), &["networks", "unlock", "127.0.0.1", "--as", "eve"]).await;
}

/// The data folder has one user at a time; the others wait.
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

/// After a crash, the folder still says where the server was. Another one may listen there now.
#[tokio::test]
async fn a_command_never_changes_the_data_of_another_server() {
    let [crashed, other] = [tempdir().unwrap(), tempdir().unwrap()];
    assert_eq!(create(crashed.path(), ROOT, PASSWORD).await.code, 0);
    Server::start(crashed.path()).await.stop("KILL").await;
    let file = |dir: &Path| dir.join("server.json");
    let text = std::fs::read_to_string(file(crashed.path())).expect("it is left behind");
    let mut left: Value = serde_json::from_str(&text).unwrap();
    let server = Server::start(other.path()).await;
    left["aws"] = json!(server.aws);
    std::fs::write(file(crashed.path()), left.to_string()).unwrap();

    done(crashed.path(), &["users", "show", "root1"]).await;
    assert_eq!(command(other.path(), &["users", "show", "root1"]).await.code, 3);
    // A server that stops takes its address back.
    server.stop("TERM").await;
    assert!(!file(other.path()).exists());
}

/// The feed of the ends of sessions lists a user.
async fn is_in_feed(server: &Server, id: &str) -> bool {
    let feed = server.get("/.well-known/revocations").await.text;
    let claims = feed.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["users"].as_array().unwrap().iter().any(|end| end["sub"] == id)
}

/// A command does not know whether the deployment has the feed, and the operator may forget it.
#[tokio::test]
async fn a_command_lists_the_sessions_that_it_ends_unless_the_operator_switches_that_off() {
    for (given, is_listed) in [(None, true), (Some("on"), true), (Some("off"), false)] {
        let dir = tempdir().unwrap();
        let settings = [("DATA_DIR", ":memory:"), ("REVOCATIONS", "on")];
        let server = Server::with(dir.path(), &settings).await;
        let mut settings = vec![
            ("AWS_ACCESS_KEY_ID", "any"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", &server.aws),
            ("AUTH_SECRET_ARN", "latchkey-auth-secret"),
        ];
        settings.extend(given.map(|value| ("REVOCATIONS", value)));
        let at = ["--table", "latchkey"];
        let made = run_with_input(dir.path(), &[ROOT, &at].concat(), &settings, PASSWORD).await;
        assert_eq!(Said::of(made, dir.path()).code, 0);
        log_in(&server, "root1", PASSWORD).await.unwrap();
        let end = ["users", "end-sessions", "root1", "--as", "eve", "--json"];
        let ended =
            Said::of(run(dir.path(), &[&end, &at[..]].concat(), &settings).await, dir.path());
        let id = ended.json()["user_id"].as_str().unwrap().to_owned();
        assert_eq!(is_in_feed(&server, &id).await, is_listed, "REVOCATIONS={given:?}");
    }
}

/// A server that runs on a data folder has the feed, and the operator does not set it again.
#[tokio::test]
async fn a_command_for_a_server_that_runs_lists_the_sessions_that_it_ends() {
    let dir = tempdir().unwrap();
    let server = Server::with(dir.path(), &[("REVOCATIONS", "on")]).await;
    assert_eq!(create(dir.path(), ROOT, PASSWORD).await.code, 0);
    log_in(&server, "root1", PASSWORD).await.unwrap();
    let end = ["users", "end-sessions", "root1", "--as", "eve", "--json"];
    let id = done(dir.path(), &end).await.json()["user_id"].as_str().unwrap().to_owned();
    assert!(is_in_feed(&server, &id).await);
}

/// As in AWS: a table, a Region, credentials, and the ARN of the secret.
#[tokio::test]
async fn a_table_in_aws_is_reached_by_its_name_and_the_secret_of_the_deployment() {
    let dir = tempdir().unwrap();
    let server = Server::with(dir.path(), &[("DATA_DIR", ":memory:")]).await;
    let in_memory = run(dir.path(), &["users", "list"], &[("DATA_DIR", ":memory:")]).await;
    assert_eq!(Said::of(in_memory, dir.path()).code, 1);
    let mut settings = vec![
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let at = ["--table", "latchkey", "--endpoint-url", &server.aws];
    let no_region = run(dir.path(), &[&["users", "list"], &at[..]].concat(), &settings).await;
    let no_region = Said::of(no_region, dir.path());
    assert!(no_region.code == 2 && no_region.err.contains("AWS_REGION"), "{no_region:?}");
    settings.push(("AWS_REGION", "eu-central-1"));
    let no_secret = run(dir.path(), &[&["users", "list"], &at[..]].concat(), &settings).await;
    let no_secret = Said::of(no_secret, dir.path());
    assert!(no_secret.code == 2 && no_secret.err.contains("AUTH_SECRET_ARN"), "{no_secret:?}");
    settings.push(("AUTH_SECRET_ARN", "latchkey-auth-secret"));

    let made = run_with_input(dir.path(), &[ROOT, &at].concat(), &settings, PASSWORD).await;
    assert_eq!(Said::of(made, dir.path()).code, 0);
    log_in(&server, "root1", PASSWORD).await.unwrap();
    settings.push(("AWS_ENDPOINT_URL", &server.aws));
    let reset = ["users", "send-reset", "root1", "--as", "eve", "--table", "latchkey"];
    let reset = Said::of(run(dir.path(), &reset, &settings).await, dir.path());
    assert!(reset.code == 0 && reset.err.contains("email-event"), "{reset:?}");
    server.mails().await;
    let other = ["users", "list", "--table", "other"];
    let other = Said::of(run(dir.path(), &other, &settings).await, dir.path());
    assert!(other.code == 1 && other.err.contains("ResourceNotFoundException"), "{other:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it writes nothing here");
}
