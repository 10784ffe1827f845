//! The program that `cargo run` starts, from the outside.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "the tests of the commands use the rest")]
mod server;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use axum::http::{Method, StatusCode};
use base64::Engine;
use serde_json::{Value, json};
use server::{Server, fail_to_start, run, send};
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
async fn a_mail_is_shown_and_its_link_leads_to_the_button_that_verifies() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let empty = server.get("/mailbox").await;
    assert!(empty.text.contains("No mail yet"), "{}", empty.text);
    sign_up(&server).await;
    server.mails().await;
    let page = server.get("/mailbox").await;
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    assert!(page.text.contains("Activate your account on Latchkey"), "{}", page.text);
    let start = format!("<a href=\"{}", server.url);
    let (_, rest) = page.text.split_once(&start).expect("a link that can be clicked");
    let (path, _) = rest.split_once('"').unwrap();
    assert!(path.starts_with("/activate/"), "{path}");

    assert!(server.get(path).await.text.contains("<button>"));
    let errors = log_in(&server).await["errors"].clone();
    assert_eq!(errors["nonFieldErrors"][0]["code"], "not_verified");
    let pressed = send(Method::POST, &format!("{}{path}", server.url), &[], "").await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER, "{}", pressed.text);
    let done = server.get("/done/address-confirmed").await;
    assert!(done.text.contains("Your address is confirmed"), "{}", done.text);
    assert_eq!(log_in(&server).await["success"], true);
}

