//! `create-superuser`.

use serde_json::json;
use tempfile::tempdir;

use crate::server::Server;
use crate::{OTHER, PASSWORD, ROOT, SHOW_ROOT, command, create, done, log_in, trail};

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
    // The standard input has no password, and no argument can have it.
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
