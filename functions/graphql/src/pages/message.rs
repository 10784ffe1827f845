//! Pages with one message and the next step.

use std::num::NonZeroU32;

use accounts::error::{AuthError, Limited, Refusal};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::work::Challenge;
use super::{LinkToken, PageContext};
use crate::graphql_error::log_unavailable;

/// The next step.
#[derive(Clone, Copy)]
pub(super) enum Next<'a> {
    /// In the application, if the pages know where it is.
    App,
    /// With a button that mails another link in place of that one.
    SendAgain(&'a LinkToken),
    /// With another mail to an address that the reader types.
    AskForReset,
    /// With the code of the same mail.
    EnterCode,
    /// In the application, with a code, or with another mail.
    Anywhere,
    /// With another mail for a log-in.
    LogInMail,
    /// Later.
    Later,
}

impl Next<'_> {
    /// Its name in the template.
    fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::SendAgain(_) => "send_again",
            Self::AskForReset => "ask_for_reset",
            Self::EnterCode => "enter_code",
            Self::Anywhere => "anywhere",
            Self::LogInMail => "log_in_mail",
            Self::Later => "later",
        }
    }
}

/// A page with one message. The keys of its title and its text begin with `about`.
pub(super) fn message(
    site: &PageContext,
    status: StatusCode,
    about: &str,
    next: Next<'_>,
) -> Response {
    let token = if let Next::SendAgain(token) = next { &token.0 } else { "" };
    let shown = context! { about, token, next => next.name() };
    site.page(status, "message.html", None, shown)
}

/// The page of a link that failed. If the link is not valid, `otherwise` is the next step.
pub(super) fn refused(
    site: &PageContext,
    token: &LinkToken,
    error: &AuthError,
    otherwise: Next<'_>,
) -> Response {
    match error {
        AuthError::ExpiredToken => too_old(site, token),
        AuthError::Refused(Refusal::PasswordAlreadySet) => {
            message(site, StatusCode::BAD_REQUEST, "set_before", Next::AskForReset)
        }
        AuthError::Refused(Refusal::EmailTaken) => {
            message(site, StatusCode::CONFLICT, "taken", Next::App)
        }
        AuthError::Throttled { retry_after, challenge, limited } => {
            throttled(site, *limited, *retry_after, challenge.clone())
        }
        AuthError::Unavailable(_) => unavailable(site, error),
        AuthError::Invalid(_)
        | AuthError::InvalidCredentials
        | AuthError::Unauthenticated
        | AuthError::InvalidPassword
        | AuthError::ReauthenticationRequired
        | AuthError::SecondFactorRequired { .. }
        | AuthError::SecondFactorSetupRequired { .. }
        | AuthError::StepUpRequired
        | AuthError::Refused(_)
        | AuthError::NotFound
        | AuthError::PermissionDenied
        | AuthError::NotVerified
        | AuthError::InvalidToken
        | AuthError::BadPage(_) => message(site, StatusCode::BAD_REQUEST, "invalid", otherwise),
    }
}

/// The page of an expired link.
fn too_old(site: &PageContext, token: &LinkToken) -> Response {
    message(site, StatusCode::GONE, "too_old", Next::SendAgain(token))
}

/// The page for a throttled request. If the error has a proof-of-work challenge, another page replaces it.
fn throttled(
    site: &PageContext,
    limited: Limited,
    retry_after: NonZeroU32,
    challenge: Option<String>,
) -> Response {
    let about = match limited {
        Limited::Codes => "too_many_codes",
        Limited::SecondFactor => "too_many_factor_codes",
        Limited::Guesses | Limited::Network | Limited::Requests => "throttled",
    };
    let page = message(site, StatusCode::TOO_MANY_REQUESTS, about, Next::Later);
    let mut page = ([(RETRY_AFTER, retry_after.to_string())], page).into_response();
    if let Some(challenge) = challenge {
        page.extensions_mut().insert(Challenge { challenge, site: site.clone() });
    }
    page
}

/// The page for a service that does not answer.
pub(super) fn unavailable(site: &PageContext, error: &AuthError) -> Response {
    log_unavailable(error);
    message(site, StatusCode::SERVICE_UNAVAILABLE, "unavailable", Next::Later)
}
