//! The mails that were sent, for a person to read and for scripts.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use embedded::{Mailbox, Message};

/// `/mailbox`, and `/_aws/ses` in LocalStack's shape.
pub(crate) fn router(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/mailbox", get(read).post(clear_and_read))
        .route("/_aws/ses", get(sent).delete(sent))
        .with_state(mailbox)
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct Page {
    mails: Vec<Mail>,
}

/// A mail as the page shows it.
struct Mail {
    subject: String,
    from: String,
    to: String,
    time: String,
    html: Option<String>,
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
            html: message.html,
            subject: message.subject,
        }
    }
}

async fn read(State(mailbox): State<Mailbox>) -> Response {
    let page = Page { mails: mailbox.messages().into_iter().rev().map(Mail::from).collect() };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
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