#[tokio::test]
async fn sent_mail_is_listed_and_emptied_at_either_port() {
    let dir = tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    sign_up(&server).await;
    let mails = server.mails().await;
    let mail = &mails[0];
    assert_eq!(mail["Destination"]["ToAddresses"], json!(["ann@example.com"]));
    assert_eq!(mail["Source"], "\"Latchkey\" <accounts@latchkey.example>");
    assert_eq!(mail["Subject"], "Activate your account on Latchkey");
    assert!(mail["Id"].is_string() && mail["Timestamp"].is_string(), "{mail}");
    let text = mail["Body"]["text_part"].as_str().unwrap();
    assert!(text.contains(&format!("{}/activate/", server.url)), "{text}");
    assert!(mail["Body"]["html_part"].as_str().unwrap().contains("<html"), "{mail}");

    let urls = [&server.url, &server.aws].map(|url| format!("{url}/_aws/ses"));
    for url in &urls {
        assert_eq!(send(Method::GET, url, &[], "").await.json()["messages"], mails);
    }
    assert!(send(Method::DELETE, &urls[0], &[], "").await.status.is_success());
    for url in &urls {
        assert_eq!(send(Method::GET, url, &[], "").await.json(), json!({ "messages": [] }));
    }
    assert!(send(Method::DELETE, &urls[1], &[], "").await.status.is_success());
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

/// One line, which says all that `parts` do.
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
        let told = format!("set {setting}");
        assert_cannot_start(dir.path(), &[(setting, &port)], &[&port, &told]).await;
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

#[tokio::test]
async fn the_command_prints_what_a_hasura_needs() {
    let dir = tempdir().unwrap();
    let printed = async |settings: &[(&str, &str)]| -> Value {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let by_keys = printed(&[("BASE_URL", "https://accounts.example")]).await;
    let issuer = "https://accounts.example";
    let jwk_url = format!("{issuer}/.well-known/jwks.json");
    assert_eq!(by_keys, json!({ "jwk_url": jwk_url, "issuer": issuer, "audience": "latchkey" }));

    // The warning is apart from the JSON, which scripts read.
    for (settings, is_warned) in [(&[][..], true), (&[("JWT_ALGORITHM", "ES256")], false)] {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line.contains("set JWT_ALGORITHM=ES256"), is_warned, "{line}");
    }

    // A key of a secret that the command made up would fit no deployment.
    let hs256 = ("JWT_ALGORITHM", "HS256");
    for settings in [&[hs256][..], &[hs256, ("DATA_DIR", ":memory:")]] {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(line.contains("AUTH_SECRET") && line.contains("DATA_DIR"), "{line}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it leaves no file behind");
    let given =
        printed(&[hs256, ("AUTH_SECRET", "a secret that has more than 32 bytes in it")]).await;
    assert_eq!(given["key"].as_str().map(str::len), Some(43));

    // The secret is kept in the data folder, so the key is the one that the product signs with.
    Server::start(dir.path()).await.stop("INT").await;
    let shared = printed(&[hs256]).await;
    assert_eq!(shared["type"], "HS256");
    assert_eq!(shared["key"].as_str().map(str::len), Some(43));
    assert_ne!(shared["key"], given["key"]);

    let output = run(dir.path(), &["hasura"], &[]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_start_with_a_hasura_warns_once_of_tokens_that_it_may_refuse() {
    let secret = ("HASURA_ACTION_SECRET", "a secret of Hasura");
    let cases: [(&[(&str, &str)], usize); 4] = [
        (&[], 0),
        (&[secret], 1),
        (&[("HASURA_ROTATE_REFRESH", "true")], 1),
        (&[secret, ("JWT_ALGORITHM", "ES256")], 0),
    ];
    for (settings, warnings) in cases {
        let dir = tempdir().unwrap();
        let path = dir.path().join("log");
        let log = std::fs::File::create(&path).unwrap();
        Server::logging_to(log.into(), &dir.path().join("data"), settings).await.stop("INT").await;
        let log = std::fs::read_to_string(&path).unwrap();
        assert_eq!(log.matches("set JWT_ALGORITHM=ES256").count(), warnings, "{settings:?}: {log}");
    }
}

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

/// Takes one request with a body, answers with that status, and returns its head and its body.
async fn take(listener: &tokio::net::TcpListener, status: &str) -> (String, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").parse::<usize>().unwrap();
        if body.len() >= length {
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            return (head.to_owned(), body.to_owned());
        }
    }
}

fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_webhook_gets_each_event_signed_and_a_refused_one_again_in_order() {
    let dir = tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let settings = [
        ("WEBHOOK_URL", url.as_str()),
        ("WEBHOOK_SECRET", secret),
        ("EVENTS_LOG_INS", "on"),
        ("ALLOW_LOGIN_NOT_VERIFIED", "true"),
    ];
    let server = Server::with(&dir.path().join("data"), &settings).await;
    sign_up(&server).await;
    log_in(&server).await;
    // The webhook has taken no event yet, but the mail goes out.
    server.mails().await;
    let mut taken = Vec::new();
    for status in ["500 Internal Server Error", "204 No Content", "204 No Content"] {
        let (head, body) = take(&listener, status).await;
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(header(&head, "webhook-id"), event["id"]);
        let signed = format!(
            "{}.{}.{body}",
            header(&head, "webhook-id"),
            header(&head, "webhook-timestamp")
        );
        let key = base64::engine::general_purpose::STANDARD.decode(&secret[6..]).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let signature = header(&head, "webhook-signature");
        let tag = signature.strip_prefix("v1,").unwrap();
        let tag = base64::engine::general_purpose::STANDARD.decode(tag).unwrap();
        aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
        taken.push(event);
    }
    assert_eq!(taken[0], taken[1]);
    let types: Vec<_> = taken.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["user.created", "user.created", "session.created"]);
    let published = server.get("/_aws/events").await.json();
    let published = published["events"].as_array().unwrap().iter();
    let details: Vec<_> = published.map(|event| event["detail"].clone()).collect();
    assert_eq!(details, taken[1..]);
    server.stop("INT").await;
}

#[tokio::test]
async fn a_webhook_without_a_secret_stops_the_start_and_the_secret_is_not_shown() {
    let dir = tempdir().unwrap();
    for secret in ["", "whsec_aHVudGVyMg=="] {
        let settings = [("WEBHOOK_URL", "http://localhost:1/hooks"), ("WEBHOOK_SECRET", secret)];
        let output = fail_to_start(dir.path(), &settings).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains("WEBHOOK_SECRET"), "{error}");
        assert!(!error.contains("aHVudGVyMg"), "{error}");
    }
}
