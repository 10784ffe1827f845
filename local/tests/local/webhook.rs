//! The webhook of events.

use base64::Engine;
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{Server, fail_to_start};
use crate::{log_in, sign_up};

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
