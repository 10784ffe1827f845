//! `users`: bans, sessions, roles, second factors and locks.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{Server, run};
use crate::{
    OTHER, PASSWORD, ROOT, SHOW_ROOT, Said, command, create, done, is_logged_in, log_in, sign_up,
    trail,
};

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

/// The keys of the counters of wrong passwords depend on the secret. The command uses the secret of the server, even if
/// only the environment of the server has it.
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
