//! The account pages. Each works without JavaScript, and a `GET` of any of them changes nothing: mail
//! scanners follow links.

pub(crate) mod activate;
pub(crate) mod choose_password;

use accounts::error::{AuthError, Report};
use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};

use crate::App;

/// Nothing but our own style, no script, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// What the pages show.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// What users know the site as.
    pub site_name: String,
    /// Where they go on to.
    pub app_url: Option<String>,
}

/// The pages' only style sheet.
pub(crate) async fn style() -> Response {
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("style.css")).into_response()
}

#[derive(Template)]
#[template(path = "pages/message.html")]
struct Message<'a> {
    settings: &'a PageSettings,
    title: &'a str,
    text: &'a str,
}

/// A page that says one thing.
fn message(app: &App, status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { settings: &app.settings.pages, title, text })
}

/// The page of a link that did not do what it is for.
fn refused(app: &App, error: &AuthError) -> Response {
    let (status, title, text) = match error {
        AuthError::ExpiredToken => {
            (StatusCode::GONE, "This link is too old", "Please ask for a new one.")
        }
        AuthError::PasswordAlreadySet => (
            StatusCode::BAD_REQUEST,
            "Your password was set before",
            "This link sets the first password only. Log in with the password that you have, or ask \
             for a mail to choose another.",
        ),
        AuthError::EmailTaken => (
            StatusCode::CONFLICT,
            "This address is taken",
            "Somebody has made it the address of an account since the mail was sent. Your account is \
             as it was.",
        ),
        AuthError::Unavailable(_) => {
            tracing::error!(error = %Report(error), "a dependency failed");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "That did not work",
                "Nothing is lost. Please try again in a minute.",
            )
        }
        AuthError::Invalid(_)
        | AuthError::InvalidCredentials
        | AuthError::Unauthenticated
        | AuthError::InvalidPassword
        | AuthError::SecondaryEmailRequired
        | AuthError::NotFound
        | AuthError::NotVerified
        | AuthError::AlreadyVerified
        | AuthError::InvalidToken
        | AuthError::InvalidCode
        | AuthError::ExpiredCode
        | AuthError::TooManyAttempts
        | AuthError::BadPage(_)
        | AuthError::PicturesOff => (
            StatusCode::BAD_REQUEST,
            "This link is not valid",
            "It was used before, or is not whole. Please copy the address from the mail once more, \
             or ask for a new mail.",
        ),
    };
    message(app, status, title, text)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
