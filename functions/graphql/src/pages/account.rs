//! The pages of the user's own account: its settings, its sessions, its second factors, its recent events, and its
//! personal data as a file. They work without JavaScript. A `GET` changes nothing; each change is a `POST` with the
//! token of its form, from a page of this site.

use std::convert::identity;

use crate::methods::get;
use accounts::error::AuthError;
use accounts::model::{PlainPassword, SessionId};
use accounts::operations::Area;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Json, Response};
use minijinja::{Value, context};
use serde::Deserialize;

use super::events::{FEW, MANY, before, events, session, time};
use super::message::{Next, message, refused, unavailable};
use super::sent::Sent;
use super::visit::{Pages, Visit, Visitor, close, open};
use super::{
    FormBody, LinkToken, Page, by_passkey, changes, enrolment, passkeys, picture, second_factor,
    second_step,
};
use crate::routes::MakeMethods;

/// The pages of the own account.
pub(super) struct AccountPages;

/// A request of a user who has logged in.
pub(super) type Owner = Visitor<AccountPages>;

impl Pages for AccountPages {
    const AREA: Area = Area::Account;
    const ROOT: &'static str = "/account";
    const SESSION: &'static str = "latchkey-account";
    const DEVICE: &'static str = "latchkey-account-device";
    const LAYOUT: &'static str = "layout.html";
    const ABOUT: &'static str = "account";
    const DONE: &'static [&'static str] = &[
        "session-ended",
        "sessions-ended",
        "factor-added",
        "factor-removed",
        "factor-kept",
        "codes-replaced",
        "trust-ended",
        "trusts-ended",
        "profile-changed",
        "email-asked",
        "emails-swapped",
        "second-email-removed",
        "picture-changed",
        "picture-removed",
        "passkey-added",
        "passkey-renamed",
        "passkey-removed",
    ];

    fn without_session(visit: &Visit<Self>) -> Response {
        visit.site.redirect(Self::ROOT)
    }

    fn foreign(owner: &Owner) -> Response {
        message(owner.site(), StatusCode::FORBIDDEN, "account_foreign", Next::Later)
    }

    fn page(owner: &Owner, status: StatusCode, file: &str, shown: Value) -> Response {
        let user = &owner.caller.user;
        let of_all = context! {
            csrf => &owner.csrf,
            own_name => &user.username,
            own_email => &user.email,
            own_secondary_email => &user.secondary_email,
            is_verified => user.is_verified,
            has_second_factor => user.has_second_factor,
            factor_due => owner.site().accounts.second_factor_due(&owner.caller).map(time),
            keeps_pictures => owner.site().accounts.keeps_pictures(),
            has_passkeys => owner.site().accounts.has_passkeys(),
            done => owner.visit.done.map(|done| done.replace('-', "_")),
            root => format!("{}{}", owner.site().settings.base_path, AccountPages::ROOT),
        };
        owner.site().page(status, file, None, context! { ..shown, ..of_all })
    }
}

/// The pages.
pub(super) fn routes() -> Vec<Page> {
    let own: [(&str, MakeMethods); 13] = [
        ("", || get(show)),
        ("/log-in", || get(show).post(open::<AccountPages>)),
        (second_step::PATH, || get(show).post(second_step::complete::<AccountPages>)),
        (by_passkey::PATH, || get(show).post(by_passkey::open::<AccountPages>)),
        (by_passkey::OPTIONS_PATH, || get(show).post(by_passkey::options::<AccountPages>)),
        (by_passkey::STEP_PATH, || get(show).post(by_passkey::complete::<AccountPages>)),
        (enrolment::APP_PATH, || get(show).post(enrolment::add_app::<AccountPages>)),
        (enrolment::PASSKEY_PATH, || get(show).post(enrolment::add_passkey::<AccountPages>)),
        ("/log-out", || get(show).post(close::<AccountPages>)),
        ("/activity", || get(activity)),
        ("/data", || get(show).post(download)),
        ("/end-session", || get(show).post(end_session)),
        ("/end-other-sessions", || get(show).post(end_other_sessions)),
    ];
    let route = |(path, to): (&str, MakeMethods)| {
        Page::new("", format!("{}{path}", AccountPages::ROOT), to)
    };
    let own = own.into_iter().chain([picture::remove_route()]);
    let factors = second_factor::routes().into_iter().chain(passkeys::routes());
    own.chain(factors).chain(changes::routes()).map(route).collect()
}

