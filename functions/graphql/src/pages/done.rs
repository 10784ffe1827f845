//! Pages after a success. A successful form redirects here (`303`, redirect after `POST`), so that a reload in the
//! browser shows the page again, and does not send the form twice.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::PageContext;
use super::message::{Next, message};

/// The path of these pages, after [`super::PageSettings::base_path`].
pub(super) const PATH: &str = "/done/{what}";

/// The operation that succeeded.
#[derive(Clone, Copy)]
pub(super) enum Done {
    AddressConfirmed,
    AddressConfirmedBefore,
    PasswordSet,
    ResetMailed,
    ActivationMailed,
    LinkMailed,
    ChangeStopped,
    AccountDeleted,
    SignedUp,
    LoggedIn,
}

impl Done {
    const ALL: [Self; 10] = [
        Self::AddressConfirmed,
        Self::AddressConfirmedBefore,
        Self::PasswordSet,
        Self::ResetMailed,
        Self::ActivationMailed,
        Self::LinkMailed,
        Self::ChangeStopped,
        Self::AccountDeleted,
        Self::SignedUp,
        Self::LoggedIn,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AddressConfirmed => "address-confirmed",
            Self::AddressConfirmedBefore => "address-confirmed-before",
            Self::PasswordSet => "password-set",
            Self::ResetMailed => "reset-mailed",
            Self::ActivationMailed => "activation-mailed",
            Self::LinkMailed => "link-mailed",
            Self::ChangeStopped => "change-stopped",
            Self::AccountDeleted => "account-deleted",
            Self::SignedUp => "signed-up",
            Self::LoggedIn => "logged-in",
        }
    }

    /// The prefix of the keys of its texts.
    fn about(self) -> &'static str {
        match self {
            Self::AddressConfirmed => "address_confirmed",
            Self::AddressConfirmedBefore => "address_confirmed_before",
            Self::PasswordSet => "password_set",
            Self::ResetMailed => "reset_mailed",
            Self::ActivationMailed => "activation_mailed",
            Self::LinkMailed => "link_mailed",
            Self::ChangeStopped => "change_stopped",
            Self::AccountDeleted => "account_deleted",
            Self::SignedUp => "signed_up",
            Self::LoggedIn => "logged_in",
        }
    }

    fn next(self) -> Next<'static> {
        match self {
            Self::AddressConfirmed
            | Self::AddressConfirmedBefore
            | Self::PasswordSet
            | Self::LoggedIn => Next::App,
            Self::ResetMailed | Self::ChangeStopped => Next::AskForReset,
            Self::ActivationMailed | Self::SignedUp => Next::EnterCode,
            Self::LinkMailed | Self::AccountDeleted => Next::Later,
        }
    }

    /// Redirects the browser to the page.
    pub(super) fn answer(self, site: &PageContext) -> Response {
        site.redirect(&format!("/done/{}", self.name()))
    }
}

/// The page.
pub(super) async fn show(site: PageContext, Path(what): Path<String>) -> Response {
    let done = Done::ALL.into_iter().find(|done| done.name() == what);
    done.map_or_else(
        || message(&site, StatusCode::NOT_FOUND, "not_done", Next::EnterCode),
        |done| message(&site, StatusCode::OK, done.about(), done.next()),
    )
}
