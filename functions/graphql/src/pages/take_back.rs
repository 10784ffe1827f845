//! The pages behind the links that a first address gets when another one is to take its place: stop that, or take
//! the account back afterwards.

use accounts::accounts::LinkView;
use accounts::error::AuthError;
use accounts::model::code::Purpose;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::done::Done;
use super::message::{Next, message, refused};
use super::{LinkToken, PageSettings, Site, page};

/// What one of the two pages says before its button is pressed.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
}

const CANCEL: Words = Words {
    title: "Keep your address",
    text: "Somebody wants to give your account another address. One click stops that, and logs out the device on \
           which it was asked for.",
    button: "Keep my address",
};
const RESTORE: Words = Words {
    title: "Take your account back",
    text: "Your account was given another address. One click makes this one its only address again, and logs out \
           all devices. Then you choose a new password.",
    button: "Take my account back",
};

#[derive(Template)]
#[template(path = "pages/take_back.html")]
struct TakeBack<'a> {
    settings: &'a PageSettings,
    words: Words,
    link: LinkView,
}

/// `GET` of the mailed link: shows a button, unless it would do nothing.
pub(super) async fn ask_cancel(State(site): State<Site>, token: LinkToken) -> Response {
    ask(&site, &token, CANCEL, Purpose::EmailChangeCancel).await
}

/// The button that stops a change.
pub(super) async fn cancel(State(site): State<Site>, token: LinkToken) -> Response {
    match site.accounts.cancel_email_change(&token.0).await {
        Ok(()) => Done::ChangeStopped.answer(&site),
        Err(error) => not_done(&site, &token, &error),
    }
}

/// `GET` of the mailed link: shows a button, unless it would do nothing.
pub(super) async fn ask_restore(State(site): State<Site>, token: LinkToken) -> Response {
    ask(&site, &token, RESTORE, Purpose::EmailRestore).await
}

/// The button that takes the account back. Leads to the form for a new password: there is no old one any more.
pub(super) async fn restore(State(site): State<Site>, token: LinkToken) -> Response {
    match site.accounts.restore_email(&token.0).await {
        Ok(reset) => {
            let PageSettings { base_path, link_paths, .. } = &*site.settings;
            let page = format!("{base_path}/{}/{reset}", link_paths.password_reset);
            (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
        }
        Err(error) => not_done(&site, &token, &error),
    }
}

async fn ask(site: &Site, token: &LinkToken, words: Words, purpose: Purpose) -> Response {
    match token.view(site, |found| found == purpose).await {
        Ok(link) => page(StatusCode::OK, &TakeBack { settings: &site.settings, words, link }),
        Err(error) => not_done(site, token, &error),
    }
}

/// There is no new link in place of one whose time is over.
fn not_done(site: &Site, token: &LinkToken, error: &AuthError) -> Response {
    if let AuthError::ExpiredToken = error {
        let text = "It was good for a limited time only. If your account is in wrong hands, please choose a new \
                    password: that logs out all devices.";
        message(site, StatusCode::GONE, ("This link is too old", text), Next::AskForReset)
    } else {
        refused(site, token, error, Next::AskForReset)
    }
}
