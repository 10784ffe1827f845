//! The data folder: what survives a restart.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::tempdir;

use crate::server::Server;
use crate::{log_in, s3, sign_up, upload};

#[tokio::test]
async fn users_and_mails_survive_a_restart() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    sign_up(&server).await;
    let mails = server.mails().await;
    assert_eq!(server.stop("INT").await.1.code(), Some(0));

    let server = Server::start(dir.path()).await;
    let errors = log_in(&server).await["errors"].clone();
    assert_eq!(errors["nonFieldErrors"][0]["code"], "not_verified", "the user is there: {errors}");
    assert_eq!(server.mails().await, mails);
}

#[tokio::test]
async fn pictures_survive_a_restart() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    upload(&server, b"a picture").await;
    server.stop("INT").await;

    let server = Server::start(dir.path()).await;
    let get = s3(&server).get_object().bucket("latchkey-pictures").key("profile_pics/a/b.png");
    let kept = get.send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(kept.to_vec(), b"a picture");
    assert_eq!(dir.path().join("s3").metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn the_secret_is_made_once_and_is_its_owners_only() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("auth-secret");
    Server::start(dir.path()).await.stop("TERM").await;
    let secret = std::fs::read_to_string(&path).unwrap();
    assert!(secret.len() >= 32, "{} bytes", secret.len());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let _server = Server::start(dir.path()).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);
}

#[tokio::test]
async fn in_memory_it_writes_nothing() {
    let dir = tempdir().unwrap();
    let server = Server::with(dir.path(), &[("DATA_DIR", ":memory:")]).await;
    sign_up(&server).await;
    assert_eq!(server.stop("INT").await.1.code(), Some(0));
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    assert!(!Path::new(":memory:").exists());
}
