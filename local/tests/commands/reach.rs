//! The data that a command reaches: of a server, or of a table in AWS.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{Server, run, run_with_input};
use crate::{PASSWORD, ROOT, Said, command, create, done, log_in};

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
