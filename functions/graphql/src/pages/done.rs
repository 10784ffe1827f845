//! What has worked. A form that worked leads here (`303`, redirect after `POST`), so that a browser which
//! loads the page again shows it again, and does not send the form twice.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::Site;
use super::message::{Next, message};

/// The path of the pages that say so, after [`super::PageSettings::base_path`].
pub(super) const PATH: &str = "/done/{what}";

/// What has worked.
#[derive(Clone, Copy)]
pub(super) enum Done {
    AddressConfirmed,
    AddressConfirmedBefore,
    PasswordSet,
    ResetMailed,
    ActivationMailed,
    LinkMailed,
    ChangeStopped,
}

impl Done {
    const ALL: [Self; 7] = [
        Self::AddressConfirmed,
        Self::AddressConfirmedBefore,
        Self::PasswordSet,
        Self::ResetMailed,
        Self::ActivationMailed,
        Self::LinkMailed,
        Self::ChangeStopped,
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
        }
    }

    fn title_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::AddressConfirmed => ("Your address is confirmed", "You can log in now."),
            Self::AddressConfirmedBefore => (
                "Your address was confirmed before",
                "There is nothing left to do. You can log in.",
            ),
            Self::PasswordSet => ("Your password is set", "You can log in with it now."),
            Self::ResetMailed => (
                "Check your email",
                "If there is an account with that address, a mail with a link is on its way. It can take \
                 two minutes. If it does not come, look into your spam folder, or ask for it again.",
            ),
            Self::ActivationMailed => (
                "Check your email",
                "If there is an account with that address that is not confirmed, a mail with a link and a \
                 code is on its way. It can take two minutes. If it does not come, look into your spam \
                 folder, or ask for it again.",
            ),
            Self::LinkMailed => (
                "Check your email",
                "If the link is still needed, a new one is on its way to the address that the old one was \
                 mailed to. It can take two minutes.",
            ),
            Self::ChangeStopped => (
                "Your address stays",
                "The other address does not become yours, and the device on which it was asked for is logged \
                 out. If it was not you, please choose a new password: that logs out all devices.",
            ),
        }
    }

    fn next(self) -> Next<'static> {
        match self {
            Self::AddressConfirmed | Self::AddressConfirmedBefore | Self::PasswordSet => Next::App,
            Self::ResetMailed | Self::ChangeStopped => Next::AskForReset,
            Self::ActivationMailed => Next::EnterCode,
            Self::LinkMailed => Next::Later,
        }
    }

    /// Leads the browser to the page.
    pub(super) fn answer(self, site: &Site) -> Response {
        let page = format!("{}/done/{}", site.settings.base_path, self.name());
        (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
    }
}

/// The page.
pub(super) async fn show(State(site): State<Site>, Path(what): Path<String>) -> Response {
    let done = Done::ALL.into_iter().find(|done| done.name() == what);
    done.map_or_else(
        || {
            let text = ("There is no such page", "Please open the link in the mail once more.");
            message(&site, StatusCode::NOT_FOUND, text, Next::EnterCode)
        },
        |done| message(&site, StatusCode::OK, done.title_and_text(), done.next()),
    )
}
