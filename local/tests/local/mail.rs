//! The mailbox.

use axum::http::{Method, StatusCode};
use serde_json::json;
use tempfile::tempdir;

use crate::server::{Server, send};
use crate::{log_in, sign_up};

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
