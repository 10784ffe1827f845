//! The pages behind the links that the first address gets when the user replaces it: one stops the change, and one
//! gives the account back afterwards.

use accounts::error::AuthError;
use accounts::model::Purpose;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;

use super::done::Done;
use super::message::{Next, message, refused};
use super::{LinkToken, PageContext};

/// The prefix of the keys of the texts of one of the two pages.
const CANCEL: &str = "cancel";
const RESTORE: &str = "restore";

/// `GET` of the mailed link: shows a button, unless it would do nothing.
pub(super) async fn ask_cancel(site: PageContext, token: LinkToken) -> Response {
    ask(&site, &token, CANCEL, Purpose::EmailChangeCancel).await
}

/// The button that stops a change.
pub(super) async fn cancel(site: PageContext, token: LinkToken) -> Response {
    match site.accounts.cancel_email_change(&token.0).await {
        Ok(()) => Done::ChangeStopped.answer(&site),
        Err(error) => not_done(&site, &token, &error),
    }
}

/// `GET` of the mailed link: shows a button, unless it would do nothing.
pub(super) async fn ask_restore(site: PageContext, token: LinkToken) -> Response {
    ask(&site, &token, RESTORE, Purpose::EmailRestore).await
}

/// The button that takes the account back. Leads to the form for a new password, because the old password is deleted.
pub(super) async fn restore(site: PageContext, token: LinkToken) -> Response {
    match site.accounts.restore_email(&token.0).await {
        Ok(reset) => {
            site.redirect(&format!("/{}/{reset}", site.settings.link_paths.password_reset))
        }
        Err(error) => not_done(&site, &token, &error),
    }
}

async fn ask(site: &PageContext, token: &LinkToken, about: &str, purpose: Purpose) -> Response {
    match token.view(site, |found| found == purpose).await {
        Ok(link) => site.page(StatusCode::OK, "take_back.html", Some(&link), context! { about }),
        Err(error) => not_done(site, token, &error),
    }
}

/// No page can replace an expired link of this kind.
fn not_done(site: &PageContext, token: &LinkToken, error: &AuthError) -> Response {
    if let AuthError::ExpiredToken = error {
        message(site, StatusCode::GONE, "take_back_too_old", Next::AskForReset)
    } else {
        refused(site, token, error, Next::AskForReset)
    }
}
