//! The program that `cargo run` starts, from the outside.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "the tests of the commands use the rest")]
#[path = "../server/mod.rs"]
mod server;

mod breached;
mod data;
mod hasura;
mod mail;
mod start;
mod webhook;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Server, run, send};
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PASSWORD: &str = "kdjf84jfKKd";

async fn sign_up(server: &Server) {
    let document = format!(
        "mutation {{ register(email: \"ann@example.com\", username: \"ann\", \
         password1: \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success errors }} }}"
    );
    let answer = server.graphql(&document).await;
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
}

/// `tokenAuth`'s answer.
async fn log_in(server: &Server) -> Value {
    let document = format!(
        "mutation {{ tokenAuth(username: \"ann\", password: \"{PASSWORD}\") \
         {{ success errors refreshToken }} }}"
    );
    server.graphql(&document).await["data"]["tokenAuth"].clone()
}

/// The files and links that a page refers to.
fn targets(html: &str) -> Vec<String> {
    let after = |attribute: &str| -> Vec<String> {
        let rest = html.split(attribute).skip(1);
        rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    ["href=\"", "src=\""].iter().flat_map(|attribute| after(attribute)).collect()
}

fn s3(server: &Server) -> Client {
    let sdk = accounts::aws::embedded(&server.aws);
    Client::from_conf(accounts::pictures::configuration(&sdk).build())
}

async fn upload(server: &Server, bytes: &'static [u8]) {
    let put = s3(server).put_object().bucket("latchkey-pictures").key("profile_pics/a/b.png");
    put.body(ByteStream::from_static(bytes)).send().await.unwrap();
}

#[tokio::test]
async fn it_says_where_it_is_and_all_of_it_is_there() {
    let dir = tempdir().unwrap();
    let server = Server::start(&dir.path().join("data")).await;
    assert!(server.ready.starts_with("Latchkey is ready"), "{}", server.ready);
    for part in ["/graphql", "/mailbox"] {
        assert!(server.ready.contains(&format!("{}{part}", server.url)), "{}", server.ready);
    }
    assert_eq!(server.get("/health").await.status, StatusCode::OK);
    for page in ["/", "/graphql", "/graphql/relay", "/mailbox"] {
        let page = server.get(page).await;
        assert_eq!(
            (page.status, page.content_type.as_str()),
            (StatusCode::OK, "text/html; charset=utf-8")
        );
        let (_, head) = page.text.split_once("<head>").unwrap();
        for target in targets(head) {
            let path = target.strip_prefix(&server.url).unwrap_or(&target);
            let is_ours = path.starts_with('/') || path.starts_with(&server.aws);
            assert!(is_ours, "{target} is on another machine");
            let status = match path.strip_prefix(&server.aws) {
                Some(_) => send(Method::GET, path, &[], "").await.status,
                None => server.get(path).await.status,
            };
            assert_eq!(status, StatusCode::OK, "{target}");
        }
    }
    let schema = server.graphql("{ __schema { queryType { name } } }").await;
    assert_eq!(schema["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn it_says_what_it_can_do_and_which_version_it_is() {
    let dir = tempdir().unwrap();
    for (argument, expected) in [
        ("--help", "usage: latchkey"),
        ("--version", concat!("latchkey ", env!("CARGO_PKG_VERSION"))),
    ] {
        let output = run(dir.path(), &[argument], &[]).await;
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with(expected), "{said}");
    }
    let output = run(dir.path(), &["--halp"], &[]).await;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--halp") && said.contains("usage: latchkey"), "{said}");
}

#[tokio::test]
async fn nothing_secret_is_logged_at_any_level() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let data_dir = dir.path().join("data");
    let server = Server::logging_to(log.into(), &data_dir, &[("LOG_LEVEL", "trace")]).await;
    sign_up(&server).await;
    let mails = server.mails().await.to_string();
    let (_, token) = mails.split_once("/activate/").expect("a link in the mail");
    let token = &token[..40];
    log_in(&server).await;
    upload(&server, b"a picture").await;
    server.stop("INT").await;
    let logged = std::fs::read_to_string(&path).unwrap();
    assert!(logged.contains("operation=register"), "{logged}");
    for secret in [PASSWORD, "argon2id", "ann@example.com", token, "eyJ0", "a picture"] {
        assert!(!logged.contains(secret), "{secret} is logged");
    }
}

#[tokio::test]
async fn a_function_beside_it_finds_the_same_secret() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&accounts::aws::embedded(&server.aws));
    let answer = secrets.get_secret_value().secret_id("latchkey-auth-secret").send().await.unwrap();
    let kept = std::fs::read_to_string(dir.path().join("auth-secret")).unwrap();
    assert_eq!(answer.secret_string, Some(kept));
}

#[tokio::test]
async fn ctrl_c_and_sigterm_stop_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let dir = tempdir().unwrap();
        let server = Server::start(dir.path()).await;
        sign_up(&server).await;
        let (last, status) = server.stop(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(last, "Latchkey has stopped.");
    }
}

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_after_sigterm() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let address = server.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let body = json!({ "query": "{ me { id } }" }).to_string();
    let mut request = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request.write_all(head.as_bytes()).await.unwrap();
    // It has taken the head, and waits for the body.
    let mut waits = [0; 25];
    request.read_exact(&mut waits).await.unwrap();
    assert_eq!(&waits, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopped = tokio::spawn(server.stop("TERM"));
    // From then on, it takes no others.
    while tokio::net::TcpStream::connect(&address).await.is_ok() {}
    request.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("{\"data\":{\"me\":null}}"), "{answer}");
    assert_eq!(stopped.await.unwrap().1.code(), Some(0));
}

#[tokio::test]
async fn a_host_of_another_name_is_not_answered_unless_host_is_set() {
    let dir = tempdir().unwrap();
    let ask =
        async |url: String, host: &str| send(Method::GET, &url, &[("host", host)], "").await.status;
    let server = Server::with(dir.path(), &[("BASE_URL", "https://accounts.example")]).await;
    for url in [format!("{}/_aws/ses", server.url), format!("{}/_aws/ses", server.aws)] {
        for (host, expected) in [
            ("evil.example", StatusCode::MISDIRECTED_REQUEST),
            ("localhost.evil.example:3000", StatusCode::MISDIRECTED_REQUEST),
            ("localhost:1", StatusCode::OK),
            ("accounts.example", StatusCode::OK),
        ] {
            assert_eq!(ask(url.clone(), host).await, expected, "{url} {host}");
        }
    }
    let other = tempdir().unwrap();
    let server = Server::with(other.path(), &[("BASE_URL", "https://kontén.example")]).await;
    let as_sent = ask(format!("{}/health", server.url), "xn--kontn-esa.example").await;
    assert_eq!(as_sent, StatusCode::OK);

    let open = tempdir().unwrap();
    let server = Server::with(open.path(), &[("HOST", "127.0.0.1")]).await;
    for url in [format!("{}/_aws/ses", server.url), format!("{}/_aws/ses", server.aws)] {
        assert_eq!(ask(url, "evil.example").await, StatusCode::OK);
    }
}
