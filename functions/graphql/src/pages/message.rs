//! Pages that say one thing, and how to go on.

use accounts::error::{AuthError, Report};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::{LinkToken, PageSettings, Site, page};

#[derive(Template)]
#[template(path = "pages/message.html")]
struct Message<'a> {
    settings: &'a PageSettings,
    title: &'a str,
    text: &'a str,
    next: Next<'a>,
}

/// How to go on.
#[derive(Clone, Copy)]
pub(super) enum Next<'a> {
    /// In the application, if the pages know where it is.
    App,
    /// With a button that mails another link in place of that one.
    SendAgain(&'a LinkToken),
    /// With another mail, for whoever says an address.
    AskForReset,
    /// With the code of the same mail.
    EnterCode,
    /// In the application, with a code, or with another mail.
    Anywhere,
    /// Later.
    Later,
}

/// A page that says one thing.
pub(super) fn message(
    site: &Site,
    status: StatusCode,
    (title, text): (&str, &str),
    next: Next<'_>,
) -> Response {
    page(status, &Message { settings: &site.settings, title, text, next })
}

/// The page of a link that did not do what it is for. If it is not valid, `otherwise` is how to go on.
pub(super) fn refused(
    site: &Site,
    token: &LinkToken,
    error: &AuthError,
    otherwise: Next<'_>,
) -> Response {
    match error {
        AuthError::ExpiredToken => too_old(site, token),
        AuthError::PasswordAlreadySet => message(
            site,
            StatusCode::BAD_REQUEST,
            (
                "Your password was set before",
                "This link sets the first password only. Log in with the password that you have, or \
                 ask for a mail to choose another.",
            ),
            Next::AskForReset,
        ),
        AuthError::EmailTaken => message(
            site,
            StatusCode::CONFLICT,
            (
                "This address is taken",
                "Somebody has made it the address of an account since the mail was sent. Your account \
                 is as it was.",
            ),
            Next::App,
        ),
        AuthError::Unavailable(_) => unavailable(site, error),
        AuthError::Invalid(_)
        | AuthError::InvalidCredentials
        | AuthError::Unauthenticated
        | AuthError::InvalidPassword
        | AuthError::ReauthenticationRequired
        | AuthError::SecondaryEmailRequired
        | AuthError::LastOfStaff
        | AuthError::NotFound
        | AuthError::NotVerified
        | AuthError::AlreadyVerified
        | AuthError::InvalidToken
        | AuthError::InvalidCode
        | AuthError::ExpiredCode
        | AuthError::TooManyAttempts
        | AuthError::BadPage(_)
        | AuthError::PicturesOff => message(
            site,
            StatusCode::BAD_REQUEST,
            (
                "This link is not valid",
                "It was used before, or is incomplete. Copy the whole address from the mail once more, or \
                 ask for a new mail.",
            ),
            otherwise,
        ),
    }
}

/// The page of a link whose time is over.
fn too_old(site: &Site, token: &LinkToken) -> Response {
    let text = "Links in mails are good for a limited time only. We can send you a new one.";
    message(site, StatusCode::GONE, ("This link is too old", text), Next::SendAgain(token))
}

/// The page of when something that we depend on does not answer.
pub(super) fn unavailable(site: &Site, error: &AuthError) -> Response {
    tracing::error!(error = %Report(error), "a dependency failed");
    let text = ("That did not work", "Nothing is lost. Please try again in a minute.");
    message(site, StatusCode::SERVICE_UNAVAILABLE, text, Next::Later)
}
