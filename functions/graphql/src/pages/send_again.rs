//! The button on the page of an expired link: it mails another one.

use accounts::error::AuthError;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::done::Done;
use super::message::{Next, message, refused};
use super::{LinkToken, PageContext};
use crate::caller::client;

/// `GET`, for a reader who returns to the page: shows the button.
pub(super) async fn ask(site: PageContext, token: LinkToken) -> Response {
    if site.accounts.is_link_of_ours(&token.0) {
        message(&site, StatusCode::OK, "send_again", Next::SendAgain(&token))
    } else {
        refused(&site, &token, &AuthError::InvalidToken, Next::AskForReset)
    }
}

/// The button. The answer is the same if the account does not need the link any more.
pub(super) async fn send(site: PageContext, token: LinkToken, request: Parts) -> Response {
    match site.accounts.send_again(&token.0, &client(&request)).await {
        Ok(()) => Done::LinkMailed.answer(&site),
        Err(error) => refused(&site, &token, &error, Next::AskForReset),
    }
}
