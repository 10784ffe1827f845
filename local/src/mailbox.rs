//! The mails that were sent, for a person to read and for scripts.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use embedded::{EventBus, Mailbox, Message};

use crate::page::show;

/// How many mails the page shows, the newest first.
const SHOWN: usize = 50;
/// A mail runs no script, loads nothing but pictures, and its links open in windows of their own.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; \
                           frame-ancestors 'self'; sandbox allow-same-origin allow-popups \
                           allow-popups-to-escape-sandbox";

/// `/_aws/events`: the events that were published.
pub(crate) fn events(bus: EventBus) -> Router {
    Router::new().route("/_aws/events", get(published).delete(published)).with_state(bus)
}

async fn published(State(bus): State<EventBus>, method: Method, uri: Uri) -> Response {
    embedded::published(&bus, &method, &uri).into_response()
}

/// `/mailbox`, and `/_aws/ses` in LocalStack's shape.
pub(crate) fn router(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/mailbox", get(read).post(clear_and_read))
        .route("/mailbox/newest", get(newest))
        .route("/mailbox/{id}", get(read_one))
        .route("/_aws/ses", get(sent).delete(sent))
        .with_state(mailbox)
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct Page {
    newest: String,
    mails: Vec<Mail>,
    older: usize,
}

/// A mail as the page shows it.
struct Mail {
    id: String,
    subject: String,
    from: String,
    to: String,
    time: String,
    has_html: bool,
    text: Vec<Piece>,
}

/// Text between links, or a link.
struct Piece {
    text: String,
    is_link: bool,
}

impl From<Message> for Mail {
    fn from(message: Message) -> Self {
        Self {
            text: pieces(message.text.as_deref().unwrap_or_default()),
            to: message.to.join(", "),
            from: message.source,
            time: message.timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            has_html: message.html.is_some(),
            id: message.id,
            subject: message.subject,
        }
    }
}

async fn read(State(mailbox): State<Mailbox>) -> Response {
    let messages = mailbox.messages();
    let older = messages.len().saturating_sub(SHOWN);
    let newest = name_of_newest(&messages);
    let mails = messages.into_iter().rev().take(SHOWN).map(Mail::from).collect();
    show(&Page { newest, mails, older })
}

/// A text that changes when a mail arrives or all are deleted: the page asks for it, and reloads after a change.
async fn newest(State(mailbox): State<Mailbox>) -> String {
    name_of_newest(&mailbox.messages())
}

fn name_of_newest(messages: &[Message]) -> String {
    messages.last().map_or_else(String::new, |newest| newest.id.clone())
}

/// The HTML part of a mail, as a mail program shows it.
async fn read_one(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    let message = mailbox.messages().into_iter().find(|message| message.id == id);
    match message.and_then(|message| message.html) {
        Some(html) => {
            let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
            ([(CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(html)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such mail.").into_response(),
    }
}

async fn clear_and_read(State(mailbox): State<Mailbox>) -> Redirect {
    mailbox.clear();
    Redirect::to("/mailbox")
}

async fn sent(State(mailbox): State<Mailbox>, method: Method, uri: Uri) -> Response {
    embedded::sent(&mailbox, &method, &uri).into_response()
}

/// Splits text so that its links can be clicked.
fn pieces(text: &str) -> Vec<Piece> {
    let is_url = |word: &str| word.starts_with("http://") || word.starts_with("https://");
    text.split_inclusive(char::is_whitespace)
        .flat_map(|word| {
            let link = word.trim_end();
            let (link, rest) = if is_url(link) { word.split_at(link.len()) } else { ("", word) };
            [
                Piece { text: link.to_owned(), is_link: true },
                Piece { text: rest.to_owned(), is_link: false },
            ]
        })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}
