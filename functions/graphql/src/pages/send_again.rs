//! The button of a link whose time is over: mails another one.

use accounts::error::AuthError;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::done::Done;
use super::message::{Next, message, refused};
use super::{LinkToken, Site};
use crate::caller::client;

/// `GET`, by somebody who comes back to the page: shows the button.
pub(super) async fn ask(State(site): State<Site>, token: LinkToken) -> Response {
    let text = ("Send a new link", "It goes to the address that the one before was mailed to.");
    if site.accounts.is_link_of_ours(&token.0) {
        message(&site, StatusCode::OK, text, Next::SendAgain(&token))
    } else {
        refused(&site, &token, &AuthError::InvalidToken, Next::AskForReset)
    }
}

/// The button. Answers alike whether or not the account still needs the link.
pub(super) async fn send(State(site): State<Site>, token: LinkToken, request: Parts) -> Response {
    match site.accounts.send_again(&token.0, &client(&request)).await {
        Ok(()) => Done::LinkMailed.answer(&site),
        Err(error) => refused(&site, &token, &error, Next::AskForReset),
    }
}
