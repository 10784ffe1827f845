//! Sessions of the pages: their cookies, their log-in form, and the requests of a user who has logged in.

use std::marker::PhantomData;
use std::sync::Arc;

use accounts::crypto::{Devices, PageTokens};
use accounts::error::AuthError;
use accounts::model::log_in::LOG_IN_LIFETIME;
use accounts::model::session::PAGE_ABSOLUTE;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Area, Caller, PageSession, SessionTokens, TokenPair};
use accounts::policy::LOG_IN_PATH;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};
use serde::Deserialize;

use super::by_passkey::with_script;
use super::done::Done;
use super::message::{Next, message, refused, unavailable};
use super::reader::PageLanguage;
use super::{FormBody, LinkToken, PageContext, enrolment, second_step};
use crate::cookies::{Jar, SentBy, values};
use crate::{App, FrontSettings};

/// The cookie with the token of a request for a log-in by mail, after the prefix.
const LOG_IN_ID: &str = "latchkey-login-mail";

/// Pages with sessions of their own.
pub(super) trait Pages: Send + Sync + 'static {
    /// The area, for the operations.
    const AREA: Area;
    /// Where they are, after [`super::PageSettings::base_path`].
    const ROOT: &'static str;
    /// The cookie with the token of the session, after the prefix.
    const SESSION: &'static str;
    /// The cookie with the token of the device, after the prefix.
    const DEVICE: &'static str;
    /// The file with their frame.
    const LAYOUT: &'static str;
    /// The prefix of the keys of their texts.
    const ABOUT: &'static str;
    /// The values of the parameter `done` for which a page shows a message of success.
    const DONE: &'static [&'static str];

    /// The answer to a caller without a session.
    fn without_session(visit: &Visit<Self>) -> Response
    where
        Self: Sized;

    /// The answer to a form that is not one of the session.
    fn foreign(visitor: &Visitor<Self>) -> Response
    where
        Self: Sized;

    /// A page of a user who has logged in.
    fn page(visitor: &Visitor<Self>, status: StatusCode, file: &str, shown: Value) -> Response
    where
        Self: Sized;
}

/// A request to such pages.
pub(super) struct Visit<P> {
    pub(super) site: PageContext,
    front: Arc<FrontSettings>,
    cookies: Cookies,
    /// Whether another site sent it.
    pub(super) is_foreign: bool,
    pub(super) client: Client,
    /// The token of the session, if the request has one.
    pub(super) token: Option<String>,
    /// The token of the request for a log-in by mail, if this browser made one.
    pub(super) log_in_id: Option<String>,
    /// The action of the previous page that succeeded, from the parameter `done`.
    pub(super) done: Option<&'static str>,
    pages: PhantomData<P>,
}

/// A request of a user who has logged in.
pub(super) struct Visitor<P> {
    pub(super) visit: Visit<P>,
    pub(super) caller: Caller,
    /// The token that each form must have.
    pub(super) csrf: String,
}

/// The cookies of the pages. With HTTPS, no other host of the domain can set them.
#[derive(Clone, Copy)]
struct Cookies {
    is_https: bool,
}

impl Cookies {
    fn name(self, name: &str) -> String {
        if self.is_https { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn read(self, headers: &HeaderMap, name: &str) -> Option<String> {
        if headers.contains_key(COOKIE) {
            values(headers, &self.name(name)).into_iter().next()
        } else {
            None
        }
    }

    /// A `Set-Cookie` header. An age of 0 deletes the cookie.
    fn write(self, name: &str, value: &str, age: i64) -> Option<HeaderValue> {
        self.write_for(name, value, age, "Strict")
    }

    fn write_for(self, name: &str, value: &str, age: i64, same_site: &str) -> Option<HeaderValue> {
        let secure = if self.is_https { "; Secure" } else { "" };
        let name = self.name(name);
        let cookie = format!(
            "{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite={same_site}{secure}"
        );
        HeaderValue::try_from(cookie).ok()
    }
}

impl<P: Pages> FromRequestParts<App> for Visit<P> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let cookies = Cookies { is_https: app.settings.is_https };
        let mut site = PageContext::new(app, parts);
        let device = if P::AREA == Area::App {
            site.leads_to = site.app_origin();
            app.settings.cookies.as_ref().and_then(|of_api| of_api.read(&parts.headers).device)
        } else {
            cookies.read(&parts.headers, P::DEVICE)
        };
        Ok(Self {
            site,
            front: app.settings.clone(),
            cookies,
            is_foreign: SentBy::of(parts, &app.settings.origins) == SentBy::OtherPage,
            client: Client { device, ..crate::caller::client(parts) },
            token: cookies.read(&parts.headers, P::SESSION),
            log_in_id: cookies.read(&parts.headers, LOG_IN_ID),
            done: parameter(parts, "done")
                .and_then(|done| P::DONE.iter().copied().find(|known| *known == done)),
            pages: PhantomData,
        })
    }
}

