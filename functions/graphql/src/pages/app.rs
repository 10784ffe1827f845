//! The log-in page of an application, `/login`. It opens a session of the API, sets the cookies of its tokens, and
//! redirects to the application. If the site sets no such cookies, it cannot pass the tokens on. Then it redirects to
//! the account page.

use crate::methods::get;
use accounts::operations::Area;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::Value;

use super::account::AccountPages;
use super::message::{Next, message};
use super::visit::{Pages, Visit, Visitor, open};
use super::{Page, PageContext, by_passkey, enrolment, second_step};
use crate::routes::MakeMethods;

/// The log-in of an application.
pub(super) struct AppPages;

impl Pages for AppPages {
    const AREA: Area = Area::App;
    const ROOT: &'static str = "/login";
    /// None: the cookies are those of the API.
    const SESSION: &'static str = "";
    const DEVICE: &'static str = "";
    const LAYOUT: &'static str = "layout.html";
    const ABOUT: &'static str = "app";
    const DONE: &'static [&'static str] = &[];

    fn without_session(visit: &Visit<Self>) -> Response {
        visit.site.redirect(Self::ROOT)
    }

    fn foreign(visitor: &Visitor<Self>) -> Response {
        message(visitor.site(), StatusCode::FORBIDDEN, "account_foreign", Next::Later)
    }

    fn page(visitor: &Visitor<Self>, status: StatusCode, file: &str, shown: Value) -> Response {
        visitor.site().page(status, file, None, shown)
    }
}

/// The pages.
pub(super) fn routes(are_tokens_in_cookies: bool) -> Vec<Page> {
    if !are_tokens_in_cookies {
        return vec![Page::new("", AppPages::ROOT.to_owned(), || get(to_account))];
    }
    let own: [(&str, MakeMethods); 8] = [
        ("", || get(show)),
        ("/log-in", || get(show).post(open::<AppPages>)),
        (second_step::PATH, || get(show).post(second_step::complete::<AppPages>)),
        (by_passkey::PATH, || get(show).post(by_passkey::open::<AppPages>)),
        (by_passkey::OPTIONS_PATH, || get(show).post(by_passkey::options::<AppPages>)),
        (by_passkey::STEP_PATH, || get(show).post(by_passkey::complete::<AppPages>)),
        (enrolment::APP_PATH, || get(show).post(enrolment::add_app::<AppPages>)),
        (enrolment::PASSKEY_PATH, || get(show).post(enrolment::add_passkey::<AppPages>)),
    ];
    own.map(|(path, to)| Page::new("", format!("{}{path}", AppPages::ROOT), to)).into()
}

/// The form.
async fn show(visit: Visit<AppPages>) -> Response {
    visit.log_in_form(StatusCode::OK, None, "")
}

async fn to_account(site: PageContext) -> Response {
    site.redirect(AccountPages::ROOT)
}
