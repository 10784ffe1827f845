//! Starts that fail, with the reason.

use std::net::TcpListener;
use std::path::Path;

use axum::http::StatusCode;
use tempfile::tempdir;

use crate::server::{Server, fail_to_start};

#[tokio::test]
async fn a_link_path_that_a_page_of_this_machine_hides_is_refused() {
    let dir = tempdir().unwrap();
    for path in ["mailbox", "/graphql/activate/", "_aws"] {
        let setting = "ACTIVATION_PATH_ON_EMAIL";
        assert_cannot_start(dir.path(), &[(setting, path)], &[setting]).await;
    }
    assert_cannot_start(
        dir.path(),
        &[("PASSWORD_SET_PATH_ON_EMAIL", "mailbox")],
        &["PASSWORD_SET"],
    )
    .await;
    // Without pages, the path hides no page.
    let settings = [("ACTIVATION_PATH_ON_EMAIL", "mailbox"), ("PAGES", "off")];
    let server = Server::with(dir.path(), &settings).await;
    assert_eq!(server.get("/health").await.status, StatusCode::OK);
}

/// Asserts that the start fails with one line that has all `parts`.
async fn assert_cannot_start(data_dir: &Path, settings: &[(&str, &str)], parts: &[&str]) {
    let output = fail_to_start(data_dir, settings).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{settings:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{settings:?}: {said}");
    assert!(said.starts_with("Latchkey cannot start: "), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{settings:?}: {said}");
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let dir = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for setting in ["PORT", "AWS_PORT"] {
        let result = format!("set {setting}");
        assert_cannot_start(dir.path(), &[(setting, &port)], &[&port, &result]).await;
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_to_is_named() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for below in [file.join("data"), file.clone(), Path::new("/proc/latchkey").to_owned()] {
        let shown = below.to_str().unwrap();
        assert_cannot_start(&below, &[], &[shown, "set DATA_DIR"]).await;
    }
}

#[tokio::test]
async fn a_data_folder_that_another_one_uses_is_named() {
    let dir = tempdir().unwrap();
    let _server = Server::start(dir.path()).await;
    assert_cannot_start(dir.path(), &[], &[dir.path().to_str().unwrap()]).await;
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_is_named() {
    let dir = tempdir().unwrap();
    for (name, value) in [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("AWS_PORT", "-1"),
        ("HOST", "nowhere"),
        ("ACCESS_TOKEN_LIFETIME", "soon"),
        ("ACCESS_TOKEN_LIFETIME", "0"),
        ("REFRESH_GRACE", "-1"),
        ("AUTH_SECRET", "short"),
        ("BASE_URL", "ftp://example"),
        ("APP_URL", "example"),
        ("EMAIL_FROM", "nobody"),
        ("TOKENS_ON_REGISTER", "maybe"),
        ("ACCESS_TOKEN_LIFETIME", "999999999"),
        ("REFRESH_GRACE", "100000"),
        ("REFRESH_TOKEN_LIFETIME", "31536000"),
        ("BASE_URL", "https://*.example"),
        ("APP_URL", "https://ann@example.com"),
        ("EMAIL_FROM", "accounts@localhost"),
        ("EMAIL_REPLY_TO", "help"),
        ("THROTTLE", "maybe"),
        ("HASURA_ACTION_SECRET", "short"),
        ("HASURA_ACTION_SECRET", ""),
        ("LOG_IP", "some"),
        ("LOG_LEVEL", "a=b=c"),
        ("LOG_LEVEL", "warning"),
        ("PICTURES_BUCKET", "../up"),
        ("PAGES", "maybe"),
        ("PAGE_COLOR", "blue"),
    ] {
        assert_cannot_start(&dir.path().join("data"), &[(name, value)], &[name]).await;
    }
}