/// The page with a form that is too large for [`super::work::require_work`], and needs no proof of work.
pub(super) fn picture_route() -> Page {
    let (path, to) = picture::route();
    Page { finish: identity, ..Page::new("", format!("{}{path}", AccountPages::ROOT), to) }
}

impl Owner {
    pub(super) fn page(&self, status: StatusCode, file: &str, shown: Value) -> Response {
        AccountPages::page(self, status, file, shown)
    }

    /// Whether a change that needs a proof now needs a proof of the second factor.
    pub(super) fn needs_code(&self) -> bool {
        let (user, session) = (&self.caller.user, &self.caller.session);
        user.has_second_factor && !session.has_recent_second_factor(self.site().accounts.now())
    }

    /// The account. `wrong` is the key of the text about the password of a download.
    async fn account(&self, wrong: Option<&str>) -> Response {
        let (accounts, caller) = (&self.site().accounts, &self.caller);
        let found = tokio::try_join!(
            accounts.sessions(caller),
            accounts.recent_activity(caller, None, FEW)
        );
        let (sessions, trail) = match found {
            Ok(found) => found,
            Err(error) => return unavailable(self.site(), &error),
        };
        let own = caller.session.id;
        let shown = context! {
            needs_code => self.needs_code(),
            password_error => wrong,
            is_wrong => wrong.is_some(),
            has_others => sessions.iter().any(|session| session.id != own),
            sessions => sessions.iter().map(|one| session(one, own)).collect::<Vec<_>>(),
            ..events(&trail)
        };
        let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.page(status, "account.html", shown)
    }
}

/// The account, or the form that opens a session.
pub(super) async fn show(visit: Visit<AccountPages>) -> Response {
    if visit.token.is_none() {
        return visit.log_in_form(StatusCode::OK, None, "");
    }
    match visit.visitor().await {
        Ok(owner) => owner.account(None).await,
        Err(answer) => answer,
    }
}

/// The events of the account, page by page.
async fn activity(owner: Owner, request: Parts) -> Response {
    let accounts = &owner.site().accounts;
    match accounts.recent_activity(&owner.caller, before(&request), MANY).await {
        Ok(trail) => owner.page(StatusCode::OK, "account_activity.html", events(&trail)),
        Err(error) => unavailable(owner.site(), &error),
    }
}

/// The personal data of the user, as a file.
async fn download(sent: Sent<AccountPages>) -> Response {
    let owner = &sent.visitor;
    let password = PlainPassword::new(sent.field("password"));
    match owner.site().accounts.export_account(&owner.caller, password).await {
        Ok(data) => {
            let file = "attachment; filename=\"personal-data.json\"";
            ([(CONTENT_DISPOSITION, file)], Json(data)).into_response()
        }
        Err(AuthError::InvalidPassword) => owner.account(Some("console_password_wrong")).await,
        Err(AuthError::NotVerified) => owner.account(Some("account_log_in_unverified")).await,
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        Err(error) => refused(owner.site(), &LinkToken(String::new()), &error, Next::Anywhere),
    }
}

/// The fields of the forms that end sessions.
#[derive(Deserialize)]
struct EndForm {
    csrf: String,
    #[serde(default)]
    session: String,
}

/// Ends one session. Succeeds also if the session has already ended.
async fn end_session(owner: Owner, FormBody(given): FormBody<EndForm>) -> Response {
    let Some(given) = given.filter(|given| owner.sent(&given.csrf)) else {
        return AccountPages::foreign(&owner);
    };
    let ended = match given.session.parse::<SessionId>() {
        Ok(id) => owner.site().accounts.end_session(&owner.caller, id).await,
        Err(_) => Ok(()),
    };
    match ended {
        Ok(()) | Err(AuthError::NotFound) => owner.redirect("?done=session-ended"),
        Err(error) => unavailable(owner.site(), &error),
    }
}

/// Ends all sessions but this one.
async fn end_other_sessions(owner: Owner, FormBody(given): FormBody<EndForm>) -> Response {
    if !given.is_some_and(|given| owner.sent(&given.csrf)) {
        return AccountPages::foreign(&owner);
    }
    match owner.site().accounts.end_other_sessions(&owner.caller).await {
        Ok(()) => owner.redirect("?done=sessions-ended"),
        Err(AuthError::Unauthenticated) => owner.redirect(""),
        Err(error) => unavailable(owner.site(), &error),
    }
}