impl<P: Pages> FromRequestParts<App> for Visitor<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let Ok(visit) = Visit::from_request_parts(parts, app).await;
        visit.visitor().await
    }
}

impl<P: Pages> Visit<P> {
    /// The user who has logged in, or the answer to any other caller.
    pub(super) async fn visitor(self) -> Result<Visitor<P>, Response> {
        let Some(token) = &self.token else { return Err(P::without_session(&self)) };
        match self.site.accounts.page_caller(P::AREA, token).await {
            Ok(caller) => {
                let csrf = PageTokens::form_token(token);
                Ok(Visitor { visit: self, caller, csrf })
            }
            Err(error @ AuthError::Unavailable(_)) => Err(unavailable(&self.site, &error)),
            // The session has ended: its browser logs in again.
            Err(_) => Err(self.logged_out()),
        }
    }

    /// Redirects the browser to the form, and deletes the cookie of the session.
    fn logged_out(&self) -> Response {
        self.without_cookie(self.site.redirect(P::ROOT))
    }

    /// The same answer, which deletes the cookie of the session.
    pub(super) fn without_cookie(&self, mut answer: Response) -> Response {
        let cookie = self.cookies.write(P::SESSION, "", 0);
        answer.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
        answer
    }

    /// Redirects the browser, with the cookies of the opened session.
    pub(super) fn opened(&self, opened: &PageSession) -> Response {
        let answer = match &opened.tokens {
            SessionTokens::Page(_) => self.site.redirect(P::ROOT),
            SessionTokens::Api(_) => match self.site.app_url() {
                Some(url) => (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response(),
                None => Done::LoggedIn.answer(&self.site),
            },
        };
        self.with_session(answer, opened)
    }

    /// The address to which [`Self::opened`] leads.
    pub(super) fn leads_to(&self, opened: &PageSession) -> String {
        let location = self.opened(opened).headers_mut().remove(LOCATION);
        location.and_then(|it| it.to_str().ok().map(str::to_owned)).unwrap_or_default()
    }

    /// The same answer, with the cookies of the session that was opened.
    pub(super) fn with_session(&self, answer: Response, opened: &PageSession) -> Response {
        match &opened.tokens {
            SessionTokens::Page(token) => self.opened_pages(answer, token, &opened.device),
            SessionTokens::Api(tokens) => self.opened_app(answer, tokens, &opened.device),
        }
    }

    /// With the cookies of the API.
    fn opened_app(&self, mut answer: Response, tokens: &TokenPair, device: &str) -> Response {
        if let Some(cookies) = &self.front.cookies {
            let jar = Jar::default();
            jar.keep(tokens);
            cookies.write(&jar, Some(device.to_owned()), answer.headers_mut());
        }
        answer
    }

    /// With the cookies of the pages.
    fn opened_pages(&self, mut answer: Response, token: &str, device: &str) -> Response {
        let ages = [PAGE_ABSOLUTE, Devices::LIFETIME].map(|age| age.as_secs());
        let cookies = [
            self.cookies.write(P::SESSION, token, ages[0]),
            self.cookies.write(P::DEVICE, device, ages[1]),
        ];
        for cookie in cookies.into_iter().flatten() {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
        answer
    }

    /// Stores the token of a request for a mail in the browser, or deletes it. With `SameSite=Lax`, the browser also
    /// sends the cookie when the user follows the link from the page of a mail provider.
    pub(super) fn keep_log_in(&self, mut answer: Response, id: Option<&str>) -> Response {
        let age = id.map_or(0, |_| LOG_IN_LIFETIME.as_secs());
        let cookie = self.cookies.write_for(LOG_IN_ID, id.unwrap_or_default(), age, "Lax");
        if let Some(cookie) = cookie {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
        answer
    }

    /// The form that opens a session.
    pub(super) fn log_in_form(
        &self,
        status: StatusCode,
        error: Option<&str>,
        name: &str,
    ) -> Response {
        let has_passkeys = self.site.accounts.has_passkeys();
        let shown = context! {
            error, has_passkeys, about => P::ABOUT, root => P::ROOT,
            log_in_path => LOG_IN_PATH,
            is_wrong => error.is_some(), name_typed => name,
        };
        with_script(has_passkeys, self.site.page(status, "log_in.html", None, shown))
    }

    /// The page for a path that does not exist.
    pub(super) fn not_found(&self) -> Response {
        message(&self.site, StatusCode::NOT_FOUND, "not_found", Next::Anywhere)
    }
}

impl<P: Pages> Visitor<P> {
    pub(super) fn site(&self) -> &PageContext {
        &self.visit.site
    }

    /// Whether a form is one of this session, sent by a page of this site.
    pub(super) fn sent(&self, csrf: &str) -> bool {
        !self.visit.is_foreign && self.csrf == csrf
    }

    /// Redirects to one of the pages, in the same language.
    pub(super) fn redirect(&self, path: &str) -> Response {
        let site = self.site();
        let PageLanguage { query, .. } = site.reader.language(&site.settings.templates, None);
        let query = if path.contains('?') { query.replacen('?', "&", 1) } else { query };
        let page = format!("{}{}{path}{query}", site.settings.base_path, P::ROOT);
        (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
    }
}

/// The fields of the form that opens a session.
#[derive(Deserialize)]
pub(super) struct LogIn {
    name: String,
    password: String,
}

/// The fields of the form that ends the session.
#[derive(Deserialize)]
pub(super) struct LogOut {
    csrf: String,
}

/// Opens a session.
pub(super) async fn open<P: Pages>(visit: Visit<P>, FormBody(given): FormBody<LogIn>) -> Response {
    let Some(LogIn { name, password }) = given.filter(|_| !visit.is_foreign) else {
        return visit.log_in_form(StatusCode::BAD_REQUEST, Some("log_in_incomplete"), "");
    };
    let password = PlainPassword::new(password);
    let accounts = &visit.site.accounts;
    let wrong = |about: &str| {
        let error = format!("{}_{about}", P::ABOUT);
        visit.log_in_form(StatusCode::UNAUTHORIZED, Some(&error), &name)
    };
    match accounts.open_pages(P::AREA, &name, password, &visit.client).await {
        Ok(opened) => visit.opened(&opened),
        Err(AuthError::SecondFactorRequired { challenge }) => {
            second_step::form(&visit, StatusCode::OK, &challenge, None, None).await
        }
        Err(AuthError::SecondFactorSetupRequired { challenge }) => {
            enrolment::form(&visit, &challenge, None).await
        }
        Err(AuthError::InvalidCredentials) => wrong("log_in_wrong"),
        Err(AuthError::NotVerified) => wrong("log_in_unverified"),
        Err(error) => refused(&visit.site, &LinkToken(String::new()), &error, Next::Anywhere),
    }
}

/// Ends the session. If the answer is lost, the browser keeps its cookie, and the next page leads to the form.
pub(super) async fn close<P: Pages>(
    visitor: Visitor<P>,
    FormBody(given): FormBody<LogOut>,
) -> Response {
    // Another site must not log the user out.
    if !given.is_some_and(|LogOut { csrf }| visitor.sent(&csrf)) {
        return P::foreign(&visitor);
    }
    match visitor.site().accounts.close_pages(&visitor.caller).await {
        Ok(()) => visitor.visit.logged_out(),
        Err(error) => unavailable(visitor.site(), &error),
    }
}

/// The parameters of the query that are not empty.
pub(super) fn parameter(request: &Parts, wanted: &str) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
}
