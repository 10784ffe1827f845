//! The filter of breached passwords.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{Server, fail_to_start, run};

/// The violations of a password at a sign-up.
async fn violations(server: &Server, name: &str, password: &str) -> Value {
    let document = format!(
        "mutation {{ register(email: \"{name}@example.com\", username: \"{name}\", \
         password1: \"{password}\", password2: \"{password}\") {{ errors }} }}"
    );
    let errors = server.graphql(&document).await["data"]["register"]["errors"].clone();
    errors["password2"].as_array().into_iter().flatten().map(|it| it["code"].clone()).collect()
}

/// From a list to a refused sign-up, as a deployer does it.
#[tokio::test]
async fn a_list_becomes_a_filter_with_which_the_program_refuses_its_passwords() {
    let dir = tempdir().unwrap();
    let [list, filter] = ["list.txt", "breached-passwords"].map(|name| dir.path().join(name));
    let [list, filter] = [&list, &filter].map(|path| path.to_str().unwrap());
    // The SHA-1 of `zmxn73hhQQp`, as the largest list has it.
    std::fs::write(list, "49EB595BB89E549F4822773CFC56199168479211:12\r\n").unwrap();
    let output = run(dir.path(), &["breached-passwords", "build", list, filter], &[]).await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("has 1 passwords of 1 lines"), "{said}");
    assert!(output.stderr.is_empty(), "progress is for a terminal");
    let data_dir = dir.path().join("data");
    let server = Server::with(&data_dir, &[("BREACHED_PASSWORDS", filter)]).await;
    assert_eq!(violations(&server, "ann", "zmxn73hhQQp").await, json!(["password_breached"]));
    assert_eq!(violations(&server, "ann", "zmxn73hhQQq").await, json!([]));
}

#[tokio::test]
async fn a_list_that_makes_no_filter_fails_with_the_number_of_the_line() {
    let dir = tempdir().unwrap();
    let [list, filter] = ["list.txt", "filter"].map(|name| dir.path().join(name));
    let [list, filter] = [&list, &filter].map(|path| path.to_str().unwrap());
    std::fs::write(list, "a word\n").unwrap();
    let output = run(dir.path(), &["breached-passwords", "build", list, filter], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 1 of ") && !said.contains("a word"), "{said}");
    let output = run(dir.path(), &["breached-passwords", "build", list], &[]).await;
    assert_eq!(output.status.code(), Some(2), "the usage");
    let output = fail_to_start(dir.path(), &[("BREACHED_PASSWORDS", list)]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("BREACHED_PASSWORDS cannot be used: "), "{said}");
}

/// A front end can show the refusal without a list.
#[tokio::test]
async fn the_program_has_a_sample_of_breached_passwords() {
    let dir = tempdir().unwrap();
    let server = Server::start(&dir.path().join("data")).await;
    let found = violations(&server, "ann", "correcthorsebatterystaple").await;
    assert_eq!(found, json!(["password_breached"]));
}
